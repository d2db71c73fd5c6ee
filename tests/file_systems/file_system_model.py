"""A file system of any kind against a dictionary that says what its answers must be."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kseg.file_systems.device import FileSystemError
from kseg.file_systems.file_system import FileSystem

NAMES = st.one_of(
    st.sampled_from("abcde"),
    st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="/:"),
        min_size=1,
        max_size=27,
    ).filter(lambda name: name not in (".", "..")),
)
DATA = st.one_of(
    st.binary(max_size=2000),
    # Zeros over what was there, and files with pointer blocks.
    st.builds(lambda size, byte: bytes([byte]) * size, st.integers(0, 40_000), st.integers(0, 2)),
)
NO_ROOM = ("the disk is full", "no inode is left")


class FileSystemModel(RuleBasedStateMachine):
    """Random requests: what is refused changes nothing, everything else is as the model says."""

    def make(self) -> FileSystem:
        raise NotImplementedError

    def reopen(self, system: FileSystem) -> FileSystem:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.system = self.make()
        self.files: dict[str, bytes] = {}
        self.directories = {""}

    @rule(name=NAMES, data=DATA, where=st.integers(0, 5))
    def put(self, name: str, data: bytes, where: int) -> None:
        path = f"{self.directory(where)}/{name}"
        if path in self.directories:
            with pytest.raises(FileSystemError, match="is a directory"):
                self.system.put(path, data)
        elif self.is_done(lambda: self.system.put(path, data)):
            self.files[path] = data

    @rule(name=NAMES, where=st.integers(0, 5))
    def make_directory(self, name: str, where: int) -> None:
        path = f"{self.directory(where)}/{name}"
        if path in self.directories or path in self.files:
            with pytest.raises(FileSystemError, match="exists already"):
                self.system.make_directory(path)
        elif self.is_done(lambda: self.system.make_directory(path)):
            self.directories.add(path)

    @rule(pick=st.integers(0, 100))
    def remove(self, pick: int) -> None:
        path = self.pick(pick)
        if path is None:
            return
        if any(other.startswith(f"{path}/") for other in (*self.files, *self.directories)):
            with pytest.raises(FileSystemError, match="not empty"):
                self.system.remove(path)
            return
        self.system.remove(path)
        self.files.pop(path, None)
        self.directories.discard(path)

    @rule(pick=st.integers(0, 100), name=NAMES, where=st.integers(0, 5))
    def rename(self, pick: int, name: str, where: int) -> None:
        source, target = self.pick(pick), f"{self.directory(where)}/{name}"
        if source is None:
            return
        if (
            target in self.files
            or target in self.directories
            or f"{target}/".startswith(f"{source}/")
        ):
            with pytest.raises(FileSystemError):
                self.system.rename(source, target)
        elif self.is_done(lambda: self.system.rename(source, target)):
            self.files = {self.moved(p, source, target): d for p, d in self.files.items()}
            self.directories = {self.moved(p, source, target) for p in self.directories}

    @invariant()
    def nothing_is_lost(self) -> None:
        reopened = self.reopen(self.system)
        for path, data in self.files.items():
            assert reopened.get(path) == data
        shown = {
            f"{directory}/{entry.name}" + "/" * entry.is_directory
            for directory in self.directories
            for entry in reopened.list(directory)
        }
        assert shown == {*self.files, *(f"{path}/" for path in self.directories if path)}
        assert reopened.check() == ()

    def is_done(self, request: object) -> bool:
        """Whether there was room for a change; if not, nothing has changed."""
        free = self.system.free_blocks()
        try:
            request()  # type: ignore[operator]
        except FileSystemError as error:
            problem = str(error)
        else:
            return True
        assert any(text in problem for text in NO_ROOM)
        assert self.system.free_blocks() == free
        return False

    def directory(self, pick: int) -> str:
        return sorted(self.directories)[pick % len(self.directories)]

    def pick(self, pick: int) -> str | None:
        paths = sorted((self.directories | set(self.files)) - {""})
        return paths[pick % len(paths)] if paths else None

    def moved(self, path: str, source: str, target: str) -> str:
        if path == source or path.startswith(f"{source}/"):
            return target + path[len(source) :]
        return path
