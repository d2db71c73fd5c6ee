"""How gdb reaches a guest of `kseg sys161`: at `.sockets/gdb` in the current directory, as with
System/161, or at a TCP port.

Most runs are over before a debugger is thought of. So the socket is made a moment after the
start, and what speaks to gdb is loaded when that connects or is waited for.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kseg.api.machine import Machine
from kseg.cli.output import Output
from kseg.errors import ConfigurationError
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.gdb.debugger import Debugger
    from kseg.gdb.server import Server

SOCKET = Path(".sockets/gdb")

DELAY = 0.3
"""Seconds of the host's time before the socket is made, if it is not asked for earlier."""

KILLED = 3
"""Exit code when the debugger has switched the machine off."""

WAITING = "Waiting for debugger connection..."

_FOR_DEBUGGER = (
    StopReason.DEBUGGER,
    StopReason.BREAK,
    StopReason.NO_PROGRESS,
    StopReason.FATAL,
)


class SocketDebugger:
    """Implements `kseg.cli.console.session.Attendant`."""

    def __init__(
        self,
        machine: Machine,
        output: Output,
        *,
        port: str | None,
        waits: bool,
        wait: bool,
        say_why: Callable[[Stop], None],
    ) -> None:
        """`port` is where to listen instead of at SOCKET: "PORT", on the loopback interface, or
        "HOST:PORT". `waits`: where the guest asks for a debugger, or fails, it stands until there
        is one; `say_why` is called before that. `wait`: it stands at the start too.
        ConfigurationError where one cannot listen at `port`."""
        self._machine, self._output, self._say_why = machine, output, say_why
        self._port, self._waits = port, waits
        machine.board.debugger_at = port or str(SOCKET)
        self._server: Server | None = None
        self._debugger: Debugger | None = None
        self._failure: str | None = None
        self._making = threading.Lock()
        self._over = threading.Event()
        if port is not None or wait:
            self._listen()
            if self._failure is not None:
                raise ConfigurationError(self._failure)
        elif waits:
            threading.Thread(target=self._listen_later, name="gdb socket", daemon=True).start()
        if wait:
            self._load(wait=True)
            output.message(WAITING)

    # Called by the session.

    def attend(self, leaves: Callable[[], bool]) -> Stop | None:
        """See `kseg.gdb.debugger.Debugger.attend`."""
        if self._debugger is None:
            if self._server is None or self._server.events.empty():
                return None
            self._load()
        assert self._debugger is not None
        return self._debugger.attend(leaves)

    def takes(self, stop: Stop) -> bool:
        """See `kseg.gdb.debugger.Debugger.takes`."""
        if self._debugger is None:
            if stop.reason not in _FOR_DEBUGGER or not self._waits:
                return False
            self._listen()
            if self._failure is not None:
                self._output.message(self._failure)
                return False
            self._load()
        assert self._debugger is not None
        return self._debugger.takes(stop)

    def ended(self, exit_code: int) -> None:
        """See `kseg.gdb.debugger.Debugger.ended`."""
        self._over.set()
        with self._making:
            if self._debugger is not None:
                self._debugger.ended(exit_code)
            elif self._server is not None:
                self._server.close()

    # Listening.

    def _listen_later(self) -> None:
        if not self._over.wait(DELAY):
            self._listen()

    def _listen(self) -> None:
        """Listen, unless that is done, has failed, or it is too late."""
        with self._making:
            if self._over.is_set() or self._server is not None or self._failure is not None:
                return
            from kseg.gdb.server import Server

            wake = self._machine.monitor.interrupt
            try:
                if self._port is not None:
                    address = self._port if ":" in self._port else f":{self._port}"
                    self._server = Server(address, "-p", wake)
                else:
                    SOCKET.parent.mkdir(mode=0o700, exist_ok=True)
                    self._server = Server(str(SOCKET), "gdb socket", wake)
            except ConfigurationError as error:
                self._failure = str(error)
            except OSError as error:
                self._failure = f"gdb socket {SOCKET}: {error.strerror}"

    def _load(self, *, wait: bool = False) -> None:
        from kseg.gdb.debugger import Debugger
        from kseg.gdb.target import OneMachine

        assert self._server is not None
        self._debugger = Debugger(
            OneMachine(self._machine, self._machine.travel),
            self._server,
            wait=wait,
            awaited=self._await if self._waits else None,
            kill_code=KILLED,
            say=self._output.message,
        )

    def _await(self, stop: Stop) -> None:
        self._say_why(stop)
        self._output.message(WAITING)
