"""A hub for network cards: what one sends, all get (System/161 manual, "Networking": hub161)."""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from kseg.devices.network import BROADCAST, FRAME, HEADER_SIZE, HUB, PACKET_SIZE
from kseg.errors import KsegError
from kseg.platform import sockets

MOST_CARDS = 1024
MOST_ERRORS = 5
"""After more of them a card is taken for gone, until it says that it is there."""


class Hub:
    """Listens on a socket, and knows the cards that have sent something."""

    def __init__(self, path: str | Path, message: Callable[[str], None]) -> None:
        """KsegError where one cannot listen at `path`, or another process does already."""
        self._path, self._message = Path(path), message
        self._cards: dict[int, str] = {}
        self._errors: dict[int, int] = {}
        self._closed = False
        self._socket = sockets.local(sockets.DATAGRAM)
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            if self._path.is_socket() and not sockets.answers(self._path, sockets.DATAGRAM):
                self._path.unlink()
            self._socket.bind(os.fspath(self._path))
        except OSError as error:
            self._socket.close()
            raise KsegError(f"hub {path}: {error.strerror or error}") from None

    def serve(self) -> None:
        """Hand packets on until `close`."""
        while not self._closed:
            try:
                packet, sender = self._socket.recvfrom(PACKET_SIZE + 1)
            except OSError:
                return
            if not self._closed:
                self._take(packet, sender)

    def _take(self, packet: bytes, sender: str | bytes | None) -> None:
        frame, source, length, target = (
            int.from_bytes(packet[at : at + 2], "big") for at in range(0, HEADER_SIZE, 2)
        )
        wrong = ""
        if len(packet) < HEADER_SIZE:
            wrong = f"runt packet (size {len(packet)})"
        elif frame != FRAME:
            wrong = f"frame error [{frame:04x}]"
        elif length != len(packet):
            wrong = f"bad size [{length:04x} {len(packet):04x}]"
        elif source in (HUB, BROADCAST):
            wrong = f"packet came from address {source:04x}"
        if wrong:
            self._message(wrong)
            return
        self._remember(source, os.fsdecode(sender or ""))
        if target != HUB:
            for card, path in list(self._cards.items()):
                self._send(packet, card, path)

    def _remember(self, card: int, path: str) -> None:
        if not path:
            return  # It has no address: nothing can be sent to it.
        if card not in self._cards:
            if len(self._cards) >= MOST_CARDS:
                return
            self._message(f"adding {card:04x} from {path}")
        if self._cards.get(card) != path:
            self._errors[card] = 0
        self._cards[card] = path

    def _send(self, packet: bytes, card: int, path: str) -> None:
        try:
            # A card that does not listen must not keep the others waiting.
            self._socket.sendto(packet, socket.MSG_DONTWAIT, path)
        except BlockingIOError:
            return
        except OSError as error:
            self._errors[card] += 1
            if self._errors[card] > MOST_ERRORS:
                self._message(f"dropping {card:04x}: {error.strerror or error}")
                del self._cards[card], self._errors[card]

    def close(self) -> None:
        """Listen no more."""
        if self._closed:
            return
        self._closed = True
        # Lets `serve`, on another thread, come back.
        with (
            sockets.local(sockets.DATAGRAM) as waker,
            contextlib.suppress(OSError),
        ):
            waker.sendto(b"", socket.MSG_DONTWAIT, os.fspath(self._path))
        self._socket.close()
        self._path.unlink(missing_ok=True)
