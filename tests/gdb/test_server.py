"""Connections to the socket, and what comes of them."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kseg.gdb import server as servers
from kseg.gdb.packets import packet
from kseg.gdb.server import Event, EventKind, Server
from tests.gdb.running import Client


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(servers, "GOODBYE", 0.05)
    made = Server(str(tmp_path / "socket"))
    yield made
    made.close()


def event(server: Server) -> Event:
    return server.events.get(timeout=10)


def test_a_second_debugger_is_told_and_so_is_the_user(server: Server) -> None:
    first, second = Client(server.address), Client(server.address)
    came = event(server)
    assert came.what is EventKind.CAME
    second.stream.sendall(b"+" + packet(b"qSupported:swbreak+"))
    refused = event(server)
    assert refused == Event(came.connection, EventKind.REFUSED)
    assert second.receive() == "E.another debugger is connected to this guest: one at a time"
    with pytest.raises(EOFError):
        second.receive()
    first.send("?")
    assert event(server) == Event(came.connection, b"?")
    first.close()
    assert event(server).what is EventKind.WENT
    second.close()


def test_what_says_nothing_is_hung_up_on(server: Server) -> None:
    first, second = Client(server.address), Client(server.address)
    with pytest.raises(EOFError):
        second.receive()
    first.close()
    second.close()


def test_a_host_without_room_for_a_connection_may_have_it_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [errno.EMFILE, errno.ECONNABORTED, errno.ENOBUFS, errno.EBADF]
    waits: list[float] = []

    class Listener:
        def accept(self) -> Any:
            raise OSError(answers.pop(0), "no")

    def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("time.sleep", sleep)
    server = Server.__new__(Server)
    server._listener = Listener()  # type: ignore[assignment]
    accept: Callable[[], None] = server._accept
    accept()
    assert answers == []
    assert len(waits) == 2
