"""Copies of files: their holes, their owner, and room for what is to be written."""

import errno
import os
import resource
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.platform import copies

BLOCK = 4096
SIZE = 10 * BLOCK


@settings(max_examples=25)
@given(parts=st.dictionaries(st.integers(0, 9), st.binary(min_size=1, max_size=100), max_size=4))
def test_bytes_and_holes(parts: dict[int, bytes]) -> None:
    with TemporaryFile() as one, TemporaryFile() as two:
        for block, data in parts.items():
            copies.write_at(one.fileno(), data, block * BLOCK)
        os.ftruncate(one.fileno(), SIZE)
        copies.copy(one.fileno(), two.fileno(), SIZE)
        contents = [os.pread(file.fileno(), SIZE + 1, 0) for file in (one, two)]
        assert contents[0] == contents[1]
        blocks = [os.fstat(file.fileno()).st_blocks for file in (one, two)]
        assert blocks[1] <= blocks[0]


def test_permissions_are_kept(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        status = os.stat_result((0o100640, *os.fstat(file.fileno())[1:]))
        copies.keep_attributes(file.fileno(), status)
        assert os.fstat(file.fileno()).st_mode == 0o100640


def test_sizes_that_a_process_may_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1000, 1000))
    copies.check_size(1000)
    with pytest.raises(OSError) as caught:
        copies.check_size(1001)
    assert caught.value.errno == errno.EFBIG


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.ENOSPC])
def test_room(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "file").open("wb") as file:
        copies.reserve(file.fileno(), 100, 50)
        assert os.fstat(file.fileno()).st_size == 150

        def fail(*_arguments: int) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "posix_fallocate", fail)
        if code == errno.ENOSPC:
            with pytest.raises(OSError):
                copies.reserve(file.fileno(), 100, 50)
        else:
            copies.reserve(file.fileno(), 100, 50)
        monkeypatch.delattr(os, "posix_fallocate")  # as on macOS
        copies.reserve(file.fileno(), 100, 50)
