"""What a user's words mean as ranges of addresses."""

import pytest

from kseg.symbols.address_ranges import ranges
from kseg.symbols.executable import SymbolError
from tests.symbols.test_symbol_table import AT, symbols


def test_ranges() -> None:
    found = symbols()
    (main,) = found.files[0].named("main")
    whole = (main.address, main.address + main.size - 1)
    assert ranges(found, "main") == [whole]
    assert ranges(found, "main+4") == [(main.address + 4, main.address + 4)]
    assert ranges(found, "0x80001000-0x80001fff") == [(0x80001000, 0x80001FFF)]
    assert ranges(found, "4096") == [(4096, 4096)]
    assert ranges(found, f"main-{whole[1] + 1:#x}") == [(whole[0], whole[1] + 1)]
    assert ranges(found, f"{whole[0] - 4:#x}-main") == [(whole[0] - 4, whole[1])]
    (other,) = ranges(found, "other")
    assert other[0] == AT["other"]


@pytest.mark.parametrize(
    "text", ["", "-", "nothing", "main-nothing", "5-4", "0-0x100000000", "-1", "main+", "x.c:1"]
)
def test_what_means_nothing(text: str) -> None:
    with pytest.raises(SymbolError, match="give addresses such as"):
        ranges(symbols(), text)


def test_the_code_of_a_line() -> None:
    found = symbols()
    for line in range(1, 40):
        try:
            places = ranges(found, f"main.c:{line}")
        except SymbolError:
            continue
        for first, last in places:
            at = found.files[0].lines.at(first)
            assert at is not None
            assert at == found.files[0].lines.at(last)
            assert at != found.files[0].lines.at(last + 1)
            assert at.number >= line
        break
    else:
        pytest.fail("there is no line")
