import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kseg.history.checkpoints import OVERHEAD, Checkpoint, Checkpoints
from kseg.machine.input_history import Position
from kseg.memory.contents import RegionContents
from kseg.memory.pages import PAGE_SIZE
from tests.history.machines import busy

with busy(1) as _machine:
    EMPTY = _machine.board.save(with_ram=False)


def checkpoint(cycle: int, pages: dict[int, int]) -> Checkpoint:
    """One whose RAM has pages that are filled with a byte."""
    ram = RegionContents(1 << 20, {n: bytes([b]) * PAGE_SIZE for n, b in pages.items()})
    state = msgspec.structs.replace(EMPTY, regions={"ram": ram})
    return Checkpoint(cycle, cycle * 40, state, Position())


contents = st.dictionaries(st.integers(0, 9), st.integers(1, 3))


@given(
    st.lists(st.tuples(st.integers(0, 1000), contents), max_size=20),
    st.integers(0, 20),
    st.integers(0, 1000),
)
def test_the_nearest_ones_within_the_limit(
    made: list[tuple[int, dict[int, int]]], pages: int, wanted: int
) -> None:
    limit = pages * PAGE_SIZE + 5 * OVERHEAD
    kept = Checkpoints(limit)
    first = {}
    for cycle, what in made:
        # Of a cycle the first one stays, unless it has been dropped meanwhile.
        if cycle not in [each.cycle for each in kept]:
            first[cycle] = what
        kept.add(checkpoint(cycle, what))
    cycles = [each.cycle for each in kept]
    assert cycles == sorted(set(cycles))
    assert kept.size <= limit or len(kept) <= 2
    if made:
        assert cycles[0] == min(first) or len(cycles) > 1
    before, after = kept.before(wanted), kept.after(wanted)
    assert (before.cycle if before else None) == max(
        (each for each in cycles if each <= wanted), default=None
    )
    assert (after.cycle if after else None) == min(
        (each for each in cycles if each > wanted), default=None
    )
    for each in kept:
        ram = each.state.regions["ram"].pages
        assert {n: page[0] for n, page in ram.items()} == first[each.cycle]


def test_equal_pages_are_kept_once() -> None:
    kept = Checkpoints(1 << 30)
    for cycle in range(10):
        kept.add(checkpoint(cycle, {1: 5, 2: 6, 3: cycle + 1}))
    assert kept.size == 12 * PAGE_SIZE + 10 * OVERHEAD
    kept.clear()
    assert (kept.size, len(kept)) == (0, 0)


def test_the_smallest_gaps_go_first() -> None:
    kept = Checkpoints(4 * OVERHEAD)
    for cycle in (0, 100, 200, 201, 300):
        kept.add(checkpoint(cycle, {}))
    assert [each.cycle for each in kept] == [0, 100, 200, 300]
