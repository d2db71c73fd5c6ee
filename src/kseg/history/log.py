"""The log of a recorded run: a file that grows while the machine runs.

    offset  bytes
     0      8      "KSEGLOG\\0"
     8      4      version of the format, little-endian as all numbers here
    12      4      zero
    16             frames, to the end of the file

    a frame: 1 byte kind, 7 bytes zero, 8 bytes size of what follows its head, 16 bytes
    BLAKE2b-128 of all that comes before in the head and of what follows; then what follows:

    "I"  entries: a list in MessagePack, as one zstandard frame
    "K"  a keyframe: the machine's state, as the bytes of a snapshot file; its base is the
         keyframe before it

A frame is either whole or not there: what a killed process or a failing power supply leaves of the
last one is ignored, and all before it can be replayed.
"""

import os
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from sys import getsizeof
from typing import Annotated

import msgspec

from kseg.errors import LogError, StateError
from kseg.history.digest import DIGEST_SIZE
from kseg.history.files import SnapshotFile
from kseg.history.format import pack
from kseg.history.snapshot import gather
from kseg.history.state import Base, Origin
from kseg.machine.board_state import BoardState
from kseg.machine.event_queue import Count
from kseg.machine.input_history import Answer, Input, Sector
from kseg.platform import compression
from kseg.platform.digests import blake2b

MAGIC = b"KSEGLOG\0"
VERSION = 1
ENTRIES, KEYFRAME = b"I", b"K"

_PREAMBLE = struct.Struct("<8sII")
_HEAD = struct.Struct("<c7xQ")
CHECK_SIZE = 16
HEAD_SIZE = _HEAD.size + CHECK_SIZE

MOST_ENTRIES = 16 << 20
"""Bytes of a frame's entries, before compression."""
MOST_WAITING = 1 << 20
"""Bytes of entries that have not been written yet, about."""
ENTRY_SIZE = 256
"""Bytes that an entry takes beside its data, at the most."""
MOST_TEXT = 4096
"""Characters of a marker's text, or of how a run ended."""
CHAIN = 8
"""Keyframes, the last of which has the first as its base's base's base..."""

KEYFRAME_BASE = "keyframe"
"""What a keyframe calls the one before it."""


Text = Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]
DigestBytes = Annotated[bytes, msgspec.Meta(min_length=DIGEST_SIZE, max_length=DIGEST_SIZE)]


class Digest(msgspec.Struct, frozen=True, tag="digest"):
    """What the machine's state was when its cycle counter showed `cycle`: see `digest`."""

    cycle: Count
    processors: DigestBytes
    whole: DigestBytes | None = None


class Edit(msgspec.Struct, frozen=True, tag="edit"):
    """At this cycle the machine was edited: the next keyframe says what it became."""

    cycle: Count


class Marker(msgspec.Struct, frozen=True, tag="marker"):
    """Something that a reader may look for: a snapshot that was taken, a panic. Time in ns."""

    cycle: Count
    time: Count
    text: Text


class End(msgspec.Struct, frozen=True, tag="end"):
    """How the recorded run ended; time in ns of virtual time."""

    cycle: Count
    time: Count
    reason: Text
    exit_code: Annotated[int, msgspec.Meta(ge=0, le=255)] | None
    message: Text = ""


Entry = Input | Answer | Sector | Digest | Edit | Marker | End


class LogWriter:
    """Writes a log. What is added is in the file after `flush`."""

    def __init__(self, path: str | Path) -> None:
        """Make the file; LogError when there is one already, or the host refuses."""
        self.path = Path(path)
        self._waiting: list[Entry] = []
        self._bytes_waiting = 0
        self._last: SnapshotFile | None = None
        self._chain = 0
        try:
            self._file = self.path.open("xb", buffering=0)
        except FileExistsError:
            raise LogError(f"log {path}: exists; give another name, or remove it") from None
        except (OSError, ValueError) as error:
            raise LogError(f"log {path}: {_reason(error)}") from None
        self._size = 0
        try:
            self._append(_PREAMBLE.pack(MAGIC, VERSION, 0))
        except BaseException:
            self.discard()
            raise

    def add(self, entry: Entry) -> None:
        """The next entry; LogError when the host refuses to take what waits."""
        self._waiting.append(entry)
        self._bytes_waiting += entry_size(entry)
        if self._bytes_waiting > MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits; LogError when the host refuses."""
        if not self._waiting:
            return
        packed = msgspec.msgpack.encode(self._waiting)
        self._waiting, self._bytes_waiting = [], 0
        self._frame(ENTRIES, compression.compress(packed, 1))

    def add_keyframe(self, state: BoardState, origin: Origin) -> None:
        """Write the machine's state as it is now, after all that was added; LogError as ever."""
        self.flush()
        base = self._last if self._chain < CHAIN else None
        known = None if base is None else base.header
        header, pages = gather(
            state, origin, known, None if base is None else Base(KEYFRAME_BASE, base.identity)
        )
        try:
            packed = pack(header, pages)
        except StateError as error:
            raise LogError(f"log {self.path}: {error}") from None
        start = self._size + HEAD_SIZE
        self._frame(KEYFRAME, packed)
        self._last = SnapshotFile.within(self.path, header, packed, start)
        self._chain = self._chain + 1 if base is not None else 1

    def close(self) -> None:
        """Write what waits, and bring it to the disk; LogError when the host refuses."""
        try:
            self.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise LogError(f"log {self.path}: {_reason(error)}") from None
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Close the file without writing any more."""
        self._file.close()

    def discard(self) -> None:
        """Close the file and remove it: it has no beginning, and would be in the way."""
        self.abandon()
        with suppress(OSError):
            self.path.unlink()

    def _frame(self, kind: bytes, body: bytes) -> None:
        head = _HEAD.pack(kind, len(body))
        self._append(head + check(head, body) + body)

    def _append(self, data: bytes) -> None:
        """Write all or nothing: a frame that was cut would hide those that follow."""
        try:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        except BaseException as error:
            self._take_back()
            if isinstance(error, OSError):
                raise LogError(f"log {self.path}: {_reason(error)}") from None
            raise
        self._size += len(data)

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._file.fileno(), self._size)
            self._file.seek(self._size)
        except OSError:
            # A reader ignores what is left of a frame.
            return


def entry_size(entry: Entry) -> int:
    """Bytes that an entry takes in memory and in a frame, about and at the most."""
    if isinstance(entry, Input | Answer | Sector):
        return ENTRY_SIZE + len(entry.data)
    # Text of any but the simplest characters takes more in memory than it is long.
    if isinstance(entry, Marker):
        return ENTRY_SIZE + getsizeof(entry.text)
    if isinstance(entry, End):
        return ENTRY_SIZE + getsizeof(entry.reason) + getsizeof(entry.message)
    return ENTRY_SIZE


def check(head: bytes, body: bytes | memoryview) -> bytes:
    """What guards a frame."""
    found = blake2b(head, digest_size=CHECK_SIZE)
    found.update(body)
    return found.digest()


def preamble(data: bytes) -> None:
    """LogError unless these bytes begin a log that can be read."""
    if len(data) < _PREAMBLE.size or not data.startswith(MAGIC):
        raise LogError("not a log of kseg")
    version = _PREAMBLE.unpack_from(data)[1]
    if version != VERSION:
        raise LogError(f"the log is version {version}, this kseg reads {VERSION}")


def head(data: bytes) -> tuple[bytes, int] | None:
    """Kind and size of the frame that begins with these bytes; None for no frame's."""
    if len(data) < HEAD_SIZE:
        return None
    kind, size = _HEAD.unpack_from(data)
    return (kind, size) if kind in (ENTRIES, KEYFRAME) else None


def read_entries(body: bytes) -> Sequence[Entry]:
    """The entries of a frame; LogError when there are none in it."""
    try:
        size = compression.content_size(body)
        if not 0 <= size <= MOST_ENTRIES:
            raise LogError("the log has more entries in a frame than any")
        packed = compression.decompress(body, size)
        return msgspec.msgpack.decode(packed, type=list[Entry])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise LogError(f"the log's entries cannot be read: {error}") from None


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


PREAMBLE_SIZE = _PREAMBLE.size
