"""Source lines: the line number programs of `.debug_line`, DWARF 2 to 5 (DWARF 5, section 6.2).

docs/decisions/line-tables.md says why it is not pyelftools's.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Literal, NamedTuple

from kseg.symbols.dwarf import (
    FLAG_PRESENT,
    IMPLICIT,
    LINE_STRP,
    STRP,
    Cursor,
    Damaged,
    Forms,
    units,
)

MOST_ROWS = 1_000_000
"""Rows of all tables together."""
MOST_FILES = 50_000
"""Names of files in all tables together."""

COPY, ADVANCE_PC, ADVANCE_LINE, SET_FILE = 1, 2, 3, 4
CONST_ADD_PC, FIXED_ADVANCE_PC = 8, 9
END_SEQUENCE, SET_ADDRESS, DEFINE_FILE = 1, 2, 3
PATH, DIRECTORY_INDEX = 1, 2


class Line(NamedTuple):
    """A place in the source: `file` is the path that the compiler was given."""

    file: str
    number: int

    @property
    def base_name(self) -> str:
        return self.file.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.base_name}:{self.number}"


class _Header(NamedTuple):
    minimum_length: int
    line_base: int
    line_range: int
    opcode_base: int
    lengths: bytes
    files: list[str]
    first_file: int


class LineTable:
    """The lines of a program, by address and by place in the source."""

    def __init__(self, sections: Mapping[str, bytes], byte_order: Literal["big", "little"]) -> None:
        """`sections` are .debug_line, .debug_line_str and .debug_str; what is damaged is left out,
        and `damage` then says what is wrong."""
        self.damage = ""
        self._files: list[str] = [""]
        self._file_numbers: dict[str, int] = {"": 0}
        self._files_left = MOST_FILES
        self._rows: list[tuple[int, int, int]] = []
        """Address, file, line; line 0 ends a sequence."""
        self._strings = {LINE_STRP: sections[".debug_line_str"], STRP: sections[".debug_str"]}
        try:
            for _, cursor, version, width in units(sections[".debug_line"], byte_order):
                self._run(cursor, self._header(cursor, version, width))
        except Damaged as error:
            self.damage = str(error)
        # The end of a sequence comes before the beginning of another at the same address.
        self._rows.sort(key=lambda row: (row[0], row[2] != 0))
        self._addresses = [row[0] for row in self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, address: int) -> Line | None:
        """The line that an instruction belongs to."""
        found = bisect_right(self._addresses, address) - 1
        if found < 0 or self._rows[found][2] == 0:
            return None
        _, file, line = self._rows[found]
        return Line(self._files[file], line)

    def addresses(self, file: str, line: int) -> list[int]:
        """Where code of `file` begins that belongs to a line, or to the next one that has code.

        `file` is a path, or its end: `menu.c`, `main/menu.c`. Empty where there is none.
        """
        chosen = {
            number
            for number, name in enumerate(self._files)
            if name == file or name.endswith("/" + file)
        }
        rows = [row for row in self._rows if row[1] in chosen and row[2] >= line]
        if not rows:
            return []
        first = min(row[2] for row in rows)
        found: list[int] = []
        previous: tuple[int, int] | None = None
        for address, number, at in self._rows:
            if number in chosen and at == first and (number, at) != previous:
                found.append(address)
            previous = (number, at)
        return sorted(set(found))

    # Reading.

    def _header(self, cursor: Cursor, version: int, width: int) -> _Header:
        if version >= 5:
            cursor.take(2)
        header_length = cursor.number(width)
        program = cursor.place + header_length
        minimum_length = cursor.number(1)
        if version >= 4:
            cursor.number(1)  # Operations in one instruction: of processors with long ones.
        cursor.number(1)  # Whether rows are statements at first; every row is welcome here.
        line_base = cursor.number(1)
        line_range, opcode_base = cursor.number(1), cursor.number(1)
        if line_range == 0 or opcode_base == 0:
            raise Damaged("a line table that cannot be")
        lengths = b"\0" + cursor.take(opcode_base - 1)
        files = self._new_names(cursor, width) if version >= 5 else self._old_names(cursor)
        if program < cursor.place or program > cursor.end:
            raise Damaged("a line table's header has another length than it says")
        cursor.place = program
        line_base -= (line_base & 0x80) << 1
        return _Header(
            minimum_length, line_base, line_range, opcode_base, lengths, files, int(version < 5)
        )

    def _take_files(self, count: int) -> None:
        self._files_left -= count
        if self._files_left < 0:
            raise Damaged("a line table with too many files")

    def _old_names(self, cursor: Cursor) -> list[str]:
        directories = [""]
        while name := cursor.string():
            directories.append(name)
        files: list[str] = []
        while name := cursor.string():
            self._take_files(1)
            directory = cursor.uleb()
            cursor.uleb(), cursor.uleb()
            files.append(_joined(directories, directory, name))
        return files

    def _new_names(self, cursor: Cursor, width: int) -> list[str]:
        directories = [name for name, _ in self._entries(cursor, width)]
        return [_joined(directories, index, name) for name, index in self._entries(cursor, width)]

    def _entries(self, cursor: Cursor, width: int) -> list[tuple[str, int]]:
        """Names, and the directories that they are in (DWARF 5, section 6.2.4.1)."""
        format_ = [(cursor.uleb(), cursor.uleb()) for _ in range(cursor.number(1))]
        count = cursor.uleb()
        if count and not format_:
            raise Damaged("a line table with too many files")
        self._take_files(count)
        read = Forms(self._strings, 5, width).read
        found = []
        for _ in range(count):
            name, directory = "", 0
            for content, form in format_:
                if form in (FLAG_PRESENT, IMPLICIT):
                    raise Damaged("a line table with values of no bytes")
                value = read(cursor, form)
                if content == PATH and isinstance(value, str):
                    name = value
                elif content == DIRECTORY_INDEX and isinstance(value, int):
                    directory = value
            found.append((name, directory))
        return found

    def _run(self, cursor: Cursor, header: _Header) -> None:
        """Execute a line number program; its rows are ours."""
        rows = self._rows
        minimum, base, range_ = header.minimum_length, header.line_base, header.line_range
        opcode_base = header.opcode_base
        const_add = (255 - opcode_base) // range_ * minimum
        numbers = [self._number_of(name) for name in header.files]
        files = dict(enumerate(numbers, header.first_file))
        address, file, line = 0, files.get(1, 0), 1
        begun = len(rows)
        while cursor.place < cursor.end:
            opcode = cursor.number(1)
            if opcode >= opcode_base:
                advance, step = divmod(opcode - opcode_base, range_)
                address = (address + advance * minimum) & 0xFFFFFFFF
                line += base + step
                rows.append((address, file, line if line > 0 else 0))
            elif opcode == 0:
                length = cursor.uleb()
                end = cursor.place + length
                extended = cursor.number(1) if length else 0
                if extended == END_SEQUENCE:
                    rows.append((address, 0, 0))
                    if rows[begun][0] == 0:
                        del rows[begun:]  # Code that the linker has left out.
                    address, file, line = 0, files.get(1, 0), 1
                    begun = len(rows)
                elif extended == SET_ADDRESS:
                    address = cursor.number(length - 1) & 0xFFFFFFFF
                elif extended == DEFINE_FILE:
                    files[len(files) + header.first_file] = self._number_of(cursor.string())
                if end > cursor.end:
                    raise Damaged("cut short")
                cursor.place = end
            elif opcode == COPY:
                rows.append((address, file, line if line > 0 else 0))
            elif opcode == ADVANCE_PC:
                address = (address + cursor.uleb() * minimum) & 0xFFFFFFFF
            elif opcode == ADVANCE_LINE:
                line += cursor.sleb()
            elif opcode == SET_FILE:
                file = files.get(cursor.uleb(), 0)
            elif opcode == CONST_ADD_PC:
                address = (address + const_add) & 0xFFFFFFFF
            elif opcode == FIXED_ADVANCE_PC:
                address = (address + cursor.number(2)) & 0xFFFFFFFF
            else:
                for _ in range(header.lengths[opcode]):
                    cursor.uleb()
            if len(rows) > MOST_ROWS:
                del rows[begun:]
                raise Damaged("more lines than any program has")

    def _number_of(self, name: str) -> int:
        number = self._file_numbers.get(name)
        if number is None:
            number = self._file_numbers[name] = len(self._files)
            self._files.append(name)
        return number


def _joined(directories: list[str], index: int, name: str) -> str:
    if name.startswith("/") or not 0 <= index < len(directories) or not directories[index]:
        return name
    return f"{directories[index]}/{name}"
