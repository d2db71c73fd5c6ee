"""Whatever happens while a snapshot is written, the old one is there or the new one."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import kseg.platform.files
from kseg.errors import StateError
from kseg.history import files
from kseg.history.files import write_file
from tests.cli.command import environment


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("failing", ["write", "fsync", "fchmod"])
def test_the_host_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    path = tmp_path / "file"
    write_file(path, [b"old"])
    calls = []

    def fail(*arguments: object) -> int:
        calls.append(arguments)
        if failing == "write" and len(calls) == 1:
            return os.pwrite(arguments[0], b"ne", 0)  # type: ignore[arg-type]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kseg.platform.files.os, failing, fail)
    with pytest.raises(StateError, match=r"file: No space left on device; nothing was saved"):
        write_file(path, [b"new and longer"])
    monkeypatch.undo()
    assert (path.read_bytes(), names(tmp_path)) == (b"old", ["file"])


def test_a_full_disk(tmp_path: Path) -> None:
    """In a child, whose files may have only so many bytes."""
    program = """
        import resource, sys
        from kseg import Machine
        from kseg.errors import StateError
        with Machine("cms", "echo x", ram="1M", engine="reference") as machine:
            machine.save(sys.argv[1])
            machine.memory.write(0x80000, bytes(range(256)) * 999)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
            try:
                machine.save(sys.argv[1])
            except StateError as error:
                print(error)
    """
    path = tmp_path / "file"
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), path],
        capture_output=True, text=True, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    assert (run.stdout, run.stderr) == (f"snapshot {path}: File too large; nothing was saved\n", "")
    assert names(tmp_path) == ["file"]
    assert files.open_snapshot(path).pages()


def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """Between writing and renaming."""
    path = tmp_path / "file"
    write_file(path, [b"old"])
    program = """
        import os, signal, sys
        from kseg.platform import files
        files.os.fsync = lambda _file: os.kill(os.getpid(), signal.SIGKILL)
        files.write_file(sys.argv[1], b"new")
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), path], env=environment(), check=False
    )
    assert run.returncode == -9
    assert path.read_bytes() == b"old"


def test_where_files_go(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", [b"new"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640
    for path in (tmp_path, tmp_path / "missing" / "x", tmp_path / "real" / "x", tmp_path / "a\0b"):
        with pytest.raises(StateError, match="nothing was saved"):
            write_file(path, [b"new"])
    assert names(tmp_path) == ["link", "real"]
