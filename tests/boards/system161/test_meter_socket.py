import contextlib
import errno
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kseg.boards.system161 import meter_socket
from kseg.boards.system161.board import System161
from kseg.boards.system161.meter import HEAD, MOST_CLIENTS, WIDTHS
from kseg.boards.system161.meter_socket import MeterSocket
from kseg.errors import KsegError
from tests.machine.boards import make_board, run_program
from tests.machine.fake_engine import Program, Run

GREETING = f"HELLO 2\r\n{HEAD}\r\n{WIDTHS}\r\n".encode()


def busy() -> Program:
    yield Run(1 << 40)


@pytest.fixture
def board() -> System161:
    return make_board("28 random")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".sockets" / "meter"


@pytest.fixture
def server(board: System161, path: Path) -> Iterator[MeterSocket]:
    with contextlib.closing(MeterSocket(path, board.meter)) as server:
        yield server


@pytest.fixture
def dial(path: Path) -> Iterator[Callable[[], socket.socket]]:
    with contextlib.ExitStack() as stack:

        def dial() -> socket.socket:
            stream = stack.enter_context(socket.socket(socket.AF_UNIX))
            stream.settimeout(10)
            stream.connect(os.fspath(path))
            return stream

        yield dial


def line(stream: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"\n"):
        found += stream.recv(1)
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_who_has_connected_before_the_start_is_served_at_the_first_look(
    board: System161, server: MeterSocket, dial: Callable[[], socket.socket]
) -> None:
    stream = dial()
    server.start()
    run_program(board, busy)[0].run(max_cycles=50_000)
    assert [line(stream) for _ in range(4)] == [
        *GREETING.splitlines(keepends=True),
        b"DATA 6289383 50000 0 0 0 0 0 0 0 0 0\r\n",
    ]


def test_only_the_user_can_connect(server: MeterSocket, path: Path) -> None:
    del server
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"INTERVAL 9999\r\n", b"BAD Interval too small\r\n"),
        (b"INTERVAL 2000000001\n", b"BAD Interval too large\r\n"),
        (b"INTERVAL -1\n", b"BAD Interval too large\r\n"),
        (b"INTERVAL +9\n", b"BAD Interval too small\r\n"),
        (b"INTERVAL -+9\n", b"BAD Invalid number\r\n"),
        (b"INTERVAL 08\n", b"BAD Invalid number\r\n"),
        (b"INTERVAL 0x\n", b"BAD Invalid number\r\n"),
        (b"INTERVAL 1s\n", b"BAD Invalid number\r\n"),
        (b"INTERVAL 99999999999999999999\n", b"BAD Invalid number\r\n"),
        (b"INTERVAL\n", b"BAD Invalid command\r\n"),
        (b"STOP\n", b"BAD Invalid command\r\n"),
        (b"\xff\x00\n", b"BAD Invalid command\r\n"),
        (b"a b c d e f g h i\n", b"BAD Too many words in command\r\n"),
        (b"x" * 128, b"BAD Input overflow\r\n"),
        # What is right is not answered: the answer is to what comes after it.
        (b"interval 0x989680\n\r\n \nOops\n", b"BAD Invalid command\r\n"),
        (b"INTERVAL 0200000\nOops\n", b"BAD Invalid command\r\n"),
    ],
)
def test_answers(
    server: MeterSocket, dial: Callable[[], socket.socket], said: bytes, answer: bytes
) -> None:
    server.start()
    stream = dial()
    stream.sendall(said)
    assert [line(stream) for _ in range(4)][-1] == answer


def test_a_command_may_come_in_parts(
    board: System161, server: MeterSocket, dial: Callable[[], socket.socket]
) -> None:
    server.start()
    stream = dial()
    for part in (b"INTER", b"VAL 100", b"00000\nINTER"):
        stream.sendall(part)
        time.sleep(0.01)
    wait_for(lambda: board.input_port.queued() == {"meter": [b"open 1", b"interval 1 10000000"]})


def test_a_client_that_goes_is_forgotten(
    board: System161, server: MeterSocket, dial: Callable[[], socket.socket]
) -> None:
    server.start()
    dial().close()
    wait_for(lambda: board.input_port.queued() == {"meter": [b"open 1", b"close 1"]})
    assert board.meter.listeners == {}
    assert line(dial()) == b"HELLO 2\r\n"


def test_there_is_room_for_so_many(server: MeterSocket, dial: Callable[[], socket.socket]) -> None:
    server.start()
    streams = [dial() for _ in range(MOST_CLIENTS + 1)]
    assert line(streams[-1]) == b"ERROR too many clients\r\n"
    assert streams[-1].recv(1) == b""
    assert line(streams[0]) == b"HELLO 2\r\n"


def test_a_flood_does_not_fill_memory(
    board: System161, server: MeterSocket, dial: Callable[[], socket.socket]
) -> None:
    server.start()
    stream = dial()
    stream.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        for _ in range(10_000):
            stream.sendall(b"INTERVAL 20000000\n" * 10)
    assert board.input_port.backlog("meter") < MOST_CLIENTS + 10


def test_a_client_that_does_not_read_loses_lines_and_nothing_waits(
    board: System161,
    server: MeterSocket,
    dial: Callable[[], socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(meter_socket, "MOST_UNREAD", 10_000)
    stream = dial()
    server.start()
    run_program(board, busy)[0].run(max_cycles=50_000)
    (say,) = board.meter.listeners.values()
    for number in range(10_000):
        say(f"DATA {number} " + "0" * 50)
    server.close()
    stream.settimeout(5)
    received = b""
    while data := stream.recv(65536):
        received += data
    lines = received.split(b"\r\n")
    assert lines[-1] == b"" or len(lines) < 10_000
    numbers = [int(each.split()[1]) for each in lines[4:-1]]
    assert 100 < len(numbers) < 10_000
    assert numbers == sorted(numbers)


def test_a_socket_that_was_left_there_gives_way(board: System161, path: Path) -> None:
    first = MeterSocket(path, board.meter)
    second = MeterSocket(path, board.meter)
    first.close()
    assert path.is_socket()
    second.close()
    second.close()
    assert not path.exists()


def test_anything_else_does_not(board: System161, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(KsegError, match=r"meter socket .*: Address already in use"):
        MeterSocket(path, board.meter)
    assert path.read_text() == "mine"


def test_a_path_that_is_too_long(board: System161, tmp_path: Path) -> None:
    with pytest.raises(KsegError, match="meter socket"):
        MeterSocket(tmp_path / ("x" * 150), board.meter)


def test_a_host_without_descriptors_is_not_asked_again_at_once(
    server: MeterSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    class Listener:
        def accept(self) -> None:
            raise OSError(errno.EMFILE, "no")

    with monkeypatch.context() as patched:
        patched.setattr(meter_socket.time, "sleep", waits.append)
        patched.setattr(server, "_listener", Listener())
        server._accept()
    assert waits == [meter_socket.PATIENCE]
