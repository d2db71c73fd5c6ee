"""Network cards on a System/161 hub: datagrams over UNIX sockets.

System/161 manual, "Networking". `hub161` listens on one socket and sends what it gets to every
card it has heard of, the sender included; a card makes itself known by its keepalives.
"""

import errno
import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from kseg.devices.network import PACKET_SIZE, NetworkInterface
from kseg.errors import KsegError
from kseg.machine.outside import Outside

if TYPE_CHECKING:
    from kseg.machine.system161 import System161

SOCKETS = ".sockets"
_NOBODY = {errno.ECONNREFUSED, errno.ENOENT, errno.ENOTSOCK, errno.EAGAIN}


class HubConnection:
    """One card's socket. Packets that come in go through the machine's door."""

    def __init__(self, own: Path, hub: Path, outside: Outside, channel: str) -> None:
        """Listen at `own` and send to `hub`; KsegError when that is not possible."""
        self._own = own
        self._hub = os.fspath(hub)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            own.parent.mkdir(mode=0o700, exist_ok=True)
            own.unlink(missing_ok=True)
            self._socket.bind(os.fspath(own.absolute()))
        except OSError as error:
            self._socket.close()
            raise KsegError(f"network socket {own}: {error.strerror or error}") from None
        self._closed = False
        self._thread = threading.Thread(
            target=self._listen, args=(outside, channel), name=f"kseg {channel}", daemon=True
        )
        self._thread.start()

    def send(self, packet: bytes) -> bool:
        """Send to the hub; False when there is none."""
        try:
            self._socket.sendto(packet, socket.MSG_DONTWAIT, self._hub)
        except OSError as error:
            if error.errno in _NOBODY:
                return False
            raise KsegError(f"network hub {self._hub}: {error.strerror or error}") from None
        return True

    def _listen(self, outside: Outside, channel: str) -> None:
        while True:
            try:
                # One byte more, so that what is too long is seen to be.
                data = self._socket.recv(PACKET_SIZE + 1)
            except OSError:
                return
            if self._closed:
                return
            outside.put(channel, data)

    def close(self) -> None:
        """Leave the hub."""
        if self._closed:
            return
        self._closed = True
        # Closing alone would leave the thread in its call.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._own.unlink(missing_ok=True)


def connect(board: "System161", directory: Path | None = None) -> list[HubConnection]:
    """Plug the machine's network cards into the hubs they are configured for; the caller closes
    the connections. Sockets are made in `.sockets` of `directory` (the configuration's)."""
    where = directory or Path(board.configuration.directory)
    connections = []
    for card in board.bus.cards:
        if isinstance(card, NetworkInterface):
            own = where / SOCKETS / f"net-{card.options.address:04x}"
            connection = HubConnection(own, where / card.options.hub, board.outside, card.owner)
            card.connect(connection.send)
            connections.append(connection)
    return connections
