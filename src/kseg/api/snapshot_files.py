"""The host's files that a snapshot's machine had, when the user trusts what the snapshot names.

A snapshot names them where they were. When they are not there any more, or there is a copy of the
machine beside the snapshot, too, nothing is guessed: the user says which are meant.
"""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from kseg.errors import StateError
from kseg.history.files import SnapshotFile
from kseg.machine.configuration import Configuration

UNKNOWN = {"--disk": "FILE", "--share": "DIR"}
"""What stands in a command for what is not known."""


def check_trusted(
    file: SnapshotFile, saved: Configuration, named_disks: int, *, shares: bool
) -> None:
    """Raise StateError unless it is clear which files the machine in a snapshot is to have: those
    that were not given again, `named_disks` and the shared directory if it `shares` one."""
    places = list(_places(file, saved, named_disks, shares=shares))
    for _, there, beside in places:
        command = _command(file, saved, places)
        if not there.exists():
            raise StateError(f"{there} is not there any more; name it where it is: {command}")
        if beside is not None and beside.exists() and not beside.samefile(there):
            raise StateError(
                f"it names {there}, but the machine has been copied: there is {beside}, too;"
                f" say which: {command}"
            )


def _places(
    file: SnapshotFile, saved: Configuration, named_disks: int, *, shares: bool
) -> Iterator[tuple[str, Path, Path | None]]:
    """An option, the file that the snapshot names, and where a copy beside the snapshot has it."""
    for drive in saved.drives[named_disks:]:
        if drive.file is not None:
            yield "--disk", *_place(file, drive.file)
    for share in () if shares else saved.shares:
        there, beside = _place(file, share.directory)
        # Any place has a directory ".": it is a copy of the machine's if its kernel is there.
        kernel = Path(file.header.origin.kernel)
        copied = beside is not None and (file.path.parent / kernel.name).exists()
        yield "--share", there, beside if copied else None


def _place(file: SnapshotFile, name: str) -> tuple[Path, Path | None]:
    home = Path(file.header.origin.directory)
    there = home / name
    if not there.is_relative_to(home):
        return there, None
    return there, file.path.absolute().parent / there.relative_to(home)


def _command(
    file: SnapshotFile,
    saved: Configuration,
    places: Sequence[tuple[str, Path, Path | None]],
) -> str:
    """What names all of them: as they are beside the snapshot, where they are there."""
    words = ["kseg", "run", "--from", str(file.path)]
    if saved.has_network:
        words.append("--trust")
    for option, there, beside in places:
        here = beside if beside is not None and beside.exists() else there
        words += [option, str(here) if here.exists() else UNKNOWN[option]]
    return shlex.join(words)
