"""Names for addresses, and addresses for names: the symbols and source lines of a program.

`SymbolFile` is one executable's; `Symbols` are those of a guest: its kernel's, and those of user
programs that the user has named.
"""

import re
import reprlib
import stat
import struct
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from kseg.isa.registers import KSEG0
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
from kseg.unwind.call_frames import CallFrame, CallFrames

JUMP_AND_LINK = 3
MOST_LABELS = 100
"""Labels that one function has, at most."""
FILES_KEPT = 16
"""Executables that a process remembers."""

_PLACE = re.compile(r"([^:]+):(\d{1,9})")
_OFFSET = re.compile(r"(.+)\+(0[xX][0-9a-fA-F]{1,8}|\d{1,10})")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,8}")


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
        """Is an instruction of this program there?"""
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
        """The symbol that an address lies in."""
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


class Symbols:
    """The symbols of all programs in a guest."""

    def __init__(self, files: Sequence[SymbolFile], archive: Path | None = None) -> None:
        """Where several files have code at an address, as user programs have, the one whose code is
        in memory counts, or else the first. `archive` is an archive of more programs
        (`kseg.symbols.programs`): of these only the one whose code is in memory counts."""
        self.files = list(files)
        self._archive = archive

    @classmethod
    def read(
        cls,
        kernel: str | Path | None,
        programs: Iterable[str | Path] = (),
        archive: Path | None = None,
    ) -> "Symbols":
        """Those of a kernel's file, of more programs, and of an archive. SymbolError for a program
        that cannot be read; a kernel without symbols, or whose file is gone, has none."""
        files = []
        if kernel is not None:
            # It has been booted: nobody asked for its symbols.
            with suppress(SymbolError):
                files.append(read_symbols(kernel))
        return cls(files + [read_symbols(path) for path in programs], archive)

    def add(self, path: str | Path) -> SymbolFile:
        """Take those of one more program; SymbolError when they cannot be read."""
        file = read_symbols(path)
        self.files.append(file)
        return file

    def file_at(
        self, address: int, memory: Callable[[int, int], bytes | None] | None = None
    ) -> SymbolFile | None:
        """The file whose code is at an address; `memory` reads so many of the guest's bytes."""
        files = [file for file in self.files if file.has_code_at(address)]
        candidates = [*files, *self._in_archive(address)]
        if memory is not None and (len(candidates) > 1 or not files):
            begin = max(address - 32, address & ~0xFFF)
            seen: dict[int, bytes | None] = {}
            for file in candidates:
                code = file.code_at(begin, 64)
                if code is None:
                    continue
                if len(code) not in seen:
                    seen[len(code)] = memory(begin, len(code))
                if seen[len(code)] == code:
                    return file
        return files[0] if files else None

    def _in_archive(self, address: int) -> Iterator[SymbolFile]:
        """The archive's programs with code at an address; it is read when first needed."""
        if self._archive is None or address >= KSEG0:
            return
        from kseg.symbols.programs import read_programs

        for file in read_programs(self._archive):
            if file.has_code_at(address):
                yield file

    def location(
        self,
        address: int,
        *,
        after_call: bool = False,
        memory: Callable[[int, int], bytes | None] | None = None,
    ) -> Location | None:
        """What is at an address, or None; see `SymbolFile.location`. SymbolError for what is no
        number."""
        if not isinstance(address, int):
            raise SymbolError(f"address {reprlib.repr(address)}: give a number")
        file = self.file_at(address - after_call, memory)
        for each in self.files if file is None else [file]:
            found = each.location(address, after_call=after_call)
            if found is not None:
                return found
        return None

    def describe(
        self, address: int, memory: Callable[[int, int], bytes | None] | None = None
    ) -> str:
        """`function+0x12 (file.c:34)`, or the address where nothing is known."""
        return str(self.location(address, memory=memory) or f"{address:#010x}")

    def addresses(self, text: str) -> list[int]:
        """Every address that `text` may mean: `name`, `name+0x12`, `file.c:34` or `0x80001234`.
        SymbolError when there is none."""
        if not isinstance(text, str):
            raise SymbolError(f"no symbol {reprlib.repr(text)}; give its name")
        if _NUMBER.fullmatch(text):
            return [int(text, 16)]
        place = _PLACE.fullmatch(text)
        offset = 0
        if place is not None:
            found = [
                address
                for file in self.files
                for address in file.lines.addresses(place[1], int(place[2]))
            ]
        else:
            match = _OFFSET.fullmatch(text)
            name = text
            if match is not None and not any(file.named(text) for file in self.files):
                name, offset = match[1], int(match[2], 0)
            found = [symbol.address for file in self.files for symbol in file.named(name)]
        if not found:
            what = "line" if place is not None else "symbol"
            raise SymbolError(f"no {what} {text[:80]!r}; give NAME, NAME+0x12, FILE:LINE or 0x1234")
        return [(address + offset) & 0xFFFFFFFF for address in found]


_kept: OrderedDict[tuple[object, ...], SymbolFile] = OrderedDict()


def read_symbols(path: str | Path) -> SymbolFile:
    """The symbols of an executable; SymbolError when it cannot be read. A process reads a file
    once, unless it changes."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SymbolError(f"symbols {path!s:.200}: {reason}".replace("\n", " ")) from None
    if not stat.S_ISREG(status.st_mode):
        raise SymbolError(f"symbols {path}: not a file")
    key = (str(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    if key not in _kept:
        try:
            _kept[key] = SymbolFile(read_executable(path), str(path))
        except SymbolError as error:
            text = str(error)
            raise SymbolError(text if str(path) in text else f"symbols {path}: {text}") from None
        while len(_kept) > FILES_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return _kept[key]


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
