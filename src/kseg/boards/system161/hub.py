"""Network cards on a System/161 hub: datagrams over UNIX sockets.

System/161 manual, "Networking". A hub (hub161, or `hub_server`) listens on one socket and
sends what it gets to every card it has heard of, the sender included; a card makes itself known by
its keepalives.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kseg.devices.network import PACKET_SIZE, NetworkInterface
from kseg.errors import KsegError
from kseg.machine.input_port import InputPort
from kseg.platform import sockets

if TYPE_CHECKING:
    from kseg.boards.system161.board import System161

SOCKETS = ".sockets"

MOST_WAITING = 256
"""Packets that wait for a machine at most: what comes then is lost."""


class HubConnection:
    """One card's socket. Packets that are received go through the machine's input port."""

    def __init__(
        self,
        own: Path,
        hub: Path,
        input_port: InputPort,
        channel: str,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """Listen at `own` and send to `hub`; `wake` is called when something has come, from
        another thread. KsegError where one cannot listen, or another card does so already."""
        self._own = own.absolute()  # The hub may run elsewhere.
        self._hub = os.fspath(hub)
        self._input_port, self._channel, self._wake = input_port, channel, wake
        self._socket = sockets.local(sockets.DATAGRAM)
        try:
            self._own.parent.mkdir(mode=0o700, exist_ok=True)
            self._make_room()
            self._socket.bind(os.fspath(self._own))
        except OSError as error:
            self._socket.close()
            raise KsegError(f"network socket {own}: {error.strerror or error}") from None
        except KsegError:
            self._socket.close()
            raise
        self._closed = False
        self._thread = threading.Thread(target=self._listen, name=f"kseg {channel}", daemon=True)
        self._thread.start()

    def _make_room(self) -> None:
        """Remove a socket that a process has left there."""
        if not self._own.is_socket():
            return
        if not sockets.answers(self._own, sockets.DATAGRAM):
            self._own.unlink()
            return
        raise KsegError(
            f"network socket {self._own}: another network card with this address is in use;"
            " give this one another hwaddr="
        )

    def send(self, packet: bytes) -> str:
        """Send to the hub; returns what went wrong, or ""."""
        try:
            self._socket.sendto(packet, socket.MSG_DONTWAIT, self._hub)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _listen(self) -> None:
        while True:
            try:
                # One byte more, so that what is too long is seen to be.
                data = self._socket.recv(PACKET_SIZE + 1)
            except OSError:
                return
            if self._closed:
                return
            if self._input_port.backlog(self._channel) < MOST_WAITING:
                self._input_port.put(self._channel, data)
                self._wake()

    def close(self) -> None:
        """Leave the hub."""
        if self._closed:
            return
        self._closed = True
        # Closing alone would leave the thread in its call.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._own.unlink(missing_ok=True)


def connect(
    board: "System161", wake: Callable[[], None] = lambda: None, directory: Path | None = None
) -> list[HubConnection]:
    """Plug the machine's network cards into the hubs they are configured for; the caller closes
    the connections. Sockets are made in `.sockets` of `directory` (the configuration's). `wake` and
    KsegError are those of `HubConnection`."""
    where = directory or Path(board.configuration.directory)
    connections: list[HubConnection] = []
    for card in board.bus.cards:
        if isinstance(card, NetworkInterface):
            own = where / SOCKETS / f"net-{card.options.address:04x}"
            try:
                hub = where / card.options.hub
                made = HubConnection(own, hub, board.input_port, card.owner, wake)
            except BaseException:
                for each in connections:
                    each.close()
                raise
            connections.append(made)
            card.connect(made.send)
    return connections
