"""Logs to be read: written, taken apart, and put together again with something wrong in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from kseg import Machine
from kseg.api.recording import Recording
from kseg.api.replay import Replay
from kseg.devices.disk import DiskState
from kseg.history import log
from kseg.history.recorder import Intervals
from kseg.monitor.stop import Stop
from tests.history.machines import busy, everything

OFTEN = Intervals(shortest=100_000, longest=100_000, whole=0, keyframe=0)
"""A keyframe at each check."""
DIGESTS = Intervals(shortest=20_000, longest=20_000, whole=0)

Frame = tuple[bytes, Any]
"""Kind; and entries as plain data, or a keyframe's bytes."""


@contextmanager
def recorded(path: Path, intervals: Intervals = DIGESTS, **options: Any) -> Iterator[Machine]:
    """cms with a script being typed into it, recorded from its first cycle on."""
    with busy(0, **options) as machine:
        recording = Recording(machine, path, intervals)
        yield machine
        recording.finish()


def frames(path: Path) -> list[Frame]:
    """What is in a sound log."""
    data = path.read_bytes()
    place, found = log.PREAMBLE_SIZE, list[Frame]()
    while place < len(data):
        head = log.head(data[place:])
        assert head is not None
        kind, size = head
        place += log.HEAD_SIZE
        body = data[place : place + size]
        place += size
        if kind == log.ENTRIES:
            found.append((kind, msgspec.msgpack.decode(zstandard.decompress(body))))
        else:
            found.append((kind, body))
    return found


def frame(kind: bytes, body: bytes) -> bytes:
    """A frame with this in it, whatever it is, and the right check."""
    head = kind + bytes(7) + len(body).to_bytes(8, "little")
    return head + log.check(head, body) + body


def entries(found: Any) -> bytes:
    return frame(log.ENTRIES, zstandard.compress(msgspec.msgpack.encode(found)))


def together(found: list[Frame]) -> bytes:
    """A log with these frames."""
    parts = [log.MAGIC + log.VERSION.to_bytes(4, "little") + bytes(4)]
    parts += [entries(body) if kind == log.ENTRIES else frame(kind, body) for kind, body in found]
    return b"".join(parts)


def replayed(path: Path, **options: Any) -> tuple[Stop, dict[str, Any], str]:
    """How a replay ends, in which state, and what it printed."""
    with Replay(path, **options) as replay:
        stop = replay.machine.run()
        return stop, board(replay.machine), replay.machine.console.output


def board(machine: Machine) -> dict[str, Any]:
    """What must be the same in a machine that repeats a run. Where the one has an image file, the
    other has sectors in memory."""
    found = everything(machine)
    state = found["state"]
    devices = {
        slot: msgspec.structs.replace(device, contents=None)
        if isinstance(device, DiskState)
        else device
        for slot, device in state.devices.items()
    }
    return {
        "state": msgspec.structs.replace(state, devices=devices),
        "cycles": found["cycles"],
    }
