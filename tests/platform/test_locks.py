"""Locks on files, and whose files are."""

import os
import stat
from pathlib import Path

import pytest

from kseg.platform.files import is_full, open_file
from kseg.platform.locks import lock, locked_directory
from kseg.platform.owners import is_own, only_own


@pytest.mark.parametrize(
    ("first", "second", "fits"),
    [(False, False, False), (True, False, False), (False, True, False), (True, True, True)],
)
def test_one_or_many(first: bool, second: bool, fits: bool, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    files = [open_file(path, writable=True) for _ in range(2)]
    lock(files[0], shared=first)
    if fits:
        lock(files[1], shared=second)
    else:
        with pytest.raises(BlockingIOError):
            lock(files[1], shared=second)
    os.close(files[0])
    lock(files[1])
    os.close(files[1])


def test_a_directory_is_one_processs_at_a_time(tmp_path: Path) -> None:
    with (
        locked_directory(tmp_path, 0.0),
        pytest.raises(BlockingIOError),
        locked_directory(tmp_path, 0.01),
    ):
        pass
    with locked_directory(tmp_path, 0.0):
        pass
    with pytest.raises(OSError), locked_directory(tmp_path / "missing", 0.0):
        pass


def test_opening_waits_for_no_pipe_and_takes_no_link(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    file = open_file(tmp_path / "pipe")
    assert stat.S_ISFIFO(os.fstat(file).st_mode)
    os.close(file)
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    with pytest.raises(OSError):
        open_file(tmp_path / "link", follow=False)
    assert not is_full(tmp_path)


def test_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.touch(0o600)
    assert only_own(path.stat())
    path.chmod(0o620)
    assert is_own(path.stat())
    assert not only_own(path.stat())
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert not is_own(path.stat())
