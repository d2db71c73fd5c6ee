"""The fixed disk: one operation at a time on 512-byte sectors, with the delays of a real one.

System/161 manual, "Fixed disk".
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec

from kseg.devices.device import BUFFER, Buffer, Device, Register
from kseg.devices.disk_geometry import TRACKS, Geometry, geometry, put_moment
from kseg.devices.hex_dump import hex_dump
from kseg.engine.codegen.typed import by_python, u32
from kseg.errors import DiskImageError, GuestFatal, StateError
from kseg.machine import disk_image
from kseg.machine.arguments import Argument, Arguments
from kseg.machine.disk_image import SECTOR_SIZE, DiskContents, DiskImage, MemoryDisk
from kseg.machine.event_queue import Word

BUSY = 1
WRITE = 2
DONE = 4
BAD_SECTOR = 8
MEDIA_ERROR = 16

IDLE, READ, START_WRITE = 0, BUSY, BUSY | WRITE
"""What may be written to the status register."""

_STARTS = {IDLE: "idle", READ: "read starts", START_WRITE: "write starts"}

BUFFER_COPY = 500
"""ns between platter and buffer."""
MOST_TRIES = 10
MOST_RPM = 60_000_000
"""A revolution must take some time."""

# How far an operation has come; the same numbers for reads and writes.
NOTHING, STARTED, COPIED_IN, ROTATED, COPIED_OUT = -1, 0, 1, 2, 3


def check_size(sectors: int, what: str = "") -> None:
    """Raise DiskImageError, which begins with `what`, for a disk that no drive takes: a platter has
    320 tracks, and each needs two sectors."""
    try:
        geometry(sectors, 3600)
    except ValueError as error:
        raise DiskImageError(
            f"{what}no drive takes a disk of {sectors} sectors ({error}); make it 4M or more"
        ) from None


class DiskOptions(msgspec.Struct, frozen=True):
    """`file` None: the disk lives in memory; `overlay`: what is written stays in memory."""

    file: str | None
    rpm: int
    sectors: int
    paranoid: bool
    doom: bool
    overlay: bool


class DiskState(msgspec.Struct):
    status: Word = IDLE
    sector: Word = 0
    track: Word = 0
    arrival: tuple[Word, Word] = (0, 0)
    """When the heads came there: seconds and nanoseconds of the calendar."""
    progress: Annotated[int, msgspec.Meta(ge=NOTHING, le=COPIED_OUT)] = NOTHING
    event_pending: bool = False
    tries: Annotated[int, msgspec.Meta(ge=0, le=MOST_TRIES)] = 0
    contents: DiskContents = DiskContents(0, {})
    """Of what is saved: what the drive holds."""


class Disk(Device):
    """A disk drive and the image it holds."""

    name = "disk"
    identity = 3
    revision = 2
    Options = DiskOptions
    Facts = Geometry
    facts: Geometry
    State = DiskState
    state: DiskState
    events: ClassVar[Mapping[str, range]] = {
        "seek": range(TRACKS),
        "progress": range(NOTHING, COPIED_OUT + 1),
    }
    registers = (
        Register(0x0, "sectors", "how many sectors the disk has", access="r", steady=True),
        Register(
            0x4,
            "status",
            "writing 1 starts a read, 3 a write, 0 takes note of the end or gives up, and lowers"
            " the interrupt; anything else is fatal. Reads: bit 0 busy, bit 1 write, bit 2 done"
            " (and interrupting), bit 3 no such sector, bit 4 the medium failed",
            steady=True,
        ),
        Register(0x8, "sector", "the sector that the next operation is for", steady=True),
        Register(0xC, "rpm", "revolutions per minute", access="r", steady=True),
    )
    buffers = (Buffer(BUFFER, SECTOR_SIZE, "the sector read, or to write"),)
    arguments = (
        Argument("file", "text", "the disk image; needed unless the disk is in memory"),
        Argument("rpm", "decimal", "revolutions per minute, a multiple of 60", 3600),
        Argument(
            "sectors",
            "decimal",
            "size in sectors, for an image that has to be created",
            0,
            0,
            1 << 23,
        ),
        Argument("size", "size", "the same in bytes, a multiple of 512"),
        Argument(
            "paranoid", "flag", "what is written is on the host's disk before the guest goes on"
        ),
        Argument("doom", "flag", "writes to it count for the doom counter, which is the default"),
        Argument("nodoom", "flag", "writes to it do not count"),
        Argument("memory", "flag", "no image: the disk lives in memory (kseg only)"),
        Argument("overlay", "flag", "what is written stays in memory (kseg only)"),
    )

    @classmethod
    def parse_arguments(cls, arguments: Arguments) -> DiskOptions:
        given = arguments.read(cls.arguments)
        rpm, sectors, size = given["rpm"], given["sectors"], given["size"]
        if not 60 <= rpm <= MOST_RPM or rpm % 60:
            raise arguments.error(f"rpm={rpm}: expected a positive multiple of 60 up to {MOST_RPM}")
        if size is not None:
            if size % SECTOR_SIZE:
                raise arguments.error(f"size: not a multiple of {SECTOR_SIZE} bytes")
            sectors = size // SECTOR_SIZE
        memory, file = given["memory"], given["file"]
        if not file and not memory:
            raise arguments.error("file= is missing; name the disk image")
        if memory and not sectors:
            raise arguments.error("size= is missing; a disk in memory needs it")
        return DiskOptions(
            file=None if memory else file,
            rpm=rpm,
            sectors=sectors,
            paranoid=given["paranoid"],
            doom=not given["nodoom"],
            overlay=given["overlay"],
        )

    def plug_in(self) -> None:
        options: DiskOptions = self.options
        inserted = self.context.disks.get(self.slot)
        self._disk = self._open(options) if inserted is None else inserted
        try:
            check_size(self._disk.sectors, f"slot {self.slot}: {options.file or 'in memory'}: ")
        except DiskImageError:
            self._disk.close()
            raise
        self.facts = geometry(self._disk.sectors, options.rpm)
        self._buffer = self.add_buffer(*self.buffers)

    def _open(self, options: DiskOptions) -> disk_image.Disk:
        if options.file is None:
            return MemoryDisk(options.sectors)
        path = self.context.directory / options.file
        if options.sectors and not Path(path).exists():
            if options.overlay:
                return MemoryDisk(options.sectors)
            check_size(options.sectors, f"disk image {path}: ")
            disk_image.create(path, options.sectors * SECTOR_SIZE)
        image = DiskImage(path, paranoid=options.paranoid, writable=not options.overlay)
        if image.oversized:
            self.message(f"disk: slot {self.slot}: {options.file}: too large; using first 4G")
        if options.sectors not in (0, image.sectors):
            self.message(
                f"disk: slot {self.slot}: {options.file}: configured with {options.sectors}"
                f" sectors; using the image's {image.sectors}"
            )
        return MemoryDisk(base=image) if options.overlay else image

    @property
    def contents(self) -> disk_image.Disk:
        """What the drive holds, for the machine's user: before it runs, say."""
        return self._disk

    def insert(self, disk: disk_image.Disk) -> None:
        """Put another disk of the same size into the drive, before the machine runs; ValueError
        for another size."""
        if disk.sectors != self._disk.sectors:
            raise ValueError(f"a disk of {disk.sectors} sectors for {self._disk.sectors}")
        self._disk.close()
        self._disk = disk

    def reset(self) -> None:
        super().reset()
        self._arrive()

    def _arrive(self) -> None:
        """The heads come to a track."""
        put_moment(self.state.arrival, self.clock.seconds, self.clock.nanoseconds)

    def read_sectors(self) -> u32:
        return self.facts.sectors

    def read_rpm(self) -> u32:
        return u32(self.options.rpm)

    def write_status(self, value: u32) -> None:
        """Acknowledge or abort (0), read (1) or write (3)."""
        if value not in (IDLE, READ, START_WRITE):
            raise GuestFatal(f"disk: Invalid write {value} to status register")
        self.trace(_STARTS[value])
        if value == START_WRITE and self.options.doom:
            self.tick_doom()
        self.state.progress = NOTHING if value == IDLE else STARTED
        self.state.status = value
        self._update()

    def on_seek(self, argument: int) -> None:
        self.state.track = argument
        self._arrive()
        self._go_on()

    def on_progress(self, argument: int) -> None:
        # An operation started after an abort goes on from here: so does System/161's.
        self.state.progress = argument
        self._go_on()

    def _go_on(self) -> None:
        self.state.event_pending = False
        self._update()

    def _update(self) -> None:
        self._work()
        self.interrupt = bool(self.state.status & DONE)

    def _work(self) -> None:
        """Go on with an operation as far as the next delay."""
        state, facts = self.state, self.facts
        if state.event_pending or not state.status & BUSY:
            return
        if state.sector >= facts.sectors:
            self.trace("Invalid sector")
            self._finish(BAD_SECTOR)
            return
        state.tries += 1
        if state.tries > MOST_TRIES:
            # The platter has been missed again and again (a guest that sets the calendar clock
            # can do that): take the sector anyway.
            state.track = 0
            self._arrive()
            state.progress = NOTHING
            self._transfer()
            return
        track = facts.track_of(state.sector)
        index = facts.index_of(state.sector, track)
        writing = state.status & WRITE
        if track != state.track:
            here = state.track
            crossed = track - here if track > here else here - track
            delay = facts.seek_times[u32(crossed) % TRACKS]
            self.trace("seeking to track {}: {} ns", track, delay)
            state.event_pending = True
            self.schedule(delay, "seek", track)
            return
        if writing and state.progress < COPIED_IN:
            self._wait(BUFFER_COPY, COPIED_IN)
            return
        if state.progress < ROTATED:
            seconds, nanoseconds = self.clock.seconds, self.clock.nanoseconds
            rotation: u32 = 0
            if writing:
                rotation = facts.write_delay(track, index, nanoseconds)
            else:
                rotation = facts.read_delay(track, index, state.arrival, seconds, nanoseconds)
            self.trace("rotdelay {} ns", rotation)
            if rotation:
                self._wait(rotation, ROTATED)
                return
            state.progress = ROTATED
        if not writing and state.progress < COPIED_OUT:
            self._wait(BUFFER_COPY, COPIED_OUT)
            return
        self._transfer()

    def _wait(self, delay: u32, progress: u32) -> None:
        """Have come so far after a delay."""
        self.state.event_pending = True
        self.schedule(delay, "progress", progress)

    @by_python
    def _transfer(self) -> None:
        base = self._buffer.base
        self.trace(
            "{} sector {}", "write" if self.state.status & WRITE else "read", self.state.sector
        )
        try:
            if self.state.status & WRITE:
                self.activity.disk_writes += 1
                self._disk.write(self.state.sector, self.memory.read(base, SECTOR_SIZE))
            else:
                self.activity.disk_reads += 1
                self.memory.write(base, self._disk.read(self.state.sector))
        except OSError as error:
            self.message(f"disk: slot {self.slot}: sector {self.state.sector}: {error.strerror}")
            self.trace("media error")
            self._finish(MEDIA_ERROR)
        else:
            self._finish(0)

    def _finish(self, result: u32) -> None:
        self.state.status = self.state.status & ~BUSY | DONE | result
        self.state.tries = 0

    def save(self) -> DiskState:
        saved: DiskState = msgspec.structs.replace(super().save(), contents=self._disk.save())
        return saved

    def check_event(self, name: str, argument: int) -> None:
        super().check_event(name, argument)
        if name == "seek" and argument >= len(self.facts.track_lengths):
            raise StateError(f"{self.owner}: saved while it seeks track {argument}")

    def load(self, state: Any) -> None:
        self.check_state(state)
        if not 0 <= state.track < len(self.facts.track_lengths):
            raise StateError(f"{self.owner}: saved with heads on track {state.track}")
        if state.contents.written and isinstance(self._disk, DiskImage):
            raise StateError(
                f"{self.owner}: the saved machine kept in memory what it wrote; give the disk the"
                " argument overlay, and its image stays as it is"
            )
        self._disk.load(state.contents)
        super().load(msgspec.structs.replace(state, contents=DiskContents(0, {})))

    def describe(self) -> list[str]:
        tracks = len(self.facts.track_lengths)
        seconds, nanoseconds = self.state.arrival
        activity = "event in progress" if self.state.event_pending else "idle"
        return [
            f"System/161 disk rev {self.revision}",
            f"    Paranoid flag: {'ON' if self.options.paranoid else 'off'}",
            f"    Tracks: {tracks}  Total sectors: {self._disk.sectors}  RPM: {self.options.rpm}",
            f"    Current track: {self.state.track}  [arrived: {seconds}.{nanoseconds:09d}]",
            f"    Status: try {self.state.tries}, code {self.state.progress}, {activity}",
            f"    Registers: status 0x{self.state.status:08x}  sector 0x{self.state.sector:08x}",
            "    Transfer buffer:",
            *hex_dump(self._buffer.data),
        ]

    def close(self) -> None:
        self._disk.close()
