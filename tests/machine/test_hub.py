import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kseg.errors import KsegError
from kseg.machine.hub import HubConnection, connect
from kseg.machine.outside import Outside
from kseg.machine.system161 import System161
from tests.machine.boards import make_board, run_program, slot
from tests.machine.fake_engine import Load, Program, Store, Wait


class Hub:
    """A hub161: what one sends, all get."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.seen: list[bytes] = []
        self.known: set[str] = set()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            data, sender = self.socket.recvfrom(8192)
            if not data:
                return
            self.known.add(sender)
            self.seen.append(data)
            if data[6:8] != b"\0\0":
                for address in self.known:
                    self.socket.sendto(data, address)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path / ".sockets" / "hub")
    yield hub
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as other:
        other.sendto(b"", str(tmp_path / ".sockets" / "hub"))
    hub.thread.join()
    hub.socket.close()


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
            two.outside.wait(1)
            monitor.run(max_cycles=100_000)
        assert (
            two.memory.read(slot(27, 0x8000), 11) == bytes.fromhex("a4b3 0001 000b 0002") + b"hi!"
        )
        assert two.activity.packet_errors == 0
        assert hub.seen[:2] == [bytes.fromhex(f"a4b3 000{n} 0008 0000") for n in (1, 2)]
        assert one.collected.messages == ["nic: slot 27: carrier detected"]  # type: ignore[attr-defined]
    finally:
        for link in links:
            link.close()
            link.close()
    assert sorted(path.name for path in (tmp_path / ".sockets").iterdir()) == ["hub"]


def test_without_a_hub_nobody_is_there(tmp_path: Path) -> None:
    board = make(1, tmp_path)
    (link,) = connect(board)
    with closing(link):
        assert not link.send(b"x")
    assert board.collected.messages == []  # type: ignore[attr-defined]


def test_a_path_that_is_too_long_is_named(tmp_path: Path) -> None:
    own = tmp_path / ("x" * 120)
    with pytest.raises(KsegError, match="network socket"):
        HubConnection(own, tmp_path, Outside(), "nic@1")
