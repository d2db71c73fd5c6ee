"""Disks with some files on them, which a test damages and then uses."""

from __future__ import annotations

import contextlib

from kseg.file_systems.cms.memory_disk import MemoryDisk
from kseg.file_systems.device import FileSystemError
from kseg.file_systems.file_system import FileSystem
from kseg.file_systems.recognition import open_file_system


def filled(system: FileSystem) -> bytes:
    """An image of the file system, with files in it."""
    system.make_directory("d")
    system.put("d/small", b"small")
    system.put("large", bytes(index % 251 for index in range(90_000)))
    for index in range(17):
        system.put(f"d/{index}", bytes(index * 300))
    return bytes(system._disk.disk.contents)  # type: ignore[attr-defined]


def damaged(image: bytes, places: list[tuple[int, int]]) -> bytes:
    """The image with some words overwritten: their places, in words, and what with."""
    changed = bytearray(image)
    for place, value in places:
        changed[4 * place : 4 * place + 4] = value.to_bytes(4, "big")
    return bytes(changed)


def try_everything(image: bytes) -> None:
    """Use a disk in every way; only FileSystemError may come of it."""
    try:
        system = open_file_system(MemoryDisk(contents=image))
    except FileSystemError:
        return
    requests = [
        system.check,
        lambda: system.list("d"),
        lambda: [system.get(entry.name) for entry in system.list() if not entry.is_directory],
        lambda: system.get("d/small"),
        lambda: system.put("new", bytes(40_000)),
        lambda: system.put("d/small", bytes(2_000)),
        lambda: system.make_directory("d/e"),
        lambda: system.rename("d/3", "x"),
        lambda: system.remove("large"),
        lambda: system.remove("d/4"),
        system.check,
        system.free_blocks,
    ]
    for request in requests:
        with contextlib.suppress(FileSystemError):
            request()
