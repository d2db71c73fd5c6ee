"""Names for addresses, and addresses for names: the symbols of all programs in a guest, of its
kernel and of user programs that the user has named."""

import re
import reprlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from kseg.isa.registers import KSEG0
from kseg.symbols.executable import SymbolError
from kseg.symbols.programs import read_programs
from kseg.symbols.symbol_file import Location, SymbolFile, read_symbols

_PLACE = re.compile(r"([^:]+):(\d{1,9})")
_OFFSET = re.compile(r"(.+)\+(0[xX][0-9a-fA-F]{1,8}|\d{1,10})")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,8}")


class Symbols:
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
            # It has been booted, and its symbols were not asked for.
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
