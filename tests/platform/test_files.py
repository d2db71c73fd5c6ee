"""Files are written whole or not at all, and nothing is left in the way."""

import os
from pathlib import Path

import pytest

from kseg.platform import files
from kseg.platform.files import check_writable, replacing, write_file
from tests.cli.command import forked


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture(params=["unnamed", "named"])
def _temporaries(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without files that have no name, which not every file system has."""
    if request.param == "named":
        real = os.open

        def without(path: object, flags: int, *rest: object, **more: object) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(95, "Operation not supported")
            return real(path, flags, *rest, **more)  # type: ignore[call-overload,no-any-return]

        monkeypatch.setattr(files.os, "open", without)


@pytest.mark.usefixtures("_temporaries")
def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_file(path, b"new")
    assert path.stat().st_mode & 0o777 == files.new_mode(0o666)
    path.chmod(0o600)
    write_file(path, b"newer")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"newer", 0o600)
    (tmp_path / "link").symlink_to("file")
    write_file(tmp_path / "link", b"newest")
    assert (path.read_bytes(), names(tmp_path)) == (b"newest", ["file", "link"])


@pytest.mark.usefixtures("_temporaries")
def test_what_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def fail() -> None:
        with replacing(path) as file:
            os.write(file, b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert names(tmp_path) == []
    write_file(path, b"old")
    with pytest.raises(KeyError):
        fail()
    assert (path.read_bytes(), names(tmp_path)) == (b"old", ["file"])


def test_what_is_no_regular_file_is_written_in_place(tmp_path: Path) -> None:
    write_file("/dev/null", b"x")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_file(tmp_path / "pipe", b"x")
    assert os.read(reader, 10) == b"x"
    os.close(reader)
    for path in (tmp_path, tmp_path / "none" / "x", "a\0b"):
        with pytest.raises(OSError):
            write_file(path, b"x")
        with pytest.raises(OSError):
            check_writable(path)
    check_writable(tmp_path / "new")
    check_writable("/dev/null")
    assert names(tmp_path) == ["pipe"]


HELLO = "nop\n" * 100
"""Assembles to more bytes than a file may have in these tests."""

COMMANDS = {
    "asm": ["asm", "hello.s", "-o", "out"],
    "listing": ["asm", "--format", "listing", "hello.s", "-o", "out"],
    "stats": ["run", "--stats", "out", "cms", "halt"],
    "record": ["run", "--record", "out", "cms", "halt"],
    "save": ["run", "--save-at", "1000:out", "cms", "halt"],
    "trace": ["trace", "-o", "out", "cms", "halt"],
    "flame": ["profile", "--table", "out", "cms", "halt"],
    "folded": ["profile", "--flame", "out", "cms", "halt"],
    "image": ["disk", "create", "out", "5M"],
    "cast": ["replay", "--cast", "out", "log"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_leaves_nothing_in_the_way(tmp_path: Path, name: str) -> None:
    (tmp_path / "hello.s").write_text(HELLO)
    before = ["hello.s"]
    if name == "cast":
        record = ["run", "--record", "log", "cms", "echo hello; halt"]
        assert forked(*record, cwd=tmp_path).returncode == 0
        before.append("log")
    full = forked(*COMMANDS[name], cwd=tmp_path, file_size=0 if name == "trace" else 20)
    assert "File too large" in full.stderr
    assert full.returncode != 0 or name == "save"
    assert names(tmp_path) == before
    again = forked(*COMMANDS[name], cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert names(tmp_path) == [*before, "out"]


def test_a_recording_keeps_what_it_has(tmp_path: Path) -> None:
    """The disk becomes full in its middle."""
    command = ["run", "--record", "log", "cms"]
    assert forked(*command, "echo hello; halt", cwd=tmp_path).returncode == 0
    size = (tmp_path / "log").stat().st_size
    (tmp_path / "log").unlink()
    full = forked(*command, "echo hello; halt", cwd=tmp_path, file_size=size - 10)
    assert "log log: File too large; the recording ends at cycle" in full.stderr
    assert (full.returncode, full.stdout[-6:]) == (0, "hello\n")
    replayed = forked("replay", "log", cwd=tmp_path)
    assert "replayed to cycle" in replayed.stderr
