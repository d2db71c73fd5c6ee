"""`kseg disasm`."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg.cli.tree import kseg as commands
from kseg.errors import KsegError
from kseg.isa.assembler import assemble

SOURCE = """
main:   addiu sp, sp, -32
        jal helper
        nop
        break 7
helper: jr ra
        nop
        .data
words:  .word 1
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def image() -> str:
    Path("image.elf").write_bytes(assemble(SOURCE).to_elf())
    return "image.elf"


def run(*arguments: str, input_: bytes = b"") -> Result:
    return CliRunner().invoke(commands, ["disasm", *arguments], input=input_)


def test_words() -> None:
    assert run("0x27bdffe0", "00851021").output == "addiu   sp,sp,-32\naddu    v0,a0,a1\n"
    assert run("0x0").output == "nop\n"
    assert run("--no-pseudo", "0x0").output == "sll     zero,zero,0\n"
    assert run("--address", "0x80000000", "0x1000ffff").output == (
        "80000000:  1000ffff  b       0x80000000\n"
    )


def test_an_executable_has_names_and_no_data(image: str) -> None:
    assert run(image).output.splitlines() == [
        "# .text",
        "main:",
        "80001000:  27bdffe0  addiu   sp,sp,-32",
        "80001004:  0c000404  jal     helper",
        "80001008:  00000000  nop",
        "8000100c:  0007000d  break   0x7",
        "helper:",
        "80001010:  03e00008  jr      ra",
        "80001014:  00000000  nop",
    ]


def test_one_symbol(image: str) -> None:
    assert run("--symbol", "helper", image).output.splitlines()[1] == "helper:"
    assert len(run("--symbol", "main", "--section", ".text", image).output.splitlines()) == 6


def test_raw_files_and_stdin() -> None:
    Path("raw.bin").write_bytes(bytes.fromhex("e0ffbd27") + b"\x01\x02")
    assert run("--little", "--address", "0x1000", "raw.bin").output.splitlines() == [
        "00001000:  27bdffe0  addiu   sp,sp,-32",
        "00001004:  0102      .byte   0x01,0x02",
    ]
    assert run("-", input_=bytes(4)).output == "00000000:  00000000  nop\n"


def test_the_profile_follows_the_byte_order() -> None:
    assert "ll      " in run("-", input_=bytes.fromhex("c0820000")).output
    assert "lwc0    " in run("--little", "-", input_=bytes.fromhex("000082c0")).output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("missing",), "cannot read missing: No such file or directory"),
        (("0x0", "missing"), "give one file, or only words"),
        (("--little", "0x0"), "words have no byte order"),
        (("--profile", "z80", "0x0"), "no processor profile 'z80'"),
        (("--little", "image.elf"), "image.elf is big endian"),
        (("--address", "0", "image.elf"), "has its own addresses"),
        (("--section", ".init", "image.elf"), "no section .init with code; there are: .text"),
        (("--symbol", "nobody", "image.elf"), "no symbol nobody"),
        (("--symbol", "words", "image.elf"), "words is at 0x80001020, where no code is"),
        (("cut.elf",), "cut.elf is a damaged ELF file"),
    ],
)
def test_errors_are_one_line(arguments: tuple[str, ...], complaint: str, image: str) -> None:
    Path("cut.elf").write_bytes(Path(image).read_bytes()[:300])
    result = run(*arguments)
    assert isinstance(result.exception, KsegError), result.output
    assert complaint in str(result.exception)


def again(*arguments: str) -> bytes:
    """What `kseg asm` makes of what `kseg disasm` prints."""
    printed = run(*arguments)
    assert printed.exception is None
    made = CliRunner().invoke(commands, ["asm", "--format", "raw", "-"], input=printed.output)
    assert made.exception is None, printed.output
    assert made.stderr == "" or printed.output[8:9] != ":"
    return made.stdout_bytes


_ODD = """
first:  jal     words
        sw      a0, 0(a1)
        .word   0x00851061, 0x4800ffff, 0xffffffff
        bnez    a0, first
        beqz    a0, fp + 8
        .section .init, "ax"
        nop
        .globl  fp
fp:     b       first
        nop
        .byte   1, 2
        .data
words:  .word 1
"""


@pytest.mark.parametrize("source", [SOURCE, _ODD])
@pytest.mark.parametrize("origin", [0x80001000, 0x400000, 0])
@pytest.mark.parametrize("options", [(), ("--no-pseudo",)])
def test_what_is_printed_of_a_file_is_assembled_to_the_same(
    source: str, origin: int, options: tuple[str, ...]
) -> None:
    program = assemble(source, origin)
    Path("image.elf").write_bytes(program.to_elf())
    (*_, (_, start, size)) = [each for each in program.sections if each[0] in (".text", ".init")]
    end = start + size - program.origin
    assert again(*options, "image.elf") == program.code[:end]


def test_what_is_printed_of_raw_files_and_words_is_assembled_to_the_same(image: str) -> None:
    Path("raw.bin").write_bytes(assemble("x: bnez a0, x\n jal x\n .byte 1, 2", 0).code)
    assert again("raw.bin") == Path("raw.bin").read_bytes()
    assert again("--address", "0x80020000", "raw.bin") == Path("raw.bin").read_bytes()
    words = ["0x00257ad1", "0x1ff49b78", "0x1500fffe", "0x0c000010", "0x45010003"]
    assert again(*words).hex() == "".join(word[2:] for word in words)
    assert again("--symbol", "main", image) == assemble(SOURCE).code[:16]


def test_names_that_are_no_labels_here_are_comments(image: str) -> None:
    lines = run("--symbol", "main", image).output.splitlines()
    assert lines[3] == "80001004:  0c000404  jal     0x80001010  # helper"


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_executables_are_shown_or_refused(data: st.DataObject) -> None:
    image = bytearray(assemble(SOURCE).to_elf())
    interesting = st.integers(0, 83) | st.integers(len(image) - 300, len(image) - 1)
    for _ in range(data.draw(st.integers(1, 4))):
        image[data.draw(interesting)] = data.draw(st.integers(0, 255))
    result = run("-", input_=bytes(image))
    assert result.exception is None or isinstance(result.exception, KsegError)
