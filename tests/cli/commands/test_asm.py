"""`kseg asm`."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kseg.cli.tree import kseg as commands
from kseg.errors import KsegError
from kseg.machine.elf import parse_image

SOURCE = "start: addiu sp, sp, -32\n b start\n nop\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, source: str | bytes = SOURCE) -> Result:
    return CliRunner().invoke(commands, ["asm", *arguments, "-"], input=source)


def test_an_executable_by_default() -> None:
    Path("prog.s").write_text(SOURCE)
    result = CliRunner().invoke(commands, ["asm", "prog.s"])
    assert (result.exit_code, result.output) == (0, "")
    assert parse_image(Path("prog.elf").read_bytes()).entry == 0x80001000


def test_formats() -> None:
    assert run("--format", "hex").output == "27bdffe0\n1000fffe\n00000000\n"
    assert run("--format", "raw").stdout_bytes == bytes.fromhex("27bdffe01000fffe00000000")
    assert "80001004  1000fffe      2   b start\n" in run("--format", "listing").output


def test_options() -> None:
    result = run("--little", "--origin", "0x1000", "--format", "raw", "-o", "out.bin")
    assert result.exit_code == 0
    assert Path("out.bin").read_bytes()[:4] == bytes.fromhex("e0ffbd27")
    assert run("--profile", "r3000", "--format", "hex", source="rfe").output == "42000010\n"


@pytest.mark.parametrize(
    ("arguments", "source", "complaint"),
    [
        ((), "frob", "stdin:1: mips161 has no instruction frob"),
        (("--profile", "r3000"), "wait", "r3000 has no instruction wait"),
        (("--profile", "z80"), "nop", "no processor profile 'z80'"),
        (("--format", "hex"), ".byte 1", "1 bytes are not a whole number of words"),
        (("-o", "no/such/folder"), "nop", "cannot write no/such/folder: No such file"),
        ((), b"\xff\xfe", "- is not a text in UTF-8"),
    ],
)
def test_errors_are_one_line(
    arguments: tuple[str, ...], source: str | bytes, complaint: str
) -> None:
    result = run(*arguments, source=source)
    assert isinstance(result.exception, KsegError)
    assert complaint in str(result.exception)
    assert "\n" not in str(result.exception)


def test_every_error_is_reported() -> None:
    result = run(source="one\ntwo\nthree")
    assert result.stderr == (
        "kseg: stdin:1: mips161 has no instruction one\n"
        "kseg: stdin:2: mips161 has no instruction two\n"
    )
    assert str(result.exception) == "stdin:3: mips161 has no instruction three"


def test_addresses_are_checked() -> None:
    result = run("--origin", "soon")
    assert result.exit_code == 2
    assert "soon is not a number of 32 bits" in result.output
    missing = CliRunner().invoke(commands, ["asm", "missing.s"])
    assert str(missing.exception) == "cannot read missing.s: No such file or directory"


def test_reordering() -> None:
    source = "main: addiu a0, a0, 1\n b main\nnext: addiu a1, a1, 1\n"
    result = run("--format", "hex", source=source)
    assert result.stdout.split() == ["24840001", "1000fffe", "24a50001"]
    assert "stdin:2: note: what stands behind a branch executes before it is taken" in result.stderr
    result = run("--format", "hex", "--reorder", source=source)
    assert result.stdout.split() == ["1000ffff", "24840001", "24a50001"]
    assert result.stderr == ""


def test_files_beside_the_source_and_in_directories(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    Path("there/data.bin").write_bytes(b"abcd")
    Path("macros.s").write_text(".macro m\nnop\n.endm\n")
    Path("prog.s").write_text('.include "macros.s"\nm\n.incbin "data.bin"\n')
    arguments = ["--format", "hex", "prog.s"]
    assert "no file data.bin" in str(CliRunner().invoke(commands, ["asm", *arguments]).exception)
    assert (
        CliRunner().invoke(commands, ["asm", "-I", "there", *arguments]).output
        == "00000000\n61626364\n"
    )
    (tmp_path / "large").write_bytes(b"")
    with Path("large").open("r+b") as file:
        file.truncate((16 << 20) + 1)
    assert "is larger than 16M" in str(run(source='.incbin "large"').exception)
    assert "no file /dev/zero" in str(run(source='.incbin "/dev/zero"').exception)


def test_the_preprocessor_runs_on_capital_s(monkeypatch: pytest.MonkeyPatch) -> None:
    if not any(shutil.which(name) for name in ("cc", "gcc", "clang", "cpp")):
        pytest.skip("no C preprocessor: cc, gcc, clang or cpp")
    Path("here.h").write_text("#define SIZE 24\n")
    source = '#include "here.h"\n#ifdef __mips__\n addiu $sp, $sp, -SIZE\n#endif\n li $4, EXTRA\n'
    Path("prog.S").write_text(source)
    result = CliRunner().invoke(commands, ["asm", "--format", "hex", "-D", "EXTRA=7", "prog.S"])
    assert result.output == "27bdffe8\n24040007\n"
    Path("prog.S").write_text(source + "\n\n frob\n")
    result = CliRunner().invoke(commands, ["asm", "-D", "EXTRA=7", "prog.S"])
    assert str(result.exception) == "prog.S:8: mips161 has no instruction frob"
    Path("prog.S").write_text('#include "nothing.h"\n')
    assert "nothing.h" in str(CliRunner().invoke(commands, ["asm", "prog.S"]).exception)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("kseg.cli.commands.preprocessor.find_spec", lambda _name: None)
    assert "needs a C preprocessor" in str(
        CliRunner().invoke(commands, ["asm", "prog.S"]).exception
    )
    assert "-D is for the C preprocessor" in str(run("-D", "X").exception)
