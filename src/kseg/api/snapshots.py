"""Machines into snapshot files, and out of them."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kseg import checks
from kseg.api.assembly import Setup, Source
from kseg.api.options import Execution, Running, group
from kseg.api.snapshot_files import check_trusted
from kseg.boards import board_named
from kseg.devices.disk import Disk
from kseg.errors import StateError
from kseg.history.disks import check_disk_files, disk_files
from kseg.history.files import SnapshotFile, naming, open_snapshot, write_file
from kseg.history.snapshot import pack_snapshot, unpack_snapshot
from kseg.history.state import Origin, PacedInputState
from kseg.machine.configuration import BoardOptions, Configuration
from kseg.machine.disk_image import MemoryDisk
from kseg.machine.elf import WINDOW
from kseg.machine.recorded_image import RecordedImage
from kseg.version import __version__

if TYPE_CHECKING:
    from kseg.api.assembly import Assembly
    from kseg.api.virtual_machine import VirtualMachine

SUFFIX = ".kseg"
"""How the names of snapshots end, where the user gives none."""


def is_whole(machine: "VirtualMachine") -> bool:
    """Whether the machine stands between two cycles: not where a breakpoint or a fatal act has
    stopped one of several processors before the others."""
    return len({processor.clock for processor in machine.board.processors}) == 1


def can_be_cut(machine: "VirtualMachine") -> bool:
    """Whether the machine does the same wherever its run is cut into pieces: not where several
    processors have turns of more than one cycle, which begin anew at a cut."""
    return machine.setup.execution.quantum == 1 or len(machine.board.processors) == 1


def check_savable(machine: "VirtualMachine") -> None:
    """Raise StateError in the middle of a cycle."""
    if not is_whole(machine):
        raise StateError("the processors stand in different cycles; run for a cycle before saving")


def save_machine(machine: "VirtualMachine", path: str | Path, base: str | Path | None) -> None:
    """Write a snapshot; see `Machine.save`."""
    below = None if base is None else _base(path, base)
    with naming(path):
        check_savable(machine)
        _check_disks_are_known(machine)
        pieces = pack_snapshot(machine.board.save(), origin_of(machine), below)
    write_file(path, pieces)


def _check_disks_are_known(machine: "VirtualMachine") -> None:
    """Raise StateError for a machine that repeats a run with disk images: of those it knows what
    that run has read."""
    for card in machine.board.cards:
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


def origin_of(machine: "VirtualMachine", *, alone: bool = False) -> Origin:
    """What a snapshot says of a machine beside its board's state; `alone`: but for what is outside
    of the machine, which a log brings in when it came in."""
    board, setup = machine.board, machine.setup
    return Origin(
        kernel=_printable(setup.kernel.absolute()),
        boot_string=board.boot_string,
        windowed=setup.window is not None,
        monitor=setup.execution.monitor,
        engine=machine.engine.statistics.name,
        quantum=setup.execution.quantum,
        directory=_printable(Path(setup.configuration.directory).absolute()),
        cycle=machine.cycles,
        time=board.clock.now,
        created=int(time.time()),
        kseg=__version__,
        paced_input=PacedInputState() if alone else machine.paced_input.save(),
        inputs={} if alone else board.input_port.queued(),
        disk_files=[] if alone else disk_files(board),
    )


def _printable(path: Path) -> str:
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def load_machine(machine: "VirtualMachine", path: str | Path) -> None:
    """Let a machine go on from a snapshot; see `Machine.load`."""
    file = open_snapshot(path)
    with naming(path):
        if file.header.origin.windowed != (machine.setup.window is not None):
            raise StateError("its kernel is linked elsewhere than this machine's")
    _load(machine, file)
    machine.monitor.state_loaded()


def _load(made: "Assembly | VirtualMachine", file: SnapshotFile) -> None:
    board, origin = made.board, file.header.origin
    state = unpack_snapshot(file, board)
    with naming(file.path):
        check_disk_files(board, origin.disk_files)
        board.load(state)
    board.input_port.load({name: _items(name, items) for name, items in origin.inputs.items()})
    board.hang_up()
    made.paced_input.load(origin.paced_input)


def _items(channel: str, items: list[bytes]) -> list[bytes]:
    """What waits on a channel: of the console, a byte at a time."""
    return [bytes([byte]) for byte in b"".join(items)] if channel == "console" else items


class Restored:
    """A snapshot about to be gone on from."""

    def __init__(self, path: str | Path, options: Mapping[str, Any]) -> None:
        """`options` are `RestoreOptions`; StateError, and what a machine raises that is put
        together."""
        self._file = open_snapshot(path)
        self._trusted = checks.flag("trust", options.get("trust", False))
        origin = self._file.header.origin
        self.setup = setup_of(origin, self._configuration(options), options)

    def source(self) -> Source:
        """Where a machine begins that goes on from it."""
        return Source(lambda made: _load(made, self._file), epoch=0, network=self._trusted)

    def _configuration(self, options: Mapping[str, Any]) -> Configuration:
        """The machine's, with nothing of the host's in it that the user has not named."""
        file = self._file
        wanted = group(BoardOptions, options)
        kind = board_named(file.header.board.board)
        saved = kind.read_configuration(file.header.board.configuration, f"snapshot {file.path}")
        with naming(file.path):
            _check_named(file, saved, wanted, trusted=self._trusted)
        return kind.configure(saved.in_directory(file.header.origin.directory), wanted)


def setup_of(origin: Origin, configuration: Configuration, options: Mapping[str, Any]) -> Setup:
    """How the machine is put together whose state was saved. `options` are `EngineOptions` and
    `RunningOptions`; ConfigurationError for those that make no sense."""
    return Setup(
        Path(origin.kernel),
        configuration,
        group(Execution, options, monitor=origin.monitor, quantum=origin.quantum),
        group(Running, options),
        WINDOW if origin.windowed else None,
    )


def _check_named(
    file: SnapshotFile, saved: Configuration, wanted: BoardOptions, *, trusted: bool
) -> None:
    disks, share = wanted.disks, wanted.share
    if len(disks) > len(saved.drives):
        raise StateError(f"{len(disks)} disk images for a machine with {len(saved.drives)} drives")
    if share is not None and not saved.shares:
        raise StateError("the machine has no emufs to share a directory with")
    if trusted:
        check_trusted(file, saved, len(disks), shares=share is not None)
        return
    for drive in saved.drives[len(disks) :]:
        if drive.file is not None:
            raise StateError(
                f"its machine has the disk image {drive.file}: give it again (--disk), or allow"
                " what the snapshot names (--trust)"
            )
    for shared in saved.shares if share is None else ():
        raise StateError(
            f"its machine shares a directory ({shared.text}): give it again (--share), or allow"
            " what the snapshot names (--trust)"
        )
