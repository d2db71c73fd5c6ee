"""What the assembler makes: a program at its address."""

import struct
from dataclasses import dataclass, field
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Line:
    """What one statement became: `data` at `address`, from the source's line `number`."""

    number: int
    address: int
    data: bytes
    is_code: bool


@dataclass(frozen=True)
class Program:
    """An assembled program: `code` is everything from address `origin` on, data included."""

    origin: int
    code: bytes = field(repr=False)
    symbols: dict[str, int]
    """Addresses of labels."""
    constants: dict[str, int]
    """What .equ and = define."""
    byte_order: str
    profile: str
    source: str = field(repr=False)
    sections: tuple[tuple[str, int, int], ...]
    """Name, address and bytes of every section that is not empty."""
    lines: tuple[Line, ...] = field(repr=False)
    code_sections: frozenset[str] = frozenset((".text",))
    """The names of those that hold instructions."""
    unmarked: tuple[int, ...] = ()
    """Lines with branches whose delay slot hardly is one (a label or a branch is in it), if the
    source nowhere says what it means (``.set noreorder`` or ``.set reorder``)."""

    @property
    def entry(self) -> int:
        """Where it starts: at the label __start, _start, start or main, else at `origin`."""
        for name in ("__start", "_start", "start", "main"):
            if name in self.symbols:
                return self.symbols[name]
        return self.origin

    @property
    def words(self) -> list[int]:
        """`code` as 32-bit words; ValueError if it is not a whole number of them."""
        if len(self.code) % 4:
            raise ValueError(f"{len(self.code)} bytes are not a whole number of words")
        prefix = ">" if self.byte_order == "big" else "<"
        return list(struct.unpack(f"{prefix}{len(self.code) // 4}I", self.code))

    def listing(self) -> str:
        """Addresses and words beside the source's lines."""
        rows = list[str]()
        made = {number: list(lines) for number, lines in groupby(self.lines, _number)}
        for number, text in enumerate(self.source.splitlines(), 1):
            cells = [
                cell for line in made.get(number, []) for cell in _cells(line, self.byte_order)
            ]
            first = cells[0] if cells else ""
            rows.append(f"{first:20}{number:5}  {text}".rstrip())
            rows += cells[1:]
        return "\n".join(rows) + "\n"

    def to_elf(self) -> bytes:
        """The program as an ELF executable (`kseg.isa.assembler.elf`)."""
        from kseg.isa.assembler.elf import executable

        return executable(self)


def _number(line: Line) -> int:
    return line.number


def _cells(line: Line, byte_order: str) -> list[str]:
    """``address  word`` for each word; bytes in memory order where they are data."""
    found = []
    for offset in range(0, len(line.data), 4):
        piece = line.data[offset : offset + 4]
        if line.is_code and byte_order == "little":
            piece = piece[::-1]
        found.append(f"{line.address + offset:08x}  {piece.hex()}")
    if len(found) > 8 and not any(line.data):
        return [found[0], f"{'':10}... {len(line.data)} zeros"]
    return found
