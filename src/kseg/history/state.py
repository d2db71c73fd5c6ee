"""What a snapshot says about a machine, beside the pages of its memory and disks: plain data."""

from typing import Annotated, Any

import msgspec

from kseg.machine.clock import ClockState, Count
from kseg.machine.preemption import Preemption
from kseg.machine.random_generator import RandomState
from kseg.machine.statistics import DeviceActivity

Number = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]


class TypistState(msgspec.Struct, frozen=True):
    """What is still to be typed into the console, and what the guest said to the last character.
    Times in ns."""

    pending: bytes = b""
    typed: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None
    echoed: bool = False
    answered: bool = True
    quiet_since: Count = 0


class DiskFile(msgspec.Struct, frozen=True):
    """A disk image file beside a snapshot, as it was then."""

    slot: Number
    path: str
    size: Count
    modified: int
    """Modification time in ns since 1970."""
    settled: bool
    """Whether `modified` lay so far back that the next change must show in it."""
    digest: bytes | None
    """BLAKE2b of the file, 32 bytes; None where the file was too large to be read for that."""


class StoredPages(msgspec.Struct, frozen=True):
    """Where the pages of a region or disk are: `places` are numbers in the snapshot's list."""

    size: Count
    """Bytes of the region or disk."""
    pages: list[Number]
    places: list[Number]


class StoredDisk(msgspec.Struct, frozen=True):
    """Sectors of a disk that lie in a snapshot: eight to a page, `masks` says which of them."""

    sectors: Count
    pages: list[Number]
    places: list[Number]
    masks: bytes


class StoredBoard(msgspec.Struct, frozen=True):
    """`System161State`, its bulk elsewhere."""

    version: int
    configuration: str
    regions: dict[str, StoredPages]
    processors: list[dict[str, int | list[int]]]
    clock: ClockState
    random: RandomState
    activity: DeviceActivity
    devices: dict[Annotated[int, msgspec.Meta(ge=0, le=31)], Any]
    disks: dict[Annotated[int, msgspec.Meta(ge=0, le=31)], StoredDisk]
    powered_off: bool
    debugger_requested: bool
    doom: int
    preemptions: list[Preemption] = []


class Origin(msgspec.Struct, frozen=True):
    """Whose state it is and how it was run. Only `windowed`, `quantum` and `typist` matter to what
    comes next."""

    kernel: str
    """The path of the file that was booted."""
    boot_string: bytes
    windowed: bool
    """Whether the kernel is linked for a monitor that runs it in user mode."""
    monitor: str
    engine: str
    quantum: Annotated[int, msgspec.Meta(ge=1, le=1 << 32)]
    directory: str
    """What relative paths in the configuration are relative to."""
    cycle: Count
    """On the engine's clock."""
    time: Count
    """Virtual time in ns."""
    created: int
    """Seconds since 1970."""
    kseg: str
    """The version of kseg that made it."""
    typist: TypistState = TypistState()
    inputs: dict[str, list[bytes]] = {}
    """What had come from outside by channel, and was not delivered yet."""
    disk_files: list[DiskFile] = []


class Base(msgspec.Struct, frozen=True):
    """The snapshot that has the pages which this one has not."""

    name: str
    """Its file's name, in the same directory."""
    identity: bytes


class Header(msgspec.Struct, frozen=True):
    """All of a snapshot file but the pages."""

    origin: Origin
    board: StoredBoard
    digests: bytes
    """BLAKE2b of each page that is needed, 32 bytes each, no two the same."""
    stored: Number
    """So many of them, from the first on, are in this file, in this order; the others in `base`."""
    base: Base | None = None
