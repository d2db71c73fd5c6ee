"""What a snapshot says about a machine, beside the pages of its memory and disks: plain data."""

from typing import Annotated

import msgspec

from kseg.machine.board_state import BoardState, Slot, Text
from kseg.machine.event_queue import Count

Number = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]
Moment = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]
"""A time of the host's; its clock may be set to before 1970."""

MOST_PAGES = 1 << 18
"""Pages of memory and disks: a machine has half a gigabyte of RAM at most; the rest is for disks in
memory."""
MOST_SECTORS = 1 << 23
MOST_ITEM = 1 << 16
"""Bytes of a packet, say."""

Numbers = Annotated[list[Number], msgspec.Meta(max_length=MOST_PAGES)]


class PacedInputState(msgspec.Struct, frozen=True):
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
    path: Text
    size: Count
    modified: Moment
    """Modification time in ns since 1970."""
    settled: bool
    """Whether `modified` lay so far back that the next change must show in it."""
    digest: Annotated[bytes, msgspec.Meta(max_length=64)] | None
    """BLAKE2b of the file, 32 bytes; None where the file was too large to be read for that."""


class StoredPages(msgspec.Struct, frozen=True):
    """Where the pages of a region or disk are: `places` are numbers in the snapshot's list."""

    size: Count
    """Bytes of the region or disk."""
    pages: Numbers
    places: Numbers


class StoredDisk(msgspec.Struct, frozen=True):
    """Sectors of a disk that lie in a snapshot: eight to a page, `masks` says which of them."""

    sectors: Annotated[int, msgspec.Meta(ge=0, le=MOST_SECTORS)]
    pages: Numbers
    places: Numbers
    masks: bytes


class StoredBoard(BoardState, kw_only=True):
    """A board's state, its bulk elsewhere."""

    regions: Annotated[  # type: ignore[assignment]
        dict[Text, StoredPages], msgspec.Meta(max_length=256)
    ]
    devices: dict[Slot, msgspec.Raw]
    """As bytes: what they say is read when it is known which device is in the slot."""
    disks: dict[Slot, StoredDisk]


class Origin(msgspec.Struct, frozen=True):
    """Whose state it is and how it was run. Only `windowed`, `quantum` and `paced_input` matter
    to what comes next."""

    kernel: Text
    """The path of the file that was booted."""
    boot_string: bytes
    windowed: bool
    """Whether the kernel is linked for a monitor that runs it in user mode."""
    monitor: Text
    engine: Text
    quantum: Annotated[int, msgspec.Meta(ge=1, le=1 << 32)]
    directory: Text
    """What relative paths in the configuration are relative to."""
    cycle: Count
    """On the engine's clock."""
    time: Count
    """Virtual time in ns."""
    created: Moment
    """Seconds since 1970."""
    kseg: Text
    """The version of kseg that made it."""
    paced_input: PacedInputState = msgspec.field(default=PacedInputState(), name="typist")
    inputs: Annotated[
        dict[Text, list[Annotated[bytes, msgspec.Meta(max_length=MOST_ITEM)]]],
        msgspec.Meta(max_length=64),
    ] = {}
    """Input by channel that was not delivered yet."""
    disk_files: Annotated[list[DiskFile], msgspec.Meta(max_length=32)] = []


class Base(msgspec.Struct, frozen=True):
    """The snapshot that has the pages which this one has not."""

    name: Text
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
