"""The meter's socket, for stat161 and test161: lines of text, in a thread of its own.

System/161, "Metering protocol". A client is told counters by the machine's thread; what it says
is read here. No client can keep the machine waiting: lines that do not fit
into a client's `MOST_UNREAD` are left out, which loses nothing, for counters are totals.
"""

import contextlib
import os
import re
import socket
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from kseg.boards.system161.meter import (
    HEAD,
    LONGEST_INTERVAL,
    MOST_CLIENTS,
    SHORTEST_INTERVAL,
    WIDTHS,
    Meter,
)
from kseg.errors import KsegError
from kseg.platform import sockets
from kseg.platform.waiting import HANG_UP, READ, WRITE, Poll, writable

VERSION = 2
"""Of the protocol."""

LONGEST_COMMAND = 128
"""Bytes of a line from a client."""
MOST_WORDS = 8
MOST_UNREAD = 1 << 20
"""Bytes that are kept for a client that does not read, beside what the host's socket holds."""

PATIENCE = 0.01
"""Seconds between two looks whether the machine has taken what clients wanted."""
LONGEST_GOODBYE = 0.5
"""Seconds for clients to take the last lines."""


class Client:
    """One at the other end. `say` may be called from any thread."""

    def __init__(self, stream: socket.socket, wake: Callable[[], None]) -> None:
        """`wake` is called when there is something left to be sent."""
        self.stream = stream
        self.number = 0
        self.received = bytearray()
        self.unread = 0
        """Bytes that are kept."""
        self.gone = False
        self._wake = wake
        self._lines: deque[bytes] = deque()
        self._saying = threading.Lock()
        stream.setblocking(False)

    def say(self, line: str) -> None:
        """Send a line, or keep it until it can be sent."""
        data = line.encode() + b"\r\n"
        with self._saying:
            if self.gone or self.unread + len(data) > MOST_UNREAD:
                return
            self._lines.append(data)
            self.unread += len(data)
            if len(self._lines) > 1:
                return  # The thread is at it.
            self._send()
            left = self.unread or self.gone
        if left:
            self._wake()

    def send(self) -> None:
        """Send what is kept, as far as the client takes it."""
        with self._saying:
            self._send()

    def _send(self) -> None:
        while self._lines and not self.gone:
            try:
                sent = self.stream.send(self._lines[0], socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return
            except OSError:
                self.gone = True
                return
            self.unread -= sent
            rest = self._lines.popleft()[sent:]
            if rest:
                self._lines.appendleft(rest)

    def close(self) -> None:
        """Hang up."""
        with self._saying:
            self.gone = True
            self.stream.close()


class MeterSocket:
    """Listens, and serves its clients."""

    def __init__(self, path: str | Path, meter: Meter) -> None:
        """Listen at `path`, with mode 0600, instead of a socket that was left there; KsegError
        where that is not possible."""
        self._path, self._meter = Path(path), meter
        self._clients: list[Client] = []
        self._listener = self._listen()
        self._identity = _identity(self._path)
        self._over = False
        self._alarm, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        self._alarm.setblocking(False)
        self._thread = threading.Thread(target=self._serve, name="kseg meter", daemon=True)

    def _listen(self) -> socket.socket:
        listener = sockets.local()
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            if _identity(self._path) is not None:
                self._path.unlink()
            with sockets.private():
                listener.bind(os.fspath(self._path))
            listener.listen(MOST_CLIENTS)
        except (OSError, ValueError) as error:
            listener.close()
            said = getattr(error, "strerror", None) or error
            raise KsegError(f"meter socket {self._path}: {said}") from None
        listener.setblocking(False)
        return listener

    def start(self) -> None:
        """The machine is about to run. A client that has connected by now is served from the first
        poll of the host's side on."""
        self._accept()
        self._thread.start()

    def close(self) -> None:
        """Listen no more, and hang up when clients have taken what there was to say, or have had
        `LONGEST_GOODBYE` for it."""
        if self._over:
            return
        self._over = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join()
        self._listener.close()
        with contextlib.suppress(OSError):
            if _identity(self._path) == self._identity:
                self._path.unlink()
        deadline = time.monotonic() + LONGEST_GOODBYE
        while (
            waiting := [each for each in self._clients if each.unread and not each.gone]
        ) and time.monotonic() < deadline:
            writable([each.stream for each in waiting], PATIENCE)
            for client in waiting:
                client.send()
        for client in self._clients:
            client.close()
        self._alarm.close()
        self._bell.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # It has been rung already, or nobody is there.
            self._bell.send(b"!")

    # The thread.

    def _serve(self) -> None:
        while not self._over:
            # What the machine has not taken yet is not to become more.
            busy = self._meter.busy
            poll = Poll()
            poll.register(self._listener, READ)
            poll.register(self._alarm, READ)
            by_descriptor = {client.stream.fileno(): client for client in self._clients}
            for descriptor, client in by_descriptor.items():
                events = 0 if busy else READ
                poll.register(descriptor, events | (WRITE if client.unread else 0))
            for descriptor, events in poll.poll(PATIENCE * 1000 if busy else None):
                if descriptor == self._listener.fileno():
                    self._accept()
                elif descriptor == self._alarm.fileno():
                    self._alarm.recv(4096)
                else:
                    client = by_descriptor[descriptor]
                    if events & WRITE:
                        client.send()
                    if events & (READ | HANG_UP):
                        self._receive(client)
            for client in [client for client in self._clients if client.gone]:
                self._drop(client)

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError as error:  # no more, or it has gone again
                if error.errno in sockets.NO_ROOM:
                    time.sleep(PATIENCE)
                return
            client = Client(stream, self._wake)
            if len(self._clients) >= MOST_CLIENTS:
                client.say("ERROR too many clients")
                client.close()
                continue
            self._clients.append(client)
            for line in (f"HELLO {VERSION}", HEAD, WIDTHS):
                client.say(line)
            client.number = self._meter.open(client.say)

    def _receive(self, client: Client) -> None:
        try:
            data = client.stream.recv(LONGEST_COMMAND)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            client.gone = True
            return
        client.received += data
        while b"\n" in client.received:
            line, _, client.received = client.received.partition(b"\n")
            self._obey(client, bytes(line))
        if len(client.received) >= LONGEST_COMMAND:
            client.received.clear()
            client.say("BAD Input overflow")

    def _obey(self, client: Client, line: bytes) -> None:
        """Carry out a command, or say what is wrong with it; what is right is not answered."""
        words = line.split()
        if len(words) > MOST_WORDS:
            client.say("BAD Too many words in command")
        elif len(words) == 2 and words[0].lower() == b"interval":
            interval = _number(words[1])
            if interval is None:
                client.say("BAD Invalid number")
            elif interval < SHORTEST_INTERVAL:
                client.say("BAD Interval too small")
            elif interval > LONGEST_INTERVAL:
                client.say("BAD Interval too large")
            else:
                self._meter.set_interval(client.number, interval)
        elif words:
            client.say("BAD Invalid command")

    def _drop(self, client: Client) -> None:
        self._meter.close(client.number)
        client.close()
        self._clients.remove(client)


def _number(word: bytes) -> int | None:
    """A number as C writes it: decimal, 0x and 0; None for anything else, or none of 64 bits."""
    found = re.fullmatch(rb"([-+]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))", word)
    if found is None:
        return None
    sign, hexadecimal, octal, decimal = found.groups()
    value = int(hexadecimal or octal or decimal, 16 if hexadecimal else 8 if octal else 10)
    if value >> 64:
        return None
    # As unsigned, which makes a negative one huge.
    return -value & (1 << 64) - 1 if sign == b"-" else value


def _identity(path: Path) -> tuple[int, int] | None:
    """Which socket is at a path; None where there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISSOCK(found.st_mode) else None
