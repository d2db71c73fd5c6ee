"""Where a trace is written to: a file, stdout or stderr, in large pieces."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kseg.cli.output import Output, OutputClosed, write_all
from kseg.errors import ConfigurationError, KsegError

PIECE = 1 << 18
"""Bytes gathered before they are written."""


class TraceFile:
    """Takes lines."""

    def __init__(self, path: str | None, output: Output) -> None:
        """`path` "-" is stdout, None stderr. What stands there is replaced. ConfigurationError
        where it cannot be opened."""
        self._name = path or "stderr"
        self._make_way: Callable[[], None] = lambda: None
        self._gathered = bytearray()
        self._opened = self._failed = False
        if path is None or path == "-":
            # Console and trace may be the same terminal: they take turns.
            self._descriptor = 2 if path is None else 1
            self._make_way = output.make_way if path is None else output.finish_line
            return
        try:
            self._existed = Path(path).exists()
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            self._descriptor = os.open(Path(path), flags, 0o666)
        except (OSError, ValueError) as error:
            text = error.strerror if isinstance(error, OSError) else str(error)
            raise ConfigurationError(f"cannot write the trace to {path}: {text}") from None
        self._opened = True

    def write(self, lines: list[str]) -> None:
        """Take lines, without their ends; OutputClosed when nobody reads them any more, KsegError
        when they cannot be written."""
        if lines:
            self._gathered += "\n".join(lines).encode("utf-8", "backslashreplace") + b"\n"
        if len(self._gathered) >= PIECE:
            self.flush()

    def flush(self) -> None:
        """Write what has been gathered."""
        if not self._gathered:
            return
        self._make_way()
        data, self._gathered = bytes(self._gathered), bytearray()
        try:
            write_all(self._descriptor, data)
        except OutputClosed:
            raise
        except KsegError as error:
            self._failed = True
            reason = str(error).partition(": ")[2]
            raise KsegError(f"cannot write the trace to {self._name}: {reason}") from None

    def close(self) -> None:
        """Write the rest, and close the file."""
        try:
            self.flush()
        finally:
            if self._opened:
                self._opened = False
                # What is there of a trace is worth keeping; an empty file is in the way.
                if self._failed and not self._existed and not os.fstat(self._descriptor).st_size:
                    with suppress(OSError):
                        Path(self._name).unlink()
                os.close(self._descriptor)
