"""The starting point of an exploration, and what is kept of a failure.

All trials begin at one snapshot, in which disk images are overlays: trials write to none of them,
and many processes can have them open. A failure is kept as a log, which needs nothing else to be
repeated; where its run is not known, because the worker that ran it has died, as a snapshot of the
starting point with the plan in it, some kilobytes beside a base that all of those share.
"""

import shlex
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from kseg import engine as engines
from kseg.api.machine import Machine
from kseg.api.snapshots import SUFFIX, can_be_cut
from kseg.devices.disk import Disk
from kseg.errors import ConfigurationError, LogError, StateError
from kseg.history.files import open_snapshot
from kseg.machine.disk_image import DiskImage
from kseg.machine.preemption import Preemption
from kseg.platform.files import write_file

LOG_SUFFIX = ".log"
DIRECTORY = "kseg-explore"
"""Where failures are kept by default."""


class Start(AbstractContextManager["Start"]):
    """A machine at the starting point, and its snapshot for others."""

    def __init__(self, machine: Machine, engine: str = engines.AUTOMATIC) -> None:
        """Begin where `machine` is, which is then no longer needed. ConfigurationError where it has
        disk images for itself alone, StateError where it cannot be saved."""
        check_disks(machine)
        with ExitStack() as made:
            directory = tempfile.TemporaryDirectory(prefix="kseg-explore-")
            made.enter_context(directory)
            self.snapshot = Path(directory.name) / f"start{SUFFIX}"
            with machine.fork() as clone:
                clone.preemptions = []
                clone.save(self.snapshot)
            # What this process saved itself, it may believe.
            self.machine = made.enter_context(
                Machine.from_snapshot(self.snapshot, engine=engine, trust=True)
            )
            self._made = made.pop_all()
        self._name = machine.kernel.stem
        configuration = self.machine.board.configuration
        files = [drive.file for drive in configuration.drives if drive.file is not None]
        self._lends = bool(files or configuration.shares)
        """Whether there are files of the host's in it."""

    def keep(
        self, seed: int, plan: Sequence[Preemption], directory: Path, record: Callable[[Path], None]
    ) -> Path:
        """Keep the run of a seed in a file in `directory`, so that it can be run again: a log, that
        `record` writes; StateError or LogError when it cannot be written."""
        path = self._place(seed, directory, LOG_SUFFIX)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise LogError(f"{path}: {error.strerror}; nothing was kept") from None
        if can_be_cut(self.machine):
            record(path)
            return path
        return self.keep_plan(seed, plan, directory)

    def keep_plan(self, seed: int, plan: Sequence[Preemption], directory: Path) -> Path:
        """Keep the starting point with the plan of a seed, where how the run goes is not known, or
        cannot be recorded."""
        path = self._place(seed, directory, SUFFIX)
        base = self._base(directory)
        with self.machine.fork() as clone:
            clone.preemptions = list(plan)
            clone.save(path, base=base)
        return path

    def _place(self, seed: int, directory: Path, suffix: str) -> Path:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"{directory}: {error.strerror}; nothing was kept") from None
        return directory / f"{self._name}-{seed}{suffix}"

    def _base(self, directory: Path) -> Path:
        """The starting point's snapshot there. Its name says which it is: others may lie there."""
        identity = open_snapshot(self.snapshot).identity.hex()[:8]
        base = directory / f"{self._name}-start-{identity}{SUFFIX}"
        try:
            if not base.exists():
                write_file(base, self.snapshot.read_bytes())
        except OSError as error:
            raise StateError(f"{directory}: {error.strerror}; nothing was kept") from None
        return base

    def replay(self, path: Path) -> str:
        """The command that runs what was kept again."""
        if path.suffix == LOG_SUFFIX:
            return shlex.join(["kseg", "replay", str(path)])
        trust = ["--trust"] if self._lends else []
        return shlex.join(
            ["kseg", "run", "--pace", "fast", "--input", "/dev/null", *trust, "--from", str(path)]
        )

    def close(self) -> None:
        self._made.close()

    def __exit__(self, *_error: object) -> None:
        self.close()


def check_disks(machine: Machine) -> None:
    """Raise ConfigurationError where other processes could not open the machine's disks."""
    for card in machine.board.cards:
        if isinstance(card, Disk) and isinstance(card.contents, DiskImage):
            raise ConfigurationError(
                f"disk image {card.options.file}: the machine has it for itself; give the disk the"
                " argument overlay (or Machine(overlay=True)), so that many can read it"
            )
