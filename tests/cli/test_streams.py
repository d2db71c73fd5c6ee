"""Standard streams that are full, closed, or have no other end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kseg.platform import host
from tests.cli import kernels
from tests.cli.command import COMMAND, environment, kseg
from tests.cli.command_tree import ALL, EXAMPLES, SILENT

FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Something for every command to look at."""
    directory = tmp_path_factory.mktemp("streams")
    (directory / "s.s").write_text("__start: nop\n")
    (directory / "printer").write_bytes(kernels.printing("hello"))
    (directory / "sys161.conf").write_text("0 serial\n31 mainboard ramsize=1M cpus=1\n")
    saves = ("--save-at", "1000:run.kseg", "--save-at", "2000:other.kseg")
    for arguments in (
        ("run", "--record", "run.log", *saves, "./printer"),
        ("disk", "create", "--format", "disk.img", "5M"),
        ("disk", "put", "disk.img", "s.s"),
    ):
        result = kseg(*arguments, cwd=directory)
        assert result.returncode == 0, result.stderr
    return directory


def run(
    redirections: str, path: tuple[str, ...], arguments: str, directory: Path
) -> tuple[int, str, str]:
    """What a shell makes of it: the exit code, and what came out."""
    command = " ".join([*COMMAND, *path, arguments])
    # `cache clear` must not take away what other tests need.
    changes = {"KSEG_CACHE_DIR": str(directory / "cache")} if path[:1] == ("cache",) else {}
    result = subprocess.run(
        ["bash", "-c", f"{command} {redirections}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        encoding="latin-1",
        cwd=directory,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


def complaints(text: str) -> list[str]:
    return [line for line in text.splitlines() if "cannot write output" in line]


def test_every_command_has_an_example() -> None:
    assert set(EXAMPLES) | SILENT == set(ALL)


@pytest.mark.skipif(host.SYSTEM != "linux", reason="only Linux has /dev/full")
@pytest.mark.parametrize("path", EXAMPLES, ids=" ".join)
def test_output_that_cannot_be_written(path: tuple[str, ...], files: Path) -> None:
    code, _, errors = run(">/dev/full", path, EXAMPLES[path], files)
    assert (code, len(complaints(errors))) == (2, 1), errors
    assert "Traceback" not in errors
    assert "No space left on device" in errors


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=" ".join)
def test_other_ends_of_output(path: tuple[str, ...], files: Path) -> None:
    code, _, errors = run(">&-", path, EXAMPLES[path], files)
    assert (code, len(complaints(errors))) == (2, 1), errors
    assert "it is closed" in errors
    code, _, errors = run("| true", path, EXAMPLES[path], files)
    assert code in (0, 141)  # 0 where all was written before the other end closed
    assert "cannot" not in errors
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=" ".join)
def test_messages_and_input_are_dispensable(path: tuple[str, ...], files: Path) -> None:
    for redirections in ("2>/dev/full", "2>&-", "<&-"):
        code, output, errors = run(redirections, path, EXAMPLES[path], files)
        assert code == (1 if path == ("snapshot", "diff") else 0), errors
        assert output
        assert "Traceback" not in errors


@pytest.mark.parametrize("arguments", ["", "--help", "--version", "disk --help", "run -h"])
def test_help_and_version_too(arguments: str, tmp_path: Path) -> None:
    for redirections in (">/dev/full", ">&-"):
        code, _, errors = run(redirections, (), arguments, tmp_path)
        assert (code, errors.count("\n"), len(complaints(errors))) == (2, 1, 1)
    assert run("| true", (), arguments, tmp_path)[0] in (0, 141)


@pytest.mark.parametrize("redirections", ["2>/dev/full", "2>&-"])
def test_an_error_that_cannot_be_told(redirections: str, tmp_path: Path) -> None:
    assert run(redirections, ("fly",), "", tmp_path)[0] == 2
    assert run(redirections, ("run",), "nothing", tmp_path)[0] == 2


@pytest.mark.parametrize("path", [("asm",), ("disasm",)])
def test_closed_input_that_is_asked_for(path: tuple[str, ...], tmp_path: Path) -> None:
    code, _, errors = run("<&-", path, "-", tmp_path)
    assert (code, errors.count("\n")) == (2, 1)
    assert "cannot read" in errors


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    """A guest that prints for ever ends with it."""
    (tmp_path / "k").write_bytes(
        kernels.kernel(f"""
            li      t0, {kernels.SERIAL:#x}
            li      t1, '\\n'
    1:      sw      t1, 0(t0)
            b       1b
            nop
        """)
    )
    code, output, errors = run("| head -1", ("run",), "./k", tmp_path)
    assert (code, output, errors) == (141, "\n", "")


def test_names_that_the_terminal_cannot_show(tmp_path: Path) -> None:
    """What is printed is escaped rather than a failure."""
    name = os.fsencode(tmp_path) + b"/\xff.img"
    subprocess.run([*COMMAND, "disk", "create", name, "5M"], check=True, env=environment())
    result = subprocess.run(
        [*COMMAND, "disk", "info", name],
        capture_output=True,
        env=environment(PYTHONIOENCODING="ascii"),
        check=True,
    )
    assert b".img: System/161 disk image" in result.stdout


def test_descriptors_stay_occupied() -> None:
    """No file that is opened later becomes stdout: it would be written to."""
    code = "from kseg.cli import streams; streams.prepare(); print(open('/dev/null').fileno() > 2)"
    result = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "{code}" 0<&- 2>&-'],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        check=True,
    )
    assert result.stdout == "True\n"
