"""What is run: a guest, its machine and its input, the same and afresh for every run.

A run may write to its disks and to the directory that it shares. So disks are opened as overlays,
where what is written stays in memory, and each run gets its own copy of the directory. What differs
from run to run otherwise, the calendar time and a seed, is settled once.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Unpack

from kseg.api.booting import Boot
from kseg.api.machine import Machine
from kseg.api.options import MachineOptions
from kseg.compare.ways import Way
from kseg.errors import ConfigurationError, EngineError, KsegError
from kseg.machine.board import host_seconds
from kseg.machine.elf import WINDOW

TWINS = {"cms-kuseg": "cms"}
"""Bundled guests that need a monitor, and the same system for the bare machine."""

MOST_SHARED = 1 << 30
"""Bytes of a shared directory: every run gets a copy."""


class NotApplicable(Exception):
    """The guest cannot be run in a way; the text says why, in one line."""


class Workload:
    """A guest to be run again and again."""

    def __init__(self, kernel: str, arguments: str = "", **options: Unpack[MachineOptions]) -> None:
        """What is to be run, in the terms of `kseg.Machine`. KsegError (ImageError,
        ConfigurationError) where it could not be run in any way."""
        self.kernel, self.arguments = kernel, arguments
        boot = Boot(kernel, arguments, options)
        configuration = boot.configuration()
        self._in_window = boot.window() is not None
        self._options = options
        options["overlay"], options["network"] = True, False
        if options.get("epoch") is None:
            options["epoch"] = host_seconds()
        if configuration.autoseeded:
            options["seed"] = int.from_bytes(os.urandom(4), "big")
        self._shared: Path | None = None
        for share in configuration.shares:
            self._shared = Path(configuration.directory, share.directory)

    def kernel_for(self, way: Way) -> str:
        """What is booted in a way: the user's kernel, or its twin for the bare machine."""
        return TWINS.get(self.kernel, self.kernel) if way.is_bare else self.kernel

    @contextmanager
    def machine(self, way: Way, output: Callable[[bytes], None]) -> Iterator[Machine]:
        """The guest, about to execute its first instruction. NotApplicable where the way cannot
        have it; KsegError for what is wrong in every way."""
        kernel = self.kernel_for(way)
        if way.is_bare and self._in_window and kernel == self.kernel:
            raise NotApplicable(f"the kernel is linked at {WINDOW:#010x}, which needs a monitor")
        with self._shared_copy() as share:
            options = self._options.copy()
            options["share"] = share
            options["engine"], options["monitor"] = way.engine, way.monitor
            options["rewriting"] = way.rewriting
            try:
                machine = Machine(kernel, self.arguments, output=output, **options)
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
