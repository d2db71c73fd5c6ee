"""`kseg asm`: assemble R3000 instructions into something that can be run or read."""

from pathlib import Path
from typing import TYPE_CHECKING

from kseg.cli import lazy_click as click
from kseg.cli.output import write_whole
from kseg.cli.parameters import Directory, File, Name, Text, Word, profiles
from kseg.errors import KsegError

if TYPE_CHECKING:
    from kseg.isa.assembler import Program

FORMATS = {"elf": ".elf", "raw": ".bin", "hex": "", "listing": ""}
"""Each with the suffix of the file it goes to by default; "" is the terminal."""

EPILOG = """
Without -o, elf and raw go to the source's name with .elf or .bin, in the directory you are in;
hex and listing, and everything from stdin, go to stdout. The entry point is the label __start,
_start, start or main, else the beginning.

Nothing is reordered, unless the source says .set reorder or you give --reorder: fill the delay
slots yourself. A SOURCE named .S goes through the C preprocessor first (cc, gcc, clang or cpp, or
what $CPP names).
"""

MOST_READ = 16 << 20
"""Bytes of a file that .include or .incbin names."""


@click.command(epilog=EPILOG)
@click.option("-o", "--output", type=File(), help="Where the result goes; - is stdout.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    default="elf",
    help="elf: for kseg run (default); raw: bytes; hex: one word a line; listing: with the source.",
)
@click.option(
    "--origin",
    type=Word(),
    help="Address of the first byte (default: 0x80001000, or what a disassembly says).",
)
@click.option(
    "--profile",
    type=Name("P", profiles),
    help="Processor: mips161, r3000, r3000-fpu (with floating point), r3000-r3010 or lsi "
    "(default: mips161; with --little r3000).",
)
@click.option(
    "--reorder",
    is_flag=True,
    help="Fill delay slots, and put nops where an R3000 needs them, as GNU as does by default.",
)
@click.option(
    "-I",
    "directories",
    multiple=True,
    type=Directory("DIR"),
    help="Look there, too, for what .include, .incbin and #include name.",
)
@click.option(
    "-D",
    "definitions",
    multiple=True,
    type=Text("NAME[=TEXT]"),
    help="For the preprocessor of a .S.",
)
@click.option("--little", is_flag=True, help="Little endian (default: big).")
@click.argument("source", type=File("assembly"))
def asm(
    output: str | None,
    format_: str,
    origin: int | None,
    profile: str | None,
    reorder: bool,
    directories: tuple[str, ...],
    definitions: tuple[str, ...],
    little: bool,
    source: str,
) -> None:
    """Assemble SOURCE, a file or - for stdin."""
    from kseg.isa.assembler import AssemblyError, assemble

    order = "little" if little else "big"
    if Path(source).suffix == ".S":
        from kseg.cli.commands.preprocessor import preprocess

        _read(source)
        text = preprocess(Path(source), order, directories, definitions)
    elif definitions:
        raise KsegError("-D is for the C preprocessor, which runs on sources named .S")
    else:
        text = _read(source)
    profile = profile or ("r3000" if little else "mips161")
    files = _Files((Path(source).parent, *map(Path, directories)))
    name = "stdin" if source == "-" else source
    try:
        program = assemble(text, origin, order, profile, name, reorder=reorder, files=files)
    except AssemblyError as error:
        *lines, last = str(error).splitlines()
        for line in lines:
            click.echo(f"kseg: {line}", err=True)
        raise KsegError(last) from None
    except ValueError as error:
        raise KsegError(str(error)) from None
    if program.unmarked:
        first, *others = program.unmarked
        more = f" (and at {len(others)} other places)" if others else ""
        click.echo(
            f"kseg: {name}:{first}: note: what stands behind a branch executes before it is "
            f"taken{more}: write .set noreorder if you mean that, give --reorder if not",
            err=True,
        )
    destination = output or _default_output(source, format_)
    write_whole("cannot write", destination, _render(program, format_))


class _Files:
    """Files that a source names: beside it, or in the directories of -I."""

    def __init__(self, directories: tuple[Path, ...]) -> None:
        self.directories = directories

    def data(self, name: str) -> bytes:
        """The bytes of a file; SourceError if it cannot be read."""
        from kseg.isa.assembler.problem import SourceError

        for directory in self.directories:
            path = directory / name
            try:
                if not path.is_file():
                    continue
                if path.stat().st_size > MOST_READ:
                    raise SourceError(f"{path} is larger than {MOST_READ >> 20}M")
                return path.read_bytes()
            except (OSError, ValueError) as error:
                raise SourceError(f"cannot read {path}: {error}") from None
        raise SourceError(f"no file {name} beside the source or in a directory of -I")

    def text(self, name: str) -> str:
        """The text of a file."""
        from kseg.isa.assembler.problem import SourceError

        try:
            return self.data(name).decode()
        except UnicodeDecodeError:
            raise SourceError(f"{name} is not a text in UTF-8") from None


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
