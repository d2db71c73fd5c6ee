"""`kseg disasm`: disassemble an executable, a raw binary, or words from the command line."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kseg.cli import lazy_click as click
from kseg.cli.input import read_whole
from kseg.cli.parameters import File, Name, Text, Word, profiles
from kseg.errors import KsegError

EPILOG = """
A WORD is eight hexadecimal digits, or up to eight behind 0x. Of an ELF file the sections with
code are shown, with its symbols; of any other file everything. `kseg asm` takes what this prints.
"""

ByteOrder = Literal["big", "little"]


@dataclass(frozen=True)
class Code:
    """A run of bytes to disassemble."""

    name: str
    address: int
    data: bytes


@dataclass(frozen=True)
class Contents:
    """What an input holds."""

    byte_order: ByteOrder
    pieces: list[Code]
    symbols: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    """Of those symbols that have one."""


@click.command(epilog=EPILOG)
@click.option(
    "--profile",
    type=Name("P", profiles),
    help="Processor: mips161, r3000, r3000-fpu (with floating point), r3000-r3010 or lsi "
    "(default: mips161 if big endian, else r3000).",
)
@click.option("--big/--little", default=None, help="Byte order (default: the file's, else big).")
@click.option(
    "--address",
    type=Word(),
    help="Address of the first byte, of words and raw files (default: 0).",
)
@click.option("--section", type=Text("NAME"), help="Only this section.")
@click.option("--symbol", type=Text("NAME"), help="Only from this symbol to the next.")
@click.option("--no-pseudo", is_flag=True, help="No pseudo-instructions such as nop and move.")
@click.argument(
    "inputs", type=File("executable"), metavar="FILE|-|WORD...", nargs=-1, required=True
)
def disasm(
    profile: str | None,
    big: bool | None,
    address: int | None,
    section: str | None,
    symbol: str | None,
    no_pseudo: bool,
    inputs: tuple[str, ...],
) -> None:
    """Disassemble a FILE, stdin, or instruction WORDs."""
    from kseg.isa.profile import profile_named

    order: ByteOrder | None = None if big is None else ("big" if big else "little")
    contents = _contents(inputs, order, address)
    try:
        chosen = profile_named(profile or ("mips161" if contents.byte_order == "big" else "r3000"))
    except ValueError as error:
        raise KsegError(str(error)) from None
    pieces = _select(contents, section, symbol)
    if inputs and not contents.symbols and _are_words(inputs) and address is None:
        for line in _bare(pieces[0], contents, chosen.name, not no_pseudo):
            click.echo(line)
        return
    out = sys.stdout
    shown = _shown_symbols(pieces, contents, chosen.name)
    places = [range(piece.address, piece.address + len(piece.data)) for piece in pieces]
    for piece in pieces:
        for line in _lines(piece, contents, shown, places, chosen.name, not no_pseudo):
            out.write(line + "\n")


# Reading.


def _are_words(inputs: tuple[str, ...]) -> bool:
    word = re.compile(r"0[xX][0-9a-fA-F]{1,8}|[0-9a-fA-F]{8}")
    return all(word.fullmatch(text) and not Path(text).exists() for text in inputs)


def _contents(inputs: tuple[str, ...], order: ByteOrder | None, address: int | None) -> Contents:
    if _are_words(inputs):
        words = [int(text, 16) for text in inputs]
        data = b"".join(word.to_bytes(4, "big") for word in words)
        if order == "little":
            raise KsegError("words have no byte order: leave out --little")
        return Contents("big", [Code("", address or 0, data)])
    if len(inputs) > 1:
        raise KsegError("give one file, or only words such as 0x27bdffe0")
    data = read_whole("cannot read", inputs[0])
    if data[:4] == b"\x7fELF":
        if address is not None:
            raise KsegError("an ELF file has its own addresses: leave out --address")
        return _elf(inputs[0], data, order)
    return Contents(order or "big", [Code("", address or 0, data)])


def _elf(name: str, data: bytes, order: ByteOrder | None) -> Contents:
    """The code and the symbols of an ELF file."""
    import io

    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    try:
        file = ELFFile(io.BytesIO(data))
        if file["e_machine"] != "EM_MIPS" or file.elfclass != 32:
            raise KsegError(f"{name} is not for a 32-bit MIPS")
        found = Contents("little" if file.little_endian else "big", [])
        if order not in (None, found.byte_order):
            raise KsegError(f"{name} is {found.byte_order} endian")
        for section in file.iter_sections():
            if isinstance(section, SymbolTableSection):
                _symbols(section, found)
            elif section["sh_flags"] & 4 and section["sh_type"] == "SHT_PROGBITS":
                found.pieces.append(Code(section.name, section["sh_addr"], section.data()))
        found.pieces.sort(key=lambda piece: piece.address)
        if not found.pieces:
            for segment in file.iter_segments():
                if segment["p_type"] == "PT_LOAD" and segment["p_flags"] & 1:
                    found.pieces.append(Code("", segment["p_vaddr"], segment.data()))
    except (ELFError, ValueError, KeyError, AttributeError, IndexError, OverflowError) as error:
        # The library trusts what a file says of itself more than it should.
        raise KsegError(f"{name} is a damaged ELF file: {error}") from None
    if not found.pieces:
        raise KsegError(f"{name} holds no code")
    return found


def _symbols(section: object, found: Contents) -> None:
    for symbol in section.iter_symbols():  # type: ignore[attr-defined]
        kind, index = symbol["st_info"]["type"], symbol["st_shndx"]
        if (
            symbol.name
            and kind in ("STT_NOTYPE", "STT_FUNC", "STT_OBJECT")
            and index != "SHN_UNDEF"
        ):
            if index == "SHN_ABS":
                continue
            found.symbols[symbol.name] = symbol["st_value"]
            if symbol["st_size"]:
                found.sizes[symbol.name] = symbol["st_size"]


# Choosing.


def _select(contents: Contents, section: str | None, symbol: str | None) -> list[Code]:
    pieces = contents.pieces
    if section is not None:
        pieces = [piece for piece in pieces if piece.name == section]
        if not pieces:
            names = ", ".join(piece.name for piece in contents.pieces if piece.name) or "none"
            raise KsegError(f"no section {section} with code; there are: {names}")
    if symbol is None:
        return pieces
    if symbol not in contents.symbols:
        raise KsegError(f"no symbol {symbol}")
    start = contents.symbols[symbol]
    for piece in pieces:
        end = piece.address + len(piece.data)
        if piece.address <= start < end:
            later = [address for address in contents.symbols.values() if address > start]
            size = contents.sizes.get(symbol, min([*later, end]) - start)
            offset = start - piece.address
            return [Code(piece.name, start, piece.data[offset : offset + size])]
    raise KsegError(f"{symbol} is at {start:#010x}, where no code is")


# Printing.


def _bare(piece: Code, contents: Contents, profile: str, pseudo: bool) -> Iterator[str]:
    """Words from the command line: nothing but the instructions."""
    from kseg.isa.disassembler import disassemble

    for offset in range(0, len(piece.data), 4):
        word = int.from_bytes(piece.data[offset : offset + 4], contents.byte_order)
        text = disassemble(word, piece.address + offset, profile, pseudo=pseudo, relative=True)
        yield _columns(text)


def _shown_symbols(pieces: list[Code], contents: Contents, profile: str) -> dict[str, int]:
    """The symbols that are shown as labels: where an instruction is, and `kseg asm` takes them."""
    from kseg.isa.assembler.operand import is_label

    found = {}
    for name, address in contents.symbols.items():
        for piece in pieces:
            offset = address - piece.address
            if 0 <= offset < len(piece.data) and offset % 4 == 0 and is_label(name, profile):
                found[name] = address
                break
    return found


def _lines(
    piece: Code,
    contents: Contents,
    shown: dict[str, int],
    places: list[range],
    profile: str,
    pseudo: bool,
) -> Iterator[str]:
    from kseg.isa.disassembler import disassemble, nearest

    name_shown, any_name_of = nearest(shown), nearest(contents.symbols)

    def name_of(address: int) -> str | None:
        """The name of a place that is shown; of others only the number can be assembled."""
        return name_shown(address) if any(address in each for each in places) else None

    labels: dict[int, list[str]] = {}
    for name, address in sorted(contents.symbols.items()):
        labels.setdefault(address, []).append(name)
    if piece.name:
        yield f"# {piece.name}"
    for offset in range(0, len(piece.data), 4):
        address = (piece.address + offset) & 0xFFFFFFFF
        for name in labels.get(address, ()):
            yield f"{name}:" if name in shown else f"# {name}:"
        data = piece.data[offset : offset + 4]
        if len(data) < 4:
            bytes_ = ",".join(f"{byte:#04x}" for byte in data)
            yield f"{address:08x}:  {data.hex():8}  .byte   {bytes_}"
            return
        word = int.from_bytes(data, contents.byte_order)
        text = disassemble(word, address, profile, name_of, pseudo=pseudo)
        if "#" not in text:
            # A name that is no label here is told, so that the line can be assembled.
            named = disassemble(word, address, profile, any_name_of, pseudo=pseudo)
            if named != text and "0x" in text:
                text = f"{text}  # {named.rpartition(',')[2].rpartition(' ')[2]}"
        yield f"{address:08x}:  {word:08x}  {_columns(text)}"


def _columns(text: str) -> str:
    mnemonic, _, operands = text.partition(" ")
    return f"{mnemonic:7} {operands}".rstrip()
