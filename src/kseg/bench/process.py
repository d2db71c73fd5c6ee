"""Running one command and knowing what it cost."""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kseg.platform import processes
from kseg.platform.terminal import pair

MOST_OUTPUT = 1 << 20
"""Bytes of output that are kept; a peer gone wild must not fill the memory."""


class MeasureError(RuntimeError):
    """A command failed, hung, or computed something else than it should; the text is one or more
    lines."""


class TimeOut(MeasureError):
    """A command was killed because it took too long."""


@dataclass(frozen=True)
class Run:
    """One run of a command: what it printed, and its costs in seconds."""

    output: str
    processor_time: float
    wall_time: float


def run(
    command: Sequence[str | Path],
    directory: Path | None = None,
    *,
    terminal: bool = False,
    source: Path | None = None,
    environment: Mapping[str, str] | None = None,
    limit: float = 300,
    accepted: frozenset[int] = frozenset({0}),
) -> Run:
    """Run `command` with its output caught; with `terminal`, it believes to be at one; it reads
    the file `source`, or nothing. Its processor time is that of all processes that it starts, too,
    as far as they are of its group.

    After `limit` seconds it is killed, with everything it has started, and so it is when this
    process is interrupted. TimeOut then; MeasureError if it cannot be started or ends
    with a code that is not `accepted`.
    """
    words = [str(word) for word in command]
    shown = " ".join(words)
    reading, writing = pair() if terminal else os.pipe()
    started = time.monotonic()
    processes.adopt_orphans()
    given = None if source is None else os.open(source, os.O_RDONLY)
    try:
        process = processes.start_group(
            words,
            writing,
            source=writing if terminal else given,
            directory=directory,
            environment=environment,
        )
    except OSError as error:
        os.close(reading)
        raise MeasureError(f"cannot start `{shown}`: {error.strerror}") from None
    finally:
        os.close(writing)
        if given is not None:
            os.close(given)
    late = threading.Event()

    def end() -> None:
        late.set()
        processes.kill_group(process)

    alarm = threading.Timer(limit, end)
    alarm.start()
    try:
        output = _read_all(reading)
        processor_time = processes.processor_time(process)
        wall_time = time.monotonic() - started
    except BaseException:
        processes.kill_group(process)
        process.wait()
        raise
    finally:
        alarm.cancel()
    if late.is_set():
        raise TimeOut(f"`{shown}` did not end within {limit:.0f} s and was killed")
    if process.returncode not in accepted:
        raise MeasureError(f"`{shown}` ended with {process.returncode}:\n{output}")
    return Run(output, processor_time, wall_time)


def _read_all(descriptor: int) -> str:
    """Everything that comes before the other side closes, and close this one."""
    parts = []
    room = MOST_OUTPUT
    # An error is how a terminal tells that the other side has closed.
    with open(descriptor, "rb", buffering=0) as stream, suppress(OSError):
        while part := stream.read(65536):
            parts.append(part[:room])
            room -= len(parts[-1])
    return b"".join(parts).decode(errors="replace").replace("\r\n", "\n")
