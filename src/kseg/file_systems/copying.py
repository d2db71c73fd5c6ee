"""Files and whole directories between a file system on a disk and the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from kseg.platform.files import write_file

from .device import DamagedError, Entry, FileSystemError
from .file_system import FileSystem


def is_directory(system: FileSystem, path: str) -> bool:
    found = entry_at(system, path)
    return found is not None and found.is_directory


def entry_at(system: FileSystem, path: str) -> Entry | None:
    """What is at `path`, if there is anything and it can be read."""
    try:
        return system.status(path)
    except FileSystemError:
        return None


def put_file(system: FileSystem, source: Path, path: str, modified: int) -> None:
    """Copy a file of the host; OSError when it cannot be read."""
    with source.open("rb") as file:
        # What is no regular file may have no end.
        most = max(system.block_count * 512 + 1, os.fstat(file.fileno()).st_size)
        system.put(path, file.read(most), modified)


def put_directory(system: FileSystem, source: Path, path: str, modified: int) -> None:
    """Copy a directory of the host, and all that is in it, to be `path`. What `path` holds already
    stays, or is replaced by a file of the same name. OSError when something cannot be read."""
    if not is_directory(system, path):
        system.make_directory(path, modified)
    for entry in sorted(source.iterdir()):
        below = f"{path.rstrip('/')}/{entry.name}"
        if entry.is_dir() and not entry.is_symlink():
            put_directory(system, entry, below, modified)
        elif entry.is_file():
            put_file(system, entry, below, modified)
        else:
            raise FileSystemError(f"{entry} is neither a file nor a directory; leave it out")


def get_file(system: FileSystem, path: str, target: Path) -> None:
    """Copy a file to the host; OSError when the host refuses."""
    write_file(target, system.get(path))


def get_directory(system: FileSystem, path: str, target: Path) -> None:
    """Copy a directory, and all that is in it, to be `target` on the host; OSError when the host
    refuses."""
    target.mkdir(exist_ok=True)
    for name, entry in walk(system, path):
        # No name leads out of the target, whatever the disk says.
        if any(part in ("", ".", "..") or os.sep in part or "\0" in part for part in name):
            raise FileSystemError(f"{'/'.join(name)!r} can be no file's name here")
        place = target.joinpath(*name)
        if entry.is_directory:
            place.mkdir(exist_ok=True)
        else:
            get_file(system, "/".join((path, *name)), place)


def walk(system: FileSystem, path: str) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """All that is in a directory and in those below it: names from there, directories before what
    is in them. DamagedError where a directory has two names: it may contain itself, and no walk
    through it would end."""
    seen = {system.status(path).inode}
    pending: list[tuple[str, ...]] = [()]
    while pending:
        above = pending.pop()
        found = system.list("/".join((path, *above)))
        for entry in found:
            name = (*above, entry.name)
            if entry.is_directory:
                if entry.inode in seen:
                    below = "/".join((path.rstrip("/"), *name))
                    raise DamagedError(
                        f"{below} is a directory that has another name, too; the file system is"
                        " damaged, mend it with: kseg disk check --repair"
                    )
                seen.add(entry.inode)
            yield name, entry
        pending += [(*above, entry.name) for entry in reversed(found) if entry.is_directory]


def remove_directory(system: FileSystem, path: str) -> None:
    for name, _ in reversed(list(walk(system, path))):
        system.remove("/".join((path, *name)))
    system.remove(path)


def make_directories(system: FileSystem, path: str, modified: int) -> None:
    """Make a directory, and those on the way to it that are missing."""
    parts = [part for part in path.split("/") if part]
    for length in range(1, len(parts) + 1):
        above = "/".join(parts[:length])
        if not is_directory(system, above):
            system.make_directory(above, modified)
