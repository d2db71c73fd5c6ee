"""The emulator file system: a directory of the host, through a card with one buffer.

System/161 manual, "Emulator passthrough filesystem". The host's work is done when the operation
starts; its result shows 5 ms later. Unlike System/161's, this card never leaves its directory
(`kseg.devices.host_directory`).
"""

import errno
import os
from collections.abc import Callable
from typing import Any

import msgspec

from kseg.devices.device import BUFFER, Device, Register
from kseg.devices.hex_dump import hex_dump
from kseg.devices.host_directory import HostDirectory, Opened
from kseg.errors import ConfigurationError, GuestFatal
from kseg.machine.arguments import Arguments
from kseg.machine.clock import Word

BUFFER_SIZE = 16384
HANDLES = 64
ROOT = 0
"""The handle that is open from the start."""
OPERATION_TIME = 5_000_000
"""ns."""

OPEN, CREATE, CREATE_EXCLUSIVE, CLOSE, READ, READ_DIRECTORY, WRITE, SIZE, TRUNCATE = range(1, 10)

NAMES = dict(
    enumerate("open create create-exclusive close read readdir write size truncate".split(), 1)
)
"""What the operations are called in a trace."""

(
    IDLE, SUCCESS, BAD_HANDLE, BAD_OPERATION, BAD_PATH, BAD_SIZE, EXISTS, IS_DIRECTORY,
    MEDIA_ERROR, NO_HANDLES, NO_SPACE, NOT_DIRECTORY, UNKNOWN, UNSUPPORTED,
) = range(14)  # fmt: skip

_RESULTS = {
    errno.EBADF: BAD_HANDLE,
    errno.EINVAL: BAD_SIZE,
    errno.ENOENT: BAD_PATH,
    errno.EIO: MEDIA_ERROR,
    errno.ENOTDIR: NOT_DIRECTORY,
    errno.EISDIR: IS_DIRECTORY,
    errno.EEXIST: EXISTS,
    errno.ENOSPC: NO_SPACE,
}


class EmulatedFileSystemOptions(msgspec.Struct, frozen=True):
    directory: str


class SavedHandle(msgspec.Struct, frozen=True):
    """An open file by its path from the root; reopened when loaded."""

    number: int
    path: list[bytes]


class EmulatedFileSystemState(msgspec.Struct, frozen=True):
    handle: Word
    offset: Word
    length: Word
    result: Word
    busy: bool
    handles: list[SavedHandle]


class EmulatedFileSystem(Device):
    """Host files by handle."""

    name = "emufs"
    identity = 7
    revision = 1
    State = EmulatedFileSystemState
    registers = (
        Register(0x00, "handle", steady=True),
        Register(0x04, "offset", steady=True),
        Register(0x08, "length", steady=True),
        Register(0x0C, "operation", steady=True),
        Register(0x10, "result", steady=True),
    )

    @classmethod
    def parse_arguments(cls, arguments: Arguments) -> EmulatedFileSystemOptions:
        directory = arguments.text("dir") or "."
        arguments.finish()
        return EmulatedFileSystemOptions(directory)

    def plug_in(self) -> None:
        options: EmulatedFileSystemOptions = self.options
        path = self.surroundings.directory / options.directory
        try:
            self._directory = HostDirectory(path)
        except OSError as error:
            raise ConfigurationError(
                f"emufs: slot {self.slot}: directory {path}: {error.strerror}; set dir="
            ) from None
        self._buffer = self.add_buffer(BUFFER, BUFFER_SIZE)
        self._handles: list[Opened | None] = [None] * HANDLES
        self._operations: dict[int, Callable[[Opened], None]] = {
            CLOSE: self._close,
            READ: self._read,
            READ_DIRECTORY: self._read_directory,
            WRITE: self._write,
            SIZE: self._size,
            TRUNCATE: self._truncate,
        }

    def reset(self) -> None:
        self._close_all()
        self._handles[ROOT] = self._directory.open_root()
        self.activity.file_others += 1
        self._handle = 0
        self._offset = 0
        self._length = 0
        self._result = IDLE
        self._busy = False
        self._path = b""

    # Registers.

    def read_handle(self) -> int:
        return self._handle

    def write_handle(self, value: int) -> None:
        self._handle = value

    def read_offset(self) -> int:
        return self._offset

    def write_offset(self, value: int) -> None:
        self._offset = value

    def read_length(self) -> int:
        return self._length

    def write_length(self, value: int) -> None:
        self._length = value

    def read_operation(self) -> int:
        return 0

    def write_operation(self, value: int) -> None:
        """Start an operation."""
        if self._busy:
            raise GuestFatal("emufs operation started while an operation was already in progress")
        named = self._handle
        try:
            result = self._operate(value)
        except OSError as error:
            result = _RESULTS.get(error.errno or 0, UNKNOWN)
        self.trace("{}", self._described(value, named, result))
        self._busy = True
        self.schedule(OPERATION_TIME, "done", result)

    def read_result(self) -> int:
        return self._result

    def write_result(self, value: int) -> None:
        """Acknowledge by writing 0."""
        self._result = value
        self.interrupt = value != 0

    def on_event(self, _name: str, argument: int, /) -> None:
        self.trace("Operation complete")
        self.write_result(argument)
        self._busy = False

    def _described(self, operation: int, named: int, result: int) -> str:
        """An operation on the handle `named`, and how it ended, for a trace."""
        what = NAMES.get(operation, f"operation {operation}")
        opens = operation in (OPEN, CREATE, CREATE_EXCLUSIVE)
        what += f" {_shown(self._path)}" if opens else f" handle {named}"
        if result != SUCCESS:
            return f"{what}: error {result}"
        if opens:
            kind = " (directory)" if self._length else ""
            return f"{what}: succeeded, handle {self._handle}{kind}"
        if operation == CLOSE:
            return what
        return f"{what}: {self._length} bytes, offset {self._offset}"

    # Operations: the result, or OSError for what the host says.

    def _operate(self, operation: int) -> int:
        opened = self._handles[self._handle] if self._handle < HANDLES else None
        if opened is None:
            return BAD_HANDLE
        if operation in (OPEN, CREATE, CREATE_EXCLUSIVE):
            return self._open(opened, operation)
        perform = self._operations.get(operation)
        if perform is None:
            return BAD_OPERATION
        if operation in (READ, READ_DIRECTORY, WRITE) and self._length > BUFFER_SIZE:
            return BAD_SIZE
        perform(opened)
        return SUCCESS

    def _open(self, base: Opened, operation: int) -> int:
        if self._length >= BUFFER_SIZE:
            return BAD_SIZE
        # System/161 ends the path with a zero in the buffer, where the guest can see it.
        self.memory.write(self._buffer.base + self._length, b"\0")
        path = self.memory.read(self._buffer.base, self._length).partition(b"\0")[0]
        self._path = path
        opened = self._find_or_create(base, path, operation)
        if opened not in self._handles:
            if None not in self._handles:
                opened.close()
                return NO_HANDLES
            self._handles[self._handles.index(None)] = opened
        self._handle = self._handles.index(opened)
        self._length = int(opened.is_directory)
        self.activity.file_others += 1
        return SUCCESS

    def _find_or_create(self, base: Opened, path: bytes, operation: int) -> Opened:
        """Open `path`; what is open already is not opened again, whatever the operation."""
        try:
            opened = self._directory.open(base, path)
        except FileNotFoundError:
            if operation == OPEN:
                raise
            exclusive = operation == CREATE_EXCLUSIVE
            return self._directory.open(base, path, create=True, exclusive=exclusive)
        for other in self._handles:
            if other is not None and other.same_file(opened):
                opened.close()
                return other
        if operation == OPEN:
            return opened
        opened.close()
        exclusive = operation == CREATE_EXCLUSIVE
        return self._directory.open(base, path, create=True, exclusive=exclusive)

    def _close(self, opened: Opened) -> None:
        opened.close()
        self._handles[self._handle] = None
        self.activity.file_others += 1

    def _read(self, opened: Opened) -> None:
        data = os.pread(opened.file, self._length, self._offset)
        self.memory.write(self._buffer.base, data)
        self._transferred(len(data))
        self.activity.file_reads += 1

    def _read_directory(self, opened: Opened) -> None:
        name = opened.entry(self._offset)
        if name is None:
            self._length = 0
            return
        name = name[: self._length]
        self.memory.write(self._buffer.base, name)
        self._length = len(name)
        self._offset = self._offset + 1 & 0xFFFFFFFF
        self.activity.file_reads += 1

    def _write(self, opened: Opened) -> None:
        data = self.memory.read(self._buffer.base, self._length)
        self._transferred(os.pwrite(opened.file, data, self._offset))
        self.activity.file_writes += 1

    def _transferred(self, length: int) -> None:
        self._offset = self._offset + length & 0xFFFFFFFF
        self._length = length

    def _size(self, opened: Opened) -> None:
        self._length = os.fstat(opened.file).st_size & 0xFFFFFFFF
        self.activity.file_others += 1

    def _truncate(self, opened: Opened) -> None:
        os.ftruncate(opened.file, self._length)
        self.activity.file_writes += 1

    # State.

    def save(self) -> EmulatedFileSystemState:
        return EmulatedFileSystemState(
            handle=self._handle,
            offset=self._offset,
            length=self._length,
            result=self._result,
            busy=self._busy,
            handles=[
                SavedHandle(number, list(opened.path))
                for number, opened in enumerate(self._handles)
                if opened is not None
            ],
        )

    def load(self, state: Any) -> None:
        """Files that the host no longer has come back as bad handles, with a message."""
        self.check_state(state)
        self._close_all()
        root = self._directory.open_root()
        for saved in state.handles:
            if not 0 <= saved.number < HANDLES:
                continue
            path = b"/".join(saved.path) or b"."
            try:
                self._handles[saved.number] = self._directory.open(root, path)
            except OSError as error:
                name = path.decode(errors="replace")
                self.message(f"emufs: slot {self.slot}: {name}: {error.strerror}")
        root.close()
        self._handle = state.handle
        self._offset = state.offset
        self._length = state.length
        self._result = state.result
        self._busy = state.busy

    def describe(self) -> list[str]:
        registers = (
            f"handle {self._handle}  result {self._result}"
            f"    offset {self._offset} ({self._offset:#x})"
            f"  iolen {self._length} ({self._length:#x})"
        )
        return [
            f"System/161 emufs rev {self.revision}",
            f"    Registers: {registers}",
            "    Presently working" if self._busy else "    Presently idle",
            "    Buffer:",
            *hex_dump(self._buffer.data),
        ]

    def close(self) -> None:
        self._close_all()
        self._directory.close()

    def _close_all(self) -> None:
        for number, opened in enumerate(self._handles):
            if opened is not None:
                opened.close()
                self._handles[number] = None


def _shown(path: bytes) -> str:
    """A path that a guest gave, so that it can go to a terminal."""
    text = path.decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
