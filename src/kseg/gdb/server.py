"""The socket on which a debugger is expected: one at a time, by a thread of its own."""

import contextlib
import errno
import queue
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from kseg.errors import ConfigurationError
from kseg.gdb.packets import Reader, Sign, packet
from kseg.platform import sockets

GOODBYE = 1
"""Seconds that a debugger has to wait, at most, until the one before it is quite gone."""

ONE_AT_A_TIME = packet(b"E.another debugger is connected to this guest: one at a time")
"""The answer to a second one, in words that GDB shows."""

MOST_WAITING = 64
"""Packets of a debugger that wait to be answered; it is read no further until there are less."""

LONGEST_SEND = 5
"""Seconds after which a debugger that takes nothing is taken for gone."""


class EventKind(Enum):
    """What happens besides packets."""

    CAME = auto()
    WENT = auto()
    INTERRUPT = auto()
    """Any number of them that have not been seen to count as one."""
    REFUSED = auto()
    """Another one has come while this one is there."""


@dataclass(frozen=True)
class Event:
    """Something came from a debugger: a packet's data, or another event."""

    connection: "Connection"
    what: bytes | EventKind


class Connection:
    """One debugger at the other end."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._sending = threading.Lock()
        self._last = b""
        self.acknowledges = True
        self.has_refused = False
        """Has another one come meanwhile, of which the user knows?"""
        self.interrupts = threading.Event()
        """Whether an interrupt has come that has not been seen to."""
        sockets.limit_sending(stream, LONGEST_SEND)

    def send(self, data: bytes) -> None:
        """Send a packet. If the debugger is gone, the reading thread will say so."""
        self._last = packet(data)
        self._put(self._last)

    def _put(self, data: bytes) -> None:
        try:
            with self._sending:
                self._stream.sendall(data)
        except OSError:
            self.close()

    def read(self, take: Callable[[bytes | EventKind], None]) -> None:
        """Hand over what comes, until nothing more will come."""
        reader = Reader()
        while True:
            try:
                received = self._stream.recv(65536)
            except OSError:
                return
            if not received:
                return
            for found in reader.feed(received):
                if found is Sign.AGAIN and self.acknowledges:
                    self._put(self._last)
                elif found is Sign.DAMAGED:
                    # Without acknowledgements it would not be sent again.
                    self._put(b"-" if self.acknowledges else packet(b"E01"))
                elif found is Sign.INTERRUPT and not self.interrupts.is_set():
                    self.interrupts.set()
                    take(EventKind.INTERRUPT)
                elif isinstance(found, bytes):
                    if self.acknowledges:
                        self._put(b"+")
                    take(found)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)


class Events:
    """What has come from debuggers, in order; a connection that puts packets in waits while there
    are too many."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._room = threading.Semaphore(MOST_WAITING)

    def put(self, event: Event) -> None:
        if isinstance(event.what, bytes):
            self._room.acquire()
        self._events.put(event)

    def get(self, timeout: float) -> Event:
        """The next one; queue.Empty after so many seconds without."""
        event = self._events.get(timeout=timeout)
        if isinstance(event.what, bytes):
            self._room.release()
        elif event.what is EventKind.INTERRUPT:
            event.connection.interrupts.clear()
        return event

    def empty(self) -> bool:
        return self._events.empty()


class Server:
    """Listens, and puts what comes into `events`."""

    def __init__(
        self, address: str, option: str = "--gdb", wake: Callable[[], None] = lambda: None
    ) -> None:
        """`address` is the path of a Unix socket, made with mode 0600, or host:port for TCP; the
        host is the loopback interface if it is left out. ConfigurationError where one cannot listen
        there, which says so of the command line's `option`. `wake` is called after each event,
        from another thread."""
        self.events = Events()
        self.wake = wake
        self._option = option
        self._path: Path | None = None
        self._connection: Connection | None = None
        self._free = threading.Event()
        self._free.set()
        self._listener = self._listen(address)
        threading.Thread(target=self._accept, name="gdb", daemon=True).start()

    @property
    def is_private(self) -> bool:
        """Whether only the user can connect: to a socket of mode 0600, not to TCP."""
        return self._path is not None

    def _listen(self, address: str) -> socket.socket:
        found = re.fullmatch(r"(?:\[([^/]*)\]|([^/:]*)):(\d+)", address)
        try:
            if found is None:
                return self._listen_at(Path(address))
            host, port = found[1] or found[2] or "127.0.0.1", int(found[3])
            family = socket.AF_INET6 if found[1] else socket.AF_INET
            listener = socket.create_server((host, port), family=family, backlog=4)
            shown = f"[{host}]" if found[1] else host
            self.address = f"{shown}:{listener.getsockname()[1]}"
            return listener
        except (OSError, OverflowError) as error:
            said = str(getattr(error, "strerror", None) or error).rstrip(".")
            text = f"{self._option} {address}: {said}; give another address"
            raise ConfigurationError(text) from None

    def _listen_at(self, path: Path) -> socket.socket:
        if path.is_socket() and not _answers(path):
            path.unlink()  # left by a process that was killed
        listener = sockets.local()
        try:
            with sockets.private():
                listener.bind(str(path))
        except OSError:
            listener.close()
            raise
        listener.listen(4)
        self._path = path
        self.address = str(path)
        return listener

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError as error:
                if error.errno in sockets.NO_ROOM:
                    time.sleep(GOODBYE)
                elif error.errno not in (errno.ECONNABORTED, errno.EINTR):
                    return
                continue
            if not self._free.wait(GOODBYE):
                self._refuse(stream)
                continue
            self._free.clear()
            if not sockets.is_local(stream):
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection = connection = Connection(stream)
            threading.Thread(
                target=self._serve, args=(connection, stream), name="gdb reader", daemon=True
            ).start()

    def _refuse(self, stream: socket.socket) -> None:
        """There is a debugger already: tell both users."""
        with stream, contextlib.suppress(OSError):
            stream.settimeout(GOODBYE)
            until = time.monotonic() + GOODBYE
            while time.monotonic() < until and (received := stream.recv(65536)):
                # GDB takes no answer before it has asked.
                if b"#" not in received:
                    continue
                if (present := self._connection) is not None:
                    self.events.put(Event(present, EventKind.REFUSED))
                    self.wake()
                stream.sendall(b"+" + ONE_AT_A_TIME)
                stream.shutdown(socket.SHUT_WR)

    def _serve(self, connection: Connection, stream: socket.socket) -> None:
        def take(what: bytes | EventKind) -> None:
            self.events.put(Event(connection, what))
            self.wake()

        take(EventKind.CAME)
        try:
            connection.read(take)
        finally:
            self._connection = None
            stream.close()
            take(EventKind.WENT)
            self._free.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        if self._connection is not None:
            self._connection.close()


def _answers(path: Path) -> bool:
    """Does a process listen at a Unix socket? Where one cannot find out, perhaps."""
    try:
        return sockets.answers(path)
    except OSError:
        return True
