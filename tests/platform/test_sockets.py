"""Sockets in the file system."""

import socket
import stat
from pathlib import Path

import pytest

from kseg.platform import sockets


@pytest.mark.parametrize("kind", [sockets.STREAM, sockets.DATAGRAM])
def test_one_that_was_left_does_not_answer(kind: int, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with sockets.local(kind) as listener, sockets.private():
        listener.bind(str(path))
        if kind == sockets.STREAM:
            listener.listen()
        assert sockets.is_local(listener)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert sockets.answers(path, kind)
    assert path.is_socket()
    assert not sockets.answers(path, kind)
    with pytest.raises(FileNotFoundError):
        sockets.answers(tmp_path / "nothing", kind)


def test_private_is_over_at_its_end(tmp_path: Path) -> None:
    with sockets.private():
        pass
    (tmp_path / "file").touch(0o666)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) != 0o600


@pytest.mark.slow
def test_sending_has_a_limit_and_receiving_none() -> None:
    here, there = socket.socketpair()
    with here, there, socket.socket(socket.AF_INET) as another:
        sockets.limit_sending(here, 1)
        assert not sockets.is_local(another)
        here.setblocking(True)
        there.send(b"x")
        assert here.recv(1) == b"x"
        with pytest.raises(OSError, match="temporarily unavailable"):
            here.sendall(bytes(1 << 24))
