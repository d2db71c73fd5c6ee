import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.boards.system161.configuration import parse_configuration, read_configuration
from kseg.errors import ConfigurationError

SAMPLE = """\
# a machine
0\tserial
0x1 emufs dir=root   # files
2 disk rpm=7200 file=LHD0.img nodoom
28 random seed=12345
29\ttimer
030 trace
31 mainboard ramsize=1M cpus=4
"""


def test_a_usual_file() -> None:
    configuration = parse_configuration(SAMPLE.replace("030", "30"))
    assert [(slot.slot, slot.device) for slot in configuration.slots] == [
        (0, "serial"), (1, "emufs"), (2, "disk"), (28, "random"), (29, "timer"), (30, "trace"),
        (31, "mainboard"),
    ]  # fmt: skip
    assert configuration.slots[2].arguments == ["rpm=7200", "file=LHD0.img", "nodoom"]
    assert configuration.controller.place == "sys161.conf: line 8"


def test_slot_numbers_are_c_s() -> None:
    assert parse_configuration(SAMPLE).slots[5].slot == 24


def test_overrides_come_last() -> None:
    configuration = parse_configuration(SAMPLE, overrides=["31:ramsize=2M", "31:cpus=2"])
    assert configuration.controller.arguments == ["ramsize=1M", "cpus=4", "ramsize=2M", "cpus=2"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "x: no mainboard"),
        ("0 serial", "x: no mainboard"),
        ("32 serial", "x: line 1: expected a slot number from 0 to 31, got '32'"),
        ("zero serial", "x: line 1: expected a slot number from 0 to 31, got 'zero'"),
        ("\n\n5", "x: line 3: expected a device name after slot 5"),
        ("5 modem", "x: line 1: no such device 'modem'; there are busctl, disk,"),
        ("5 timer\n5 trace", "x: line 2: slot 5 is already in use by timer"),
        ("5 mainboard ramsize=1M", "x: line 1: mainboard must go in slot 31"),
        ("31 timer", "x: line 1: slot 31 is for the mainboard; put timer elsewhere"),
        ("31 mainboard", "x: line 1: mainboard: ramsize= is missing"),
        ("31 mainboard ramsize=0", "ramsize= is missing"),
        ("31 mainboard ramsize=1000", "not a multiple of 4096"),
        ("31 mainboard ramsize=1G", "at most 508M"),
        ("31 mainboard ramsize=1M cpus=0", "cpus=0: expected a number from 1 to 32"),
        ("31 mainboard ramsize=1M cores=2", "cores=2: expected a number from 1 to 1"),
        ("31 oldmainboard ramsize=1M cpus=2", "unknown argument 'cpus='"),
        ("2 disk", "x: line 1: disk: file= is missing"),
        ("2 disk file=x rpm=61", "rpm=61: expected a positive multiple of 60"),
        ("2 disk file=x rpm=0", "rpm=0: expected a positive multiple of 60"),
        ("2 disk file=x size=1000", "not a multiple of 512"),
        ("2 disk memory", "size= is missing"),
        ("3 nic", "hwaddr= is missing"),
        ("3 nic hwaddr=65535", "expected a number from 1 to 65534"),
        ("4 screen", "no screen hardware"),
        ("4 timer fast", "unknown argument 'fast' (known: it takes none)"),
        ("4 random seed=x", "seed=x: expected a number"),
        ("4 timer" + " " * 1024, "x: line 1: longer than 1023 characters"),
        ("4 timer" + " a" * 200, "x: line 1: more than 128 words"),
    ],
)
def test_errors_say_where_and_what(text: str, error: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration(text, "x")
    assert error in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("override", ["", "5", "x:y", "32:y", "5:", "-1:a"])
def test_malformed_overrides_are_refused(override: str) -> None:
    with pytest.raises(ConfigurationError, match="expected SLOT:ARGUMENT"):
        parse_configuration(SAMPLE, overrides=[override])


def test_an_override_needs_its_slot() -> None:
    with pytest.raises(ConfigurationError, match="no device in slot 7"):
        parse_configuration(SAMPLE, overrides=["7:x"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.conf: No such file.*-c"):
        read_configuration(tmp_path / "gone.conf")
    (tmp_path / "there.conf").write_bytes(b"31 mainboard ramsize=1M # \xff\n")
    assert read_configuration(tmp_path / "there.conf").controller.slot == 31


devices = st.sampled_from(
    ["serial", "timer", "trace", "random seed=5", "emufs dir=a", "nic hwaddr=9"]
)


@given(
    st.dictionaries(st.integers(0, 30), devices),
    st.sampled_from(["\t", " ", "  \t "]),
    st.sampled_from(["", " # why", "\r"]),
)
def test_what_is_parsed_can_be_written_and_parsed_again(
    slots: dict[int, str], blank: str, end: str
) -> None:
    lines = [f"{slot}{blank}{device}{end}" for slot, device in slots.items()]
    configuration = parse_configuration("\n".join([*lines, "31 mainboard ramsize=4K"]))
    again = parse_configuration(configuration.text())
    assert [s.line() for s in again.slots] == [s.line() for s in configuration.slots]
    assert {s.slot: " ".join([s.device, *s.arguments]) for s in again.slots[:-1]} == slots


@given(st.text(alphabet=st.sampled_from("0123 serialdkmnbo=#\n\tx8\0é"), max_size=200))
def test_no_text_does_worse_than_a_configuration_error(text: str) -> None:
    with contextlib.suppress(ConfigurationError):
        parse_configuration(text)


def test_a_nul_character_is_named() -> None:
    with pytest.raises(ConfigurationError, match="line 2: holds a NUL character"):
        parse_configuration("31 mainboard ramsize=1M\n2 disk file=a\0b\n")
