import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kseg.boards.system161.board import System161
from kseg.boards.system161.hub import MOST_WAITING, HubConnection, connect
from kseg.boards.system161.hub_server import Hub
from kseg.errors import KsegError
from kseg.machine.input_port import InputPort
from tests.machine.boards import make_board, run_program, slot
from tests.machine.fake_engine import Load, Program, Store, Wait


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path / ".sockets" / "hub", lambda _text: None)
    thread = threading.Thread(target=hub.serve)
    thread.start()
    yield hub
    hub.close()
    thread.join()


def make(address: int, directory: Path) -> System161:
    return make_board(f"27 nic hwaddr={address}", directory=directory)


def sender() -> Program:
    yield Store(slot(27, 8), 2)
    yield Wait()


def receiver() -> Program:
    yield Wait()
    yield Load(slot(27, 0))


def test_a_packet_goes_from_one_machine_to_another(hub: Hub, tmp_path: Path) -> None:
    one, two = make(1, tmp_path), make(2, tmp_path)
    links = connect(one) + connect(two)
    try:
        one.memory.write(slot(27, 0x9000), bytes.fromhex("0000 0000 000b 0002") + b"hi!")
        run_program(one, sender)[0].run(until=lambda: one.activity.packets_sent == 1)
        monitor, _ = run_program(two, receiver)
        # Virtual seconds pass in no time; the packet takes its own.
        while not two.activity.packets_received:
            two.input_port.wait(1)
            monitor.run(max_cycles=100_000)
        assert (
            two.memory.read(slot(27, 0x8000), 11) == bytes.fromhex("a4b3 0001 000b 0002") + b"hi!"
        )
        assert two.activity.packet_errors == 0
        assert one.collected.messages == ["nic: slot 27: carrier detected"]  # type: ignore[attr-defined]
    finally:
        for link in links:
            link.close()
            link.close()
    assert sorted(path.name for path in (tmp_path / ".sockets").iterdir()) == ["hub"]
    assert hub


def test_without_a_hub_nobody_is_there(tmp_path: Path) -> None:
    board = make(1, tmp_path)
    (link,) = connect(board)
    with closing(link):
        assert link.send(b"x") == "No such file or directory"
    assert board.collected.messages == []  # type: ignore[attr-defined]


def test_a_path_that_is_too_long_is_named(tmp_path: Path) -> None:
    own = tmp_path / ("x" * 120)
    with pytest.raises(KsegError, match="network socket"):
        HubConnection(own, tmp_path, InputPort(), "nic@1")


def test_a_socket_that_a_process_has_left_gives_way(tmp_path: Path) -> None:
    board = make(1, tmp_path)
    own = tmp_path / ".sockets" / "net-0001"
    own.parent.mkdir()
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as left:
        left.bind(str(own))
    (link,) = connect(board)
    link.close()
    assert not own.exists()


def test_two_cards_cannot_have_one_address(tmp_path: Path) -> None:
    (link,) = connect(make(1, tmp_path))
    with closing(link):
        with pytest.raises(KsegError, match=r"net-0001: another network card .* another hwaddr="):
            connect(make(1, tmp_path))
        assert (tmp_path / ".sockets" / "net-0001").is_socket()


def test_a_flood_takes_so_much_memory_and_no_more(tmp_path: Path) -> None:
    board = make(1, tmp_path)
    (link,) = connect(board)
    with closing(link), closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as hostile:
        for _ in range(2 * MOST_WAITING):
            hostile.sendto(b"x" * 4096, str(tmp_path / ".sockets" / "net-0001"))
        deadline = time.monotonic() + 10
        while board.input_port.backlog("nic@27") < MOST_WAITING:
            assert time.monotonic() < deadline
        assert board.input_port.backlog("nic@27") == MOST_WAITING


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"\xa4\xb3\0\1\0\x08\0", b"\xff" * 8, b"\xff" * 4097, b"\xa4\xb3\0\1\0\x09\0\1",
     b"\xa4\xb3\0\1\0\x07\0\1", b"\xa4\xb3\0\1\x10\x01\0\1" + bytes(4089)],
)  # fmt: skip
def test_what_is_no_packet_is_counted(tmp_path: Path, data: bytes) -> None:
    board = make(1, tmp_path)
    (link,) = connect(board)
    with closing(link), closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as hostile:
        hostile.sendto(data, str(tmp_path / ".sockets" / "net-0001"))
        assert board.input_port.wait(10)
        board.input_port.poll(0, 0)
    assert (board.activity.packet_errors, board.activity.packets_received) == (1, 0)


def test_a_hub_that_dies_and_comes_back(tmp_path: Path) -> None:
    board = make(1, tmp_path)
    (link,) = connect(board)
    path = tmp_path / ".sockets" / "hub"
    monitor, _ = run_program(board, receiver)
    with closing(link):
        for _ in range(2):
            hub = Hub(path, lambda _text: None)
            monitor.run(max_cycles=30_000_000)
            hub.close()
            monitor.run(max_cycles=30_000_000)
    assert (
        board.collected.messages
        == [  # type: ignore[attr-defined]
            "nic: slot 27: carrier detected",
            "nic: slot 27: lost carrier",
        ]
        * 2
    )
