"""The table of guests at every width of a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from kseg.cli.console.host_table import COLUMNS, fitted

ROWS = st.lists(
    st.tuples(
        st.from_regex(r"[a-z]{1,32}", fullmatch=True),
        st.sampled_from(["", "20M"]),
        st.sampled_from(["", "system_call 120, interrupt 100, shadow_miss 12"]),
    ).map(
        lambda guest: [
            "1", guest[0], "asleep", "100.0", "99.9", "10000", guest[1], "", "65536K", "4096K",
            "12345.6", "123456", guest[2],
        ]
    ),
    min_size=1,
    max_size=5,
)  # fmt: skip


@given(ROWS, st.integers(40, 200))
def test_it_fits_and_says_what_matters(rows: list[list[str]], width: int) -> None:
    heading, *lines = fitted(rows, width)
    assert len(lines) == len(rows)
    assert max(map(len, [heading, *lines])) <= width
    for head in ("#", "guest", "state"):
        assert head in heading
    assert "reserved" not in heading, "nobody has a reservation"
    for row, line in zip(rows, lines, strict=True):
        assert row[1][:7] in line
        assert "asleep" in line


def test_eighty_columns_have_room_for_the_shares() -> None:
    row = ["12", "student-17", "running", "12.5", "9.1", "300", "5M", "2M", "1024K", "260K",
           "123.4", "5123", "system_call 4000, interrupt 1000"]  # fmt: skip
    heading, line = fitted([row], 80)
    shown = heading.split("  ")
    assert {"% now", "% all"} <= {each.strip() for each in shown}
    assert "student-17  running" in line
    heading, line = fitted([row], 120)
    assert all(head in heading for head in COLUMNS)
    assert "system_call 4000" in line
