"""A log, read: what came in, what the machine was like meanwhile, and how it ended."""

import os
import stat
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from kseg.errors import LogError, StateError
from kseg.history import format as layout
from kseg.history import log
from kseg.history.files import SnapshotFile
from kseg.history.log import Digest, Edit, End, Marker
from kseg.history.state import Base
from kseg.machine.input_history import Answer, Input, InputHistory, Position, Sector
from kseg.platform import files
from kseg.platform.digests import blake2b

MOST_DATA = 1 << 30
"""Bytes of all entries and of keyframes' headers together, in memory."""
LEAST_DATA, RATIO = 64 << 20, 256
"""So many bytes in any case; and no more than so many times as many as in the file: a log that is
packed tighter is none that was recorded."""
HEADER_RATIO = 4
"""Bytes in memory that a byte of a keyframe's header takes at the most."""
MOST_PACKED = log.MOST_ENTRIES + (1 << 20)
"""Bytes of a frame's entries, compressed or not."""
PIECE = 1 << 20
"""Bytes that are read at a time."""
CUT_SHORT = "the recording was cut short"


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The machine's state at a cycle, and how far it was into what came in."""

    cycle: int
    snapshot: "LoggedSnapshot" = field(repr=False)
    position: Position
    checked: int
    """Checks before it, itself included if it is one."""


class LoggedSnapshot(SnapshotFile, frozen=True):
    """A snapshot in a log; its base is the one before it."""

    before: "LoggedSnapshot | None" = None

    def below(self) -> SnapshotFile | None:
        return self.before


@dataclass(repr=False)
class Log:
    """What a log says."""

    path: Path
    history: InputHistory = field(default_factory=InputHistory)
    keyframes: list[Keyframe] = field(default_factory=list)
    """In order, from the one with which the log begins."""
    checks: list[Digest | Keyframe] = field(default_factory=list)
    """In order: what the machine's state was like, and what it became by an edit."""
    markers: list[Marker] = field(default_factory=list)
    end: End | None = None
    """How the run ended; None where the log does not tell."""
    problem: str = ""
    """What is wrong with the log's end, if anything is."""
    last_cycle: int = 0
    """The last one of which the log says anything."""

    def __repr__(self) -> str:
        return f"<Log {self.path}: {len(self.keyframes)} keyframes, to cycle {self.last_cycle}>"

    @property
    def first(self) -> Keyframe:
        """Where the log begins."""
        return self.keyframes[0]

    def keyframe_before(self, cycle: int) -> Keyframe:
        """The last keyframe at or before a cycle; of those, the last."""
        index = bisect_right(self.keyframes, cycle, key=lambda each: each.cycle)
        return self.keyframes[max(index - 1, 0)]


def read_log(path: str | Path) -> Log:
    """Read a log; LogError says what is wrong with it. One that was cut is read up to there."""
    found = Log(Path(path))
    reader = _Reader(found)
    try:
        reader.read()
    except (LogError, StateError, OSError) as error:
        text = (isinstance(error, OSError) and error.strerror) or str(error)
        if not found.keyframes:
            raise LogError(f"log {path}: {text}") from None
        # What came before is as good as ever.
        found.problem = text
    if not found.keyframes:
        raise LogError(f"log {path}: ends before it says how the machine began")
    if found.end is None and not found.problem:
        found.problem = CUT_SHORT
    return found


class _Reader:
    def __init__(self, found: Log) -> None:
        self._found = found
        self._edited = False
        self._data, self._most = 0, LEAST_DATA

    def read(self) -> None:
        found = self._found
        for kind, start, size, body in self._frames(found.path):
            if found.end is not None:
                raise LogError("the log goes on after its end")
            if kind == log.KEYFRAME:
                self._keyframe(start, size, body)
            else:
                self._entries(body)

    def _frames(self, path: Path) -> Iterator[tuple[bytes, int, int, bytes]]:
        """Kind, place in the file and size of each whole frame, and its contents: of a keyframe, no
        more than its header."""
        try:
            descriptor = files.open_file(path)
        except (OSError, ValueError) as error:
            raise LogError(getattr(error, "strerror", None) or str(error)) from None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise LogError("not a regular file")
        with os.fdopen(descriptor, "rb") as file:
            log.preamble(file.read(log.PREAMBLE_SIZE))
            self._most = min(LEAST_DATA + RATIO * status.st_size, MOST_DATA)
            place = log.PREAMBLE_SIZE
            while place < status.st_size:
                head = file.read(log.HEAD_SIZE)
                if len(head) < log.HEAD_SIZE:
                    raise LogError(CUT_SHORT)
                frame = log.head(head)
                if frame is None:
                    raise LogError(f"the log is damaged at byte {place}")
                kind, size = frame
                if size > status.st_size - place - log.HEAD_SIZE:
                    raise LogError(CUT_SHORT)
                beginning, check = _read_frame(file, kind, head[: -log.CHECK_SIZE], size)
                if check != head[-log.CHECK_SIZE :]:
                    raise LogError(f"the log is damaged at byte {place}")
                place += log.HEAD_SIZE
                yield kind, place, size, beginning
                place += size

    def _keyframe(self, start: int, size: int, packed: bytes) -> None:
        found = self._found
        preamble = layout.read_preamble(packed[: layout.PREAMBLE_SIZE])
        ends = layout.PREAMBLE_SIZE + preamble.header_size
        self._count(HEADER_RATIO * preamble.header_size)
        header = layout.read_header(preamble, packed[layout.PREAMBLE_SIZE : ends])
        if size != ends + preamble.body_size:
            raise LogError("a keyframe in the log is damaged")
        before = found.keyframes[-1].snapshot if found.keyframes else None
        if header.base is None:
            before = None
        elif before is None or header.base != Base(log.KEYFRAME_BASE, before.identity):
            raise LogError("a keyframe in the log lacks the one before it")
        snapshot = LoggedSnapshot(
            found.path, header, preamble.identity, size, preamble.body_size, start, before
        )
        cycle = header.origin.cycle
        checked = len(found.checks) + int(self._edited)
        keyframe = Keyframe(cycle, snapshot, found.history.end, checked)
        self._advance(cycle)
        found.keyframes.append(keyframe)
        if self._edited:
            found.checks.append(keyframe)
            self._edited = False

    def _entries(self, body: bytes) -> None:
        found = self._found
        if not found.keyframes:
            raise LogError("the log does not begin with the machine's state")
        for entry in log.read_entries(body):
            if isinstance(entry, Input | Answer | Sector):
                known = found.history.knows(entry)
                self._count(log.ENTRY_SIZE if known else log.entry_size(entry))
                found.history.add(entry)
            else:
                self._count(log.entry_size(entry))
            if isinstance(entry, Digest):
                found.checks.append(entry)
            elif isinstance(entry, Marker):
                found.markers.append(entry)
            elif isinstance(entry, Edit):
                self._edited = True
            elif isinstance(entry, End):
                found.end = entry
            if not isinstance(entry, Answer | Sector):
                self._advance(entry.cycle)

    def _count(self, size: int) -> None:
        self._data += size
        if self._data > self._most:
            raise LogError("the log is larger than any that can be replayed")

    def _advance(self, cycle: int) -> None:
        """Time goes forward in a log."""
        if cycle < self._found.last_cycle:
            raise LogError(f"the log goes back in time after cycle {self._found.last_cycle}")
        self._found.last_cycle = cycle


def _read_frame(file: BinaryIO, kind: bytes, head: bytes, size: int) -> tuple[bytes, bytes]:
    """What a frame begins with, as much as is needed of it, and what guards it. The memory that
    this takes is bounded, whatever the size."""
    guard = blake2b(head, digest_size=log.CHECK_SIZE)
    if kind == log.KEYFRAME:
        beginning = file.read(min(size, layout.PREAMBLE_SIZE))
        beginning += file.read(min(size - len(beginning), layout.header_size(beginning)))
    elif size > MOST_PACKED:
        raise LogError("the log has more entries in a frame than any")
    else:
        beginning = file.read(size)
    guard.update(beginning)
    left = size - len(beginning)
    while left > 0 and (piece := file.read(min(left, PIECE))):
        guard.update(piece)
        left -= len(piece)
    return beginning, guard.digest()
