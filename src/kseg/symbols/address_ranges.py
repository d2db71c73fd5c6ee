"""What a user's words mean as ranges of addresses: `0x80001000-0x80001fff`, and names for them."""

from kseg.isa.values import WORD
from kseg.symbols.executable import SymbolError
from kseg.symbols.symbol_table import Symbols

LONGEST_LINE = 1 << 16
"""Bytes of code that one line has in one place, at most."""
EXAMPLES = "0x80001000-0x80001fff, NAME, NAME+0x12, FILE:LINE, or two with a - between them"

Range = tuple[int, int]


def ranges(symbols: Symbols, text: str) -> list[Range]:
    """The first and last addresses of what `text` means: a number or `name+0x12` is one address,
    a function all of its own, a line its code, and `FIRST-LAST` from the beginning of the first
    to the end of the last. Several where a name, or a line, is in several places. SymbolError when
    it means nothing."""
    parts = text.split("-")
    for cut in range(1, len(parts)):
        try:
            first, last = (_ranges(symbols, "-".join(each)) for each in (parts[:cut], parts[cut:]))
        except SymbolError:
            continue
        if first[0][0] > last[-1][1]:
            raise SymbolError(f"{text[:80]}: give addresses such as {EXAMPLES}")
        return [(first[0][0], last[-1][1])]
    return _ranges(symbols, text)


def _ranges(symbols: Symbols, text: str) -> list[Range]:
    try:
        number = int(text, 0)
    except ValueError:
        pass
    else:
        if 0 <= number <= WORD:
            return [(number, number)]
        raise SymbolError(f"{text[:80]}: give addresses such as {EXAMPLES}")
    named = [each for file in symbols.files for each in file.named(text)]
    if named:
        return [(each.address, each.address + max(each.size, 1) - 1) for each in named]
    try:
        addresses = symbols.addresses(text)
    except SymbolError as error:
        raise SymbolError(f"{error}; give addresses such as {EXAMPLES}") from None
    return [(each, _end_of_line(symbols, each) if ":" in text else each) for each in addresses]


def _end_of_line(symbols: Symbols, begin: int) -> int:
    """The last address of the line's code that begins there."""
    for file in symbols.files:
        line = file.lines.at(begin)
        if line is not None:
            end = begin
            while end - begin < LONGEST_LINE and file.lines.at(end + 4) == line:
                end += 4
            return end + 3
    return begin
