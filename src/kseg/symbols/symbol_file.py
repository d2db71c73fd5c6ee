"""The symbols, source lines, types and call frames of one executable."""

import stat
import struct
from bisect import bisect_right
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from kseg.symbols.call_frames import CallFrame, CallFrames
from kseg.symbols.executable import (
    ALLOCATED,
    FUNCTION,
    NO_TYPE,
    OBJECT,
    Executable,
    RawSymbol,
    SymbolError,
    read_executable,
)
from kseg.symbols.line_table import Line, LineTable
from kseg.symbols.types import Types

JUMP_AND_LINK = 3
MOST_LABELS = 100
"""Labels that one function has, at most."""
FILES_KEPT = 16
"""Executables that a process remembers."""


class Symbol(NamedTuple):
    """A function or an object: its `address`, and its `size` in bytes, up to the next symbol where
    the file does not say. Not `typed`: the file does not say what it is, so that it may be a label
    inside of a function."""

    name: str
    address: int
    size: int
    is_function: bool
    typed: bool


class Location(NamedTuple):
    """An address in words: `offset` bytes into `symbol`, in `line` if that is known."""

    symbol: Symbol
    offset: int
    line: Line | None

    def __str__(self) -> str:
        offset = f"+{self.offset:#x}" if self.offset else ""
        return f"{self.symbol.name}{offset}" + (f" ({self.line})" if self.line else "")


class SymbolFile:
    """What an executable says about itself. A stripped one says nothing, which is no error."""

    def __init__(self, executable: Executable, path: str = "") -> None:
        self.path = path
        self.byte_order = executable.byte_order
        self.entry = executable.entry
        self._executable = executable
        self._code = sorted(executable.code())
        found = _symbols(executable)
        self.symbols = [each[0] for each in found]
        """By address; of several names for one, that which a reader would choose."""
        self._addresses = [symbol.address for symbol in self.symbols]
        self._by_name: dict[str, list[Symbol]] = {}
        for symbol in (symbol for each in found for symbol in each):
            self._by_name.setdefault(symbol.name, []).append(symbol)

    def __repr__(self) -> str:
        return f"<SymbolFile {self.path}: {len(self.symbols)} symbols>"

    @cached_property
    def lines(self) -> LineTable:
        """The source lines; read when first asked for."""
        names = (".debug_line", ".debug_line_str", ".debug_str")
        return LineTable({name: self._section(name) for name in names}, self.byte_order)

    @cached_property
    def call_frames(self) -> CallFrames:
        """The call frame information; read when first asked for."""
        return CallFrames(self._section(".debug_frame"), self.byte_order)

    @cached_property
    def types(self) -> Types:
        """Structures and functions' parameters; read when first asked for."""
        names = ("info", "abbrev", "str", "line_str", "str_offsets", "addr")
        sections = {f".debug_{name}": self._section(f".debug_{name}") for name in names}
        return Types(sections, self.byte_order)

    @property
    def damage(self) -> str:
        """What is wrong with the debug information, as far as it has been read; else nothing."""
        return "; ".join(filter(None, (self.lines.damage, self.call_frames.damage)))

    def _section(self, name: str) -> bytes:
        try:
            return self._executable.contents(name)
        except SymbolError:
            return b""

    def has_code_at(self, address: int) -> bool:
        return self.code_at(address, 1) is not None

    def code_at(self, address: int, length: int) -> bytes | None:
        """`length` bytes of code, or fewer up to a section's end; None where no code is."""
        for begin, data in self._code:
            if begin <= address < begin + len(data):
                return data[address - begin : address - begin + length]
        return None

    @property
    def code_range(self) -> tuple[int, int]:
        """The first address of code, and the one behind the last; SymbolError without code."""
        if not self._code:
            raise SymbolError(f"symbols {self.path}: no code in it")
        return self._code[0][0], max(begin + len(data) for begin, data in self._code)

    def symbol_at(self, address: int) -> Symbol | None:
        found = bisect_right(self._addresses, address) - 1
        if found < 0:
            return None
        symbol = self.symbols[found]
        return symbol if address < symbol.address + max(symbol.size, 1) else None

    def location(self, address: int, *, after_call: bool = False) -> Location | None:
        """What is at an address. `after_call`: a call has the address as its return address; the
        function and the line are then the call's, which may be the last thing in its function."""
        inside = address - 1 if after_call else address
        symbol = self.symbol_at(inside)
        if symbol is None:
            return None
        line = self.lines.at(inside) if symbol.is_function else None
        return Location(symbol, address - symbol.address, line)

    @cached_property
    def _called(self) -> frozenset[int]:
        """What is called by the `jal`s of the program."""
        found: set[int] = set()
        for begin, data in self._code:
            words = struct.unpack(
                f"{'>' if self.byte_order == 'big' else '<'}{len(data) // 4}I",
                data[: len(data) & ~3],
            )
            segment = begin & 0xF0000000
            found.update(
                segment | (word & 0x3FFFFFF) << 2 for word in words if word >> 26 == JUMP_AND_LINK
            )
        return frozenset(found)

    def function_start(self, address: int) -> int | None:
        """Where the function around an address begins: at a symbol that is said to be a function,
        or that is called. Others may be labels inside of one."""
        found = bisect_right(self._addresses, address)
        for symbol in reversed(self.symbols[max(found - MOST_LABELS, 0) : found]):
            if symbol.is_function and (
                symbol.typed or symbol.address in self._called or symbol.address == self.entry
            ):
                return symbol.address
        return None

    def starts_at(self, address: int) -> bool:
        """Is an address in the function at which the program starts, which nobody calls?"""
        symbol = self.symbol_at(self.entry)
        return symbol is not None and symbol == self.symbol_at(address)

    def named(self, name: str) -> list[Symbol]:
        """The symbols with a name: several, where files have functions of their own."""
        return self._by_name.get(name, [])

    def call_frame(self, address: int) -> CallFrame | None:
        """How to find the caller of the function at an address."""
        return self.call_frames.at(address)


_kept: OrderedDict[tuple[object, ...], SymbolFile] = OrderedDict()


def read_symbols(path: str | Path) -> SymbolFile:
    """The symbols of an executable; SymbolError when it cannot be read. A process reads a file
    once, unless it changes."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError, TypeError) as error:
        text = f"symbols {path!s:.200}: {_reason(error)}"
        raise SymbolError(text.replace("\n", " ")) from None
    if not stat.S_ISREG(status.st_mode):
        raise SymbolError(f"symbols {path}: not a file")
    key = (str(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    if key not in _kept:
        try:
            _kept[key] = SymbolFile(read_executable(path), str(path))
        except (OSError, SymbolError) as error:
            raise SymbolError(f"symbols {path}: {_reason(error)}") from None
        while len(_kept) > FILES_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]


def _reason(error: Exception) -> str:
    return str(error.strerror if isinstance(error, OSError) else error)


def _symbols(executable: Executable) -> list[list[Symbol]]:
    """All symbols, by address; of those at one address the best comes first."""
    at: dict[int, list[RawSymbol]] = {}
    for raw in executable.symbols():
        if not executable.sections[raw.section].flags & ALLOCATED:
            continue
        if raw.name.startswith((".", "$")) and raw.kind == NO_TYPE:
            continue  # A label of the assembler's.
        at.setdefault(raw.address, []).append(raw)
    addresses = sorted(at)
    found = []
    for address, following in zip(addresses, [*addresses[1:], 1 << 32], strict=False):
        best = sorted(at[address], key=_rank, reverse=True)
        found.append([_symbol(executable, raw, following) for raw in best])
    return found


def _symbol(executable: Executable, raw: RawSymbol, following: int) -> Symbol:
    section = executable.sections[raw.section]
    end = min(following, section.address + section.size)
    is_code = raw.kind == FUNCTION or (raw.kind != OBJECT and executable.is_code(raw.section))
    size = raw.size or max(end - raw.address, 0)
    return Symbol(raw.name, raw.address, size, is_code, raw.kind != NO_TYPE)


def _rank(symbol: RawSymbol) -> tuple[bool, bool, bool, int]:
    return (symbol.kind != NO_TYPE, symbol.is_global, symbol.size > 0, -len(symbol.name))
