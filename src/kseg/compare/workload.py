"""What is run: a guest, its machine and its input, the same and afresh for every run.

A run may write to its disks and to the directory that it shares. So disks are opened as overlays,
where what is written stays in memory, and each run gets its own copy of the directory. What differs
from run to run otherwise, the calendar time and a seed, is settled once.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kseg.api.boards import configure
from kseg.api.guests import find_guest
from kseg.api.machine import Machine
from kseg.boards import board_named
from kseg.compare.ways import Way
from kseg.errors import ConfigurationError, EngineError, KsegError
from kseg.machine.board import host_seconds
from kseg.machine.elf import WINDOW, read_image

TWINS = {"cms-kuseg": "cms"}
"""Bundled guests that need a monitor, and the same system for the bare machine."""

MOST_SHARED = 1 << 30
"""Bytes of a shared directory: every run gets a copy."""


class NotApplicable(Exception):
    """The guest cannot be run in a way; the text says why, in one line."""


@dataclass(frozen=True)
class Options:
    """What the user wants to be run, in the terms of `kseg.Machine`."""

    kernel: str
    arguments: str = ""
    config: str | None = None
    cpus: int | None = None
    ram: str | None = None
    disks: Sequence[str] = ()
    share: str | None = None
    seed: int | str | None = None
    epoch: int | None = None
    input: bytes = b""


class Workload:
    """A guest to be run again and again."""

    def __init__(self, options: Options) -> None:
        """KsegError (ImageError, ConfigurationError) where it could not be run in any way."""
        self.options = options
        guest = find_guest(options.kernel)
        configuration = configure(
            options.config,
            cpus=options.cpus,
            ram=options.ram,
            disks=options.disks,
            share=options.share,
            seed=options.seed,
            overlay=True,
        )
        kind = board_named(configuration.board)
        self._in_window = read_image(guest.path, kind.byte_order).in_window
        self._seed = options.seed
        if configuration.autoseeded:
            # Nothing in it changes from run to run.
            self._seed = seed = int.from_bytes(os.urandom(4), "big")
            configuration = configuration.with_seed(seed)
        self._shared: Path | None = None
        for share in configuration.shares:
            self._shared = Path(configuration.directory, share.directory)
        self._epoch = host_seconds() if options.epoch is None else options.epoch
        # A bundled guest gets its disk from Machine, where nothing is said about disks.
        described = options.config is not None or options.disks
        self._configuration = configuration if described else None

    def kernel_for(self, way: Way) -> str:
        """What is booted in a way: the user's kernel, or its twin for the bare machine."""
        kernel = self.options.kernel
        return TWINS.get(kernel, kernel) if way.is_bare else kernel

    @contextmanager
    def machine(self, way: Way, output: Callable[[bytes], None]) -> Iterator[Machine]:
        """The guest, about to execute its first instruction. NotApplicable where the way cannot
        have it; KsegError for what is wrong in every way."""
        kernel, options = self.kernel_for(way), self.options
        if way.is_bare and self._in_window and kernel == options.kernel:
            raise NotApplicable(f"the kernel is linked at {WINDOW:#010x}, which needs a monitor")
        with self._shared_copy() as share:
            try:
                machine = Machine(
                    kernel,
                    options.arguments,
                    config=self._configuration,
                    cpus=None if self._configuration else options.cpus,
                    ram=None if self._configuration else options.ram,
                    share=share,
                    seed=None if self._configuration else self._seed,
                    epoch=self._epoch,
                    input=options.input,
                    network=False,
                    output=output,
                    **way.keywords,
                )
            except (ConfigurationError, EngineError, ValueError) as error:
                raise NotApplicable(str(error)) from None
            with machine:
                yield machine

    @contextmanager
    def _shared_copy(self) -> Iterator[Path | None]:
        if self._shared is None:
            yield None
            return
        with tempfile.TemporaryDirectory(prefix="kseg-compare-") as directory:
            copy = Path(directory, "shared")
            try:
                _check_size(self._shared)
                shutil.copytree(self._shared, copy, symlinks=True, ignore=_special_files)
            except (OSError, shutil.Error) as error:
                raise KsegError(
                    f"cannot copy the shared directory {self._shared}: {error}"
                ) from None
            yield copy


def _check_size(directory: Path) -> None:
    size = sum(path.lstat().st_size for path in directory.rglob("*"))
    if size > MOST_SHARED:
        raise KsegError(
            f"the shared directory {directory} has more than {MOST_SHARED >> 30}G, and every run"
            " needs a copy; share a smaller one"
        )


def _special_files(directory: str, names: list[str]) -> set[str]:
    """What cannot be copied: sockets (System/161 makes some), named pipes and the like."""
    return {name for name in names if not _is_plain(Path(directory, name))}


def _is_plain(path: Path) -> bool:
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)
