"""Machines into snapshot files, and out of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kseg import engine as engines
from kseg import monitor as monitors
from kseg.api.boards import configure
from kseg.api.options import choice
from kseg.api.setup import Setup
from kseg.api.snapshot_files import check_trusted
from kseg.boards.system161.configuration import (
    Configuration,
    SlotConfiguration,
    parse_configuration,
)
from kseg.devices.disk import Disk
from kseg.errors import StateError
from kseg.history.disks import check_disk_files, disk_files
from kseg.history.files import SnapshotFile, naming, open_snapshot, write_file
from kseg.history.snapshot import pack_snapshot, unpack_snapshot
from kseg.history.state import Origin, PacedInputState
from kseg.machine.disk_image import MemoryDisk
from kseg.machine.elf import WINDOW
from kseg.machine.recorded_image import RecordedImage
from kseg.version import __version__

if TYPE_CHECKING:
    from kseg.api.machine import Machine

SUFFIX = ".kseg"
"""How the names of snapshots end, where the user gives none."""


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of `Machine.from_snapshot`."""

    engine: str = engines.AUTOMATIC
    monitor: str = monitors.BARE
    same_monitor: bool = True
    """Whether it is to be the saved machine's instead."""
    rewriting: bool = True
    disks: Sequence[str | Path] = ()
    share: Path | None = None
    trust: bool = False
    pace: str = "fast"
    progress_timeout: int = 0
    stop_for_debugger: bool = False
    overlay: bool = False


def is_whole(machine: "Machine") -> bool:
    """Whether the machine stands between two cycles: not where a breakpoint or a fatal act has
    stopped one of several processors before the others."""
    return len({processor.clock for processor in machine.board.processors}) == 1


def can_be_cut(machine: "Machine") -> bool:
    """Whether the machine does the same wherever its run is cut into pieces: not where several
    processors have turns of more than one cycle, which begin anew at a cut."""
    return machine._setup.quantum == 1 or len(machine.board.processors) == 1


def check_savable(machine: "Machine") -> None:
    """Raise StateError in the middle of a cycle."""
    if not is_whole(machine):
        raise StateError("the processors stand in different cycles; run for a cycle before saving")


def save_machine(machine: "Machine", path: str | Path, base: str | Path | None) -> None:
    """Write a snapshot; see `Machine.save`."""
    below = None if base is None else _base(path, base)
    with naming(path):
        check_savable(machine)
        _check_disks_are_known(machine)
        data, _ = pack_snapshot(machine.board.save(), origin_of(machine), below)
    write_file(path, data)


def _check_disks_are_known(machine: "Machine") -> None:
    """Raise StateError for a machine that repeats a run with disk images: of those it knows what
    that run has read."""
    for card in machine.board.bus.cards:
        contents = card.contents if isinstance(card, Disk) else None
        if isinstance(contents, MemoryDisk) and isinstance(contents.base, RecordedImage):
            raise StateError(
                f"the disk in slot {card.slot} is known as far as the recorded run has read it,"
                " which is too little for a snapshot"
            )


def _base(path: str | Path, base: str | Path) -> SnapshotFile:
    if Path(path).absolute().parent.resolve() != Path(base).absolute().parent.resolve():
        raise StateError(f"snapshot {path}: its base {base} must be in the same directory")
    try:
        same = Path(path).exists() and Path(path).samefile(base)
    except OSError as error:
        raise StateError(f"snapshot {base}: {error.strerror}") from None
    if same:
        raise StateError(f"snapshot {path}: cannot be its own base; give another name")
    return open_snapshot(base)


def origin_of(machine: "Machine", *, alone: bool = False) -> Origin:
    """What a snapshot says of a machine beside its board's state; `alone`: but for what is outside
    of the machine, which a log brings in when it came in."""
    board, setup = machine.board, machine._setup
    return Origin(
        kernel=_printable(setup.kernel.absolute()),
        boot_string=board.boot_string,
        windowed=setup.window is not None,
        monitor=setup.monitor,
        engine=machine.engine.statistics.name,
        quantum=setup.quantum,
        directory=_printable(Path(setup.configuration.directory).absolute()),
        cycle=machine.cycles,
        time=board.clock.now,
        created=int(time.time()),
        kseg=__version__,
        paced_input=PacedInputState() if alone else machine._paced_input.save(),
        inputs={} if alone else board.input_port.queued(),
        disk_files=[] if alone else disk_files(board),
    )


def _printable(path: Path) -> str:
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def load_machine(machine: "Machine", path: str | Path) -> None:
    """Let a machine go on from a snapshot; see `Machine.load`."""
    file = open_snapshot(path)
    with naming(path):
        if file.header.origin.windowed != (machine._setup.window is not None):
            raise StateError("its kernel is linked elsewhere than this machine's")
    _load(machine, file)
    machine.monitor.state_loaded()


def _load(machine: "Machine", file: SnapshotFile) -> None:
    board, origin = machine.board, file.header.origin
    state = unpack_snapshot(file, board)
    with naming(file.path):
        check_disk_files(board, origin.disk_files)
        board.load(state)
    board.input_port.load({name: _items(name, items) for name, items in origin.inputs.items()})
    board.meter.hang_up()
    machine._paced_input.load(origin.paced_input)


def _items(channel: str, items: list[bytes]) -> list[bytes]:
    """What waits on a channel: of the console, a byte at a time."""
    return [bytes([byte]) for byte in b"".join(items)] if channel == "console" else items


def restored_machine(
    kind: "type[Machine]",
    path: str | Path,
    options: Options,
    output: Callable[[bytes], None] | None,
    message: Callable[[str], None] | None,
) -> "Machine":
    """A new machine from a snapshot; see `Machine.from_snapshot`."""
    file = open_snapshot(path)
    setup = setup_of(
        file.header.origin,
        _configuration(file, options),
        options.engine,
        None if options.same_monitor else options.monitor,
    )
    setup = msgspec.structs.replace(
        setup,
        rewriting=options.rewriting,
        pace=options.pace,
        progress_timeout=options.progress_timeout,
        stop_for_debugger=options.stop_for_debugger,
    )
    machine = kind.__new__(kind)
    machine._assemble(setup, lambda: _load(machine, file), output, message, epoch=0)
    if options.trust:
        machine._connect_network()
    return machine


def setup_of(
    origin: Origin, configuration: Configuration, engine: str, monitor: str | None
) -> Setup:
    """How the machine is put together whose state was saved; ConfigurationError for an engine or a
    monitor that does not exist. `monitor` None is the saved machine's."""
    monitor = origin.monitor if monitor is None else monitor
    return Setup(
        kernel=Path(origin.kernel),
        configuration=configuration,
        monitor=choice("monitor", monitor, monitors.CHOICES),
        engine=choice("engine", engine, engines.CHOICES),
        quantum=origin.quantum,
        window=WINDOW if origin.windowed else None,
    )


def _configuration(file: SnapshotFile, options: Options) -> Configuration:
    """The machine's, with nothing of the host's in it that the user has not named."""
    source = f"snapshot {file.path}"
    saved = parse_configuration(file.header.board.configuration, source)
    disks = list(options.disks)
    with naming(file.path):
        _check_named(file, saved, disks, options)
    given = Configuration(saved.slots, file.header.origin.directory)
    return configure(given, disks=disks, share=options.share, overlay=options.overlay)


def _check_named(
    file: SnapshotFile, saved: Configuration, disks: Sequence[str | Path], options: Options
) -> None:
    drives = sorted((s for s in saved.slots if s.device == "disk"), key=lambda slot: slot.slot)
    if len(disks) > len(drives):
        raise StateError(f"{len(disks)} disk images for a machine with {len(drives)} drives")
    if options.share is not None and not any(slot.device == "emufs" for slot in saved.slots):
        raise StateError("the machine has no emufs to share a directory with")
    if options.trust:
        check_trusted(file, saved.slots, len(disks), shares=options.share is not None)
        return
    for slot in drives[len(disks) :]:
        image = Disk.parse_arguments(slot.read_arguments()).file
        if image is not None:
            raise StateError(
                f"its machine has the disk image {image}: give it again (--disk), or allow"
                " what the snapshot names (--trust)"
            )
    for slot in saved.slots:
        if slot.device == "emufs" and options.share is None:
            raise StateError(
                f"its machine shares a directory ({_words(slot)}): give it again (--share), or"
                " allow what the snapshot names (--trust)"
            )


def _words(slot: SlotConfiguration) -> str:
    return " ".join(slot.arguments) or "dir=."
