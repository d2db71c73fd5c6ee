"""What the user types: a terminal with an escape key, or a pipe or file that is typed by itself."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kseg.platform.terminal import Terminal


BACKGROUND_PAUSE = 0.2
"""Seconds between two checks whether the terminal is ours again."""


class Sink(Protocol):
    """Takes what comes from the user; called from the keyboard's thread."""

    def type(self, data: bytes) -> None:
        """Characters for the guest."""
        ...

    def command(self, letter: str) -> None:
        """A key pressed after the escape key."""
        ...


class EscapeKey:
    """Divides what is typed into text for the guest and commands for us."""

    def __init__(self, key: int | None, sink: Sink) -> None:
        self._key = key
        self._sink = sink
        self._escaped = False

    def type(self, data: bytes) -> None:
        text = bytearray()
        for byte in data:
            if self._escaped:
                self._escaped = False
                if byte == self._key:
                    text.append(byte)
                else:
                    self._give(text)
                    self._sink.command(chr(byte))
            elif byte == self._key:
                self._escaped = True
            else:
                text.append(byte)
        self._give(text)

    def _give(self, text: bytearray) -> None:
        if text:
            self._sink.type(bytes(text))
            text.clear()


class LineEnds:
    """Line ends of a text (LF or CR LF) as the Enter key gives them (CR)."""

    def __init__(self) -> None:
        self._after_return = False

    def typed(self, data: bytes) -> bytes:
        if self._after_return and data.startswith(b"\n"):
            data = data[1:]
            self._after_return = False
        if data:
            self._after_return = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\r").replace(b"\n", b"\r")


def start_reading(
    descriptor: int,
    terminal: "Terminal | None",
    text: Callable[[bytes], None],
    end: Callable[[], None],
) -> None:
    """Read `descriptor` on a thread of its own until its end, and hand over what comes."""

    from kseg.platform import waiting

    def read() -> None:
        while True:
            try:
                waiting.readable(descriptor)
                if terminal is not None and terminal.gone:
                    end()
                    return
                if terminal is not None and not terminal.in_foreground:
                    # Reading now would stop the whole process (SIGTTIN).
                    threading.Event().wait(BACKGROUND_PAUSE)
                    continue
                data = os.read(descriptor, 4096)
            except BlockingIOError:
                continue
            except (OSError, ValueError):
                data = b""
            if not data:
                end()
                return
            text(data)

    threading.Thread(target=read, name="keyboard", daemon=True).start()
