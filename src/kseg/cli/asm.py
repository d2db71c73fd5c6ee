"""`kseg asm`: assemble R3000 instructions into something that can be run or read."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kseg.cli.output import write_whole
from kseg.errors import KsegError

if TYPE_CHECKING:
    from kseg.isa.assembler import Program

FORMATS = {"elf": ".elf", "raw": ".bin", "hex": "", "listing": ""}
"""Each with the suffix of the file it goes to by default; "" is the terminal."""

EPILOG = """
Without -o, elf and raw go to the source's name with .elf or .bin, in the directory you are in;
hex and listing, and everything from stdin, go to stdout. The entry point is the label __start,
_start, start or main, else the beginning.

Nothing is reordered: fill the delay slots yourself.
"""


def number(text: str | int) -> int:
    """An address or another number of 32 bits, decimal or 0x…, as an option's type."""
    try:
        value = text if isinstance(text, int) else int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 32:
        raise click.BadParameter(f"{text} is not a number of 32 bits, such as 0x80001000")
    return value


@click.command(epilog=EPILOG)
@click.option("-o", "--output", metavar="FILE", help="Where the result goes; - is stdout.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    default="elf",
    help="elf: for kseg run (default); raw: bytes; hex: one word a line; listing: with the source.",
)
@click.option(
    "--origin",
    type=number,
    default=0x80001000,
    metavar="A",
    help="Address of the first byte (default: 0x80001000).",
)
@click.option(
    "--profile",
    metavar="P",
    help="Processor: mips161, r3000 or lsi (default: mips161; with --little r3000).",
)
@click.option("--little", is_flag=True, help="Little endian (default: big).")
@click.argument("source")
def asm(
    output: str | None,
    format_: str,
    origin: int,
    profile: str | None,
    little: bool,
    source: str,
) -> None:
    """Assemble SOURCE, a file or - for stdin."""
    from kseg.isa.assembler import AssemblyError, assemble

    text = _read(source)
    profile = profile or ("r3000" if little else "mips161")
    order = "little" if little else "big"
    try:
        program = assemble(text, origin, order, profile, "stdin" if source == "-" else source)
    except AssemblyError as error:
        *lines, last = str(error).splitlines()
        for line in lines:
            click.echo(f"kseg: {line}", err=True)
        raise KsegError(last) from None
    except ValueError as error:
        raise KsegError(str(error)) from None
    destination = output or _default_output(source, format_)
    write_whole("cannot write", destination, _render(program, format_))


def _read(source: str) -> str:
    from kseg.cli.input import read_whole

    try:
        return read_whole("cannot read", source).decode()
    except UnicodeDecodeError:
        raise KsegError(f"{source} is not a text in UTF-8") from None


def _render(program: "Program", format_: str) -> bytes:
    if format_ == "elf":
        return program.to_elf()
    if format_ == "raw":
        return program.code
    if format_ == "listing":
        return program.listing().encode()
    try:
        return "".join(f"{word:08x}\n" for word in program.words).encode()
    except ValueError as error:
        raise KsegError(f"{error}: put .align 2 at the end") from None


def _default_output(source: str, format_: str) -> str:
    suffix = FORMATS[format_]
    if source == "-" or not suffix:
        return "-"
    return Path(source).stem + suffix
