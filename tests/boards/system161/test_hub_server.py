import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from kseg.boards.system161.hub_server import MOST_ERRORS, Hub
from kseg.errors import KsegError


class Running:
    """A hub that serves, what it says, and cards."""

    def __init__(self, place: Path, stack: ExitStack) -> None:
        self.said: list[str] = []
        self.place, self.stack = place, stack
        self.path = place / ".sockets" / "hub"
        self.hub = Hub(self.path, self.said.append)
        self.thread = threading.Thread(target=self.hub.serve)
        self.thread.start()

    def card(self, number: int) -> socket.socket:
        card = self.stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        card.bind(str(self.place / f"card{number}"))
        card.settimeout(10)
        self.send(card, packet(number, 0))
        return card

    def send(self, card: socket.socket, data: bytes) -> None:
        card.sendto(data, str(self.path))


def packet(source: int, target: int, text: bytes = b"") -> bytes:
    words = (0xA4B3, source, 8 + len(text), target)
    return b"".join(word.to_bytes(2, "big") for word in words) + text


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with ExitStack() as stack:
        running = Running(tmp_path, stack)
        yield running
        running.hub.close()
        running.thread.join()


def test_what_one_sends_all_get(running: Running) -> None:
    one, two = running.card(1), running.card(2)
    for target in (2, 9, 0xFFFF):
        running.send(one, packet(1, target, b"hello"))
        for card in (one, two):
            assert card.recv(100) == packet(1, target, b"hello")
    assert running.said == [
        f"adding 000{number} from {running.place}/card{number}" for number in (1, 2)
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "runt packet (size 0)"),
        (b"\xa4\xb3\0\1\0\7\0", "runt packet (size 7)"),
        (b"\xff" * 8, "frame error [ffff]"),
        (packet(1, 2)[:5] + b"\x09" + packet(1, 2)[6:], "bad size [0009 0008]"),
        (packet(0xFFFF, 2), "packet came from address ffff"),
        (packet(1, 2, b"x" * 5000), "bad size [1390 1001]"),
    ],
)
def test_what_is_no_packet_goes_nowhere(running: Running, data: bytes, said: str) -> None:
    one = running.card(1)
    running.send(one, data)
    running.send(one, packet(1, 1))
    assert one.recv(100) == packet(1, 1)
    assert running.said[1:] == [said]


def test_a_card_that_has_gone_is_dropped(running: Running) -> None:
    one, two = running.card(1), running.card(2)
    running.send(one, packet(1, 1))
    one.recv(100)
    two.close()
    for _ in range(MOST_ERRORS + 1):
        running.send(one, packet(1, 1))
        one.recv(100)
    running.hub.close()
    running.thread.join()
    assert running.said[-1].startswith("dropping 0002: ")


def test_a_card_that_does_not_listen_keeps_nobody_waiting(running: Running) -> None:
    one, _deaf = running.card(1), running.card(2)
    for number in range(2000):
        running.send(one, packet(1, 1, b"%d" % number))
        assert one.recv(100) == packet(1, 1, b"%d" % number)


def test_a_sender_without_an_address(running: Running) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as nobody:
        running.send(nobody, packet(3, 0xFFFF))
    one = running.card(1)
    running.send(one, packet(1, 1))
    one.recv(100)


def test_one_hub_at_a_place(running: Running) -> None:
    with pytest.raises(KsegError, match=r"hub .*: Address already in use"):
        Hub(running.path, print)


def test_a_socket_that_was_left_there_gives_way(tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as left:
        left.bind(str(tmp_path / "hub"))
    Hub(tmp_path / "hub", print).close()
    assert not (tmp_path / "hub").exists()
    (tmp_path / "hub").write_text("mine")
    with pytest.raises(KsegError):
        Hub(tmp_path / "hub", print)
