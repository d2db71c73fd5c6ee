"""What system calls look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.kernels import cms_calls, os161_calls
from kseg.kernels.calls import UNKNOWN_CALLS, Call, arguments, calls_of, number_text

MEMORY = {0x1000: b"/bin/cat\0", 0x2000: b'a "b"\n\xff', 0x3000: b"x" * 100, 0x4000: b"endless"}


def read(address: int, length: int) -> bytes | None:
    for start, data in MEMORY.items():
        if start <= address < start + len(data):
            return data[address - start : address - start + length]
    return None


def shown(call: Call, *values: int, stack: dict[int, int] | None = None) -> list[str]:
    registers = [0] * 32
    registers[4 : 4 + len(values)] = values
    registers[29] = 0x7FFF0000
    words = stack or {}
    found = arguments(call, registers, read, lambda address: words.get(address - 0x7FFF0000))
    return [each.text for each in found]


def os161(number: int) -> Call:
    return os161_calls.CALLS.named(number)


@pytest.mark.parametrize(
    ("number", "values", "expected"),
    [
        (45, (0x1000, 0x1, 0o644), ['"/bin/cat"', "0x1"]),
        (45, (0x1000, 0x5, 0o644), ['"/bin/cat"', "0x5", "0644"]),
        (45, (0x5000, 0), ["0x5000", "0"]),
        (45, (0x4000, 0), ["0x4000", "0"]),  # A text whose end is not mapped.
        (45, (0x3000, 0), ['"' + "x" * 60 + '"...', "0"]),
        (55, (1, 0x2000, 7), ["1", '"a \\"b\\"\\n\\xff"', "7"]),
        (55, (1, 0x3000, 90), ["1", '"' + "x" * 60 + '"...', "90"]),
        (55, (1, 0x2000, 50), ["1", "0x2000", "50"]),  # Less is mapped than is to be written.
        (55, (1, 0, 0), ["1", '""', "0"]),
        (7, (0xFFFFFFF8,), ["-8"]),
        (4, (2, 0, 0), ["2", "NULL", "0"]),
        (5, (), []),
        (200, (1, 2, 3, 4), ["0x1", "0x2", "0x3", "0x4"]),
    ],
)
def test_arguments(number: int, values: tuple[int, ...], expected: list[str]) -> None:
    assert shown(os161(number), *values) == expected


def test_arguments_of_64_bits_and_on_the_stack() -> None:
    # a1 is left out, so that the offset begins in a2; `whence` is the fifth.
    high, low = 0xFFFFFFFF, 0xFFFFFFF6
    assert shown(os161(59), 3, 99, high, low, stack={16: 2}) == ["3", "-10", "2"]
    assert shown(os161(59), 3, 99, 0, 5) == ["3", "5", "?"]
    pread = shown(os161(51), 3, 0x1000, 9, stack={16: 1, 20: 0})
    assert pread == ["3", "0x1000", "9", str(1 << 32)]


def test_errors() -> None:
    calls = os161_calls.CALLS
    assert calls.error(3, 0) == 0
    assert calls.errors[calls.error(19, 1)] == "ENOENT"
    assert cms_calls.CALLS.errors[cms_calls.CALLS.error(0xFFFFFFFF, 1)] == "NOT_FOUND"


def test_unknown_kernels() -> None:
    assert shown(UNKNOWN_CALLS.named(7), 1, 2, 3, 4) == ["0x1", "0x2", "0x3", "0x4"]
    assert UNKNOWN_CALLS.named(7).name == "call_7"


def test_names_and_numbers_of_cms_are_its_sources() -> None:
    import re
    from pathlib import Path

    header = Path(__file__).parents[2] / "guests" / "cms" / "include" / "system_calls.h"
    found = dict(re.findall(r"#define SYSTEM_(\w+) (\d+)", header.read_text()))
    names = {int(number): name.lower() for name, number in found.items()}
    known = {number: call.name for number, call in cms_calls.CALLS.calls.items()}
    assert known == {**names, 29: "format_drive"}
    errors = re.findall(r"#define ERROR_(\w+) (\d+)", header.read_text())
    assert {int(n): name for name, n in errors if name != "COUNT"} == cms_calls.CALLS.errors


@given(st.text(alphabet="duxoqpm", min_size=1, max_size=1), st.integers(0, (1 << 32) - 1))
def test_numbers(kind: str, value: int) -> None:
    text = number_text(value, kind)
    if text == "NULL":
        number = 0
    else:
        number = int(text, 8 if kind in "om" else 0)
    assert number & 0xFFFFFFFF == value


def test_a_table_is_checked() -> None:
    with pytest.raises(AssertionError):
        calls_of("1 not a call")
