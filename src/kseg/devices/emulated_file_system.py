"""The emulator file system: a directory of the host, through a card with one buffer.

System/161 manual, "Emulator passthrough filesystem". The host's work is done when the operation
starts; its result shows 5 ms later. Unlike System/161's, this card never leaves its directory
(`kseg.platform.directory`).
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec

from kseg.devices.device import BUFFER, Buffer, Device, Register
from kseg.devices.hex_dump import hex_dump
from kseg.devices.host_files import (
    BAD_HANDLE,
    BAD_OPERATION,
    BAD_SIZE,
    CLOSE,
    CREATE,
    CREATE_EXCLUSIVE,
    HANDLES,
    IDLE,
    NAMES,
    OPEN,
    OPERATIONS,
    READ,
    READ_DIRECTORY,
    ROOT,
    SUCCESS,
    UNSUPPORTED,
    WRITE,
    FileRequest,
    FileResult,
    HostFiles,
    HostPath,
    is_path,
)
from kseg.engine.codegen.typed import by_python, u32
from kseg.errors import ConfigurationError, DivergenceError, GuestFatal, StateError
from kseg.machine.arguments import Argument, Arguments
from kseg.machine.event_queue import Word
from kseg.platform.directory import HostDirectory

BUFFER_SIZE = 16384
MOST_LINKS_TOLD = 8
"""Links that lead out of the directory, of which there is a message each."""
OPERATION_TIME = 5_000_000
"""ns."""


class EmulatedFileSystemOptions(msgspec.Struct, frozen=True):
    directory: str


class SavedHandle(msgspec.Struct, frozen=True):
    """An open file by its path from the root; reopened when loaded."""

    number: Annotated[int, msgspec.Meta(ge=0, le=HANDLES - 1)]
    path: HostPath


class EmulatedFileSystemState(msgspec.Struct):
    handle: Word = 0
    offset: Word = 0
    length: Word = 0
    result: Word = IDLE
    busy: bool = False
    handles: Annotated[list[SavedHandle], msgspec.Meta(max_length=HANDLES)] = []
    """Of what is saved: the files that are open."""


class EmulatedFileSystem(Device):
    """Host files by handle."""

    name = "emufs"
    identity = 7
    revision = 1
    State = EmulatedFileSystemState
    state: EmulatedFileSystemState
    events: ClassVar[Mapping[str, range]] = {"done": range(UNSUPPORTED + 1)}
    registers = (
        Register(0x00, "handle", "the open file meant; 0 is the directory itself", steady=True),
        Register(0x04, "offset", "where in it: bytes; of a directory, entries", steady=True),
        Register(
            0x08,
            "length",
            "bytes to transfer, or of the name in the buffer; afterwards, how many there were",
            steady=True,
        ),
        Register(
            0x0C,
            "operation",
            "writing starts: 1 open, 2 create, 3 create what does not exist, 4 close, 5 read, 6"
            " read a directory entry, 7 write, 8 get the size, 9 set the size; reads as 0",
            steady=True,
        ),
        Register(
            0x10,
            "result",
            "0 none yet, 1 success, 2 bad handle, 3 bad operation, 4 no such path, 5 bad size, 6"
            " exists, 7 a directory, 8 the host failed, 9 too many open, 10 no room, 11 not a"
            " directory, 12 something else, 13 not supported; interrupts until 0 is written",
            steady=True,
        ),
    )
    buffers = (Buffer(BUFFER, BUFFER_SIZE, "names and data"),)
    arguments = (Argument("dir", "text", "the host's directory", "."),)

    @classmethod
    def parse_arguments(cls, arguments: Arguments) -> EmulatedFileSystemOptions:
        return EmulatedFileSystemOptions(arguments.read(cls.arguments)["dir"] or ".")

    def plug_in(self) -> None:
        self._buffer = self.add_buffer(*self.buffers)
        self._paths: dict[int, list[bytes]] = {}
        """Of what is open, by handle."""
        self._files: HostFiles | None = None
        """None where a run is repeated: then the history knows what the host said."""
        self._links_told: set[bytes] = set()
        if self.context.input_port.isolated:
            return
        options: EmulatedFileSystemOptions = self.options
        path = self.context.directory / options.directory
        try:
            self._files = HostFiles(HostDirectory(path, self._escaped))
        except OSError as error:
            raise ConfigurationError(
                f"emufs: slot {self.slot}: directory {path}: {error.strerror}; set dir="
            ) from None

    def _escaped(self, link: bytes, target: bytes) -> None:
        """System/161 would follow it. Each such link is named once, and not more than a few."""
        if link in self._links_told or len(self._links_told) > MOST_LINKS_TOLD:
            return
        self._links_told.add(link)
        if len(self._links_told) > MOST_LINKS_TOLD:
            self.message(f"emufs: slot {self.slot}: more links lead out of the shared directory")
            return
        self.message(
            f"emufs: slot {self.slot}: the link {_shown(link)} leads out of the shared directory,"
            f" to {_shown(target)}, and is not followed there: copy what is there, or share a"
            " directory that has both (--share, dir=)"
        )

    def reset(self) -> None:
        super().reset()
        if self._files is not None:
            self._files.open_root()
        self._paths = {ROOT: []}
        self.activity.file_others += 1
        self._path = b""

    # Registers.

    def read_operation(self) -> int:
        return 0

    def write_operation(self, value: int) -> None:
        """Start an operation."""
        if self.state.busy:
            raise GuestFatal("emufs operation started while an operation was already in progress")
        result = self._operate(value)
        self.state.busy = True
        self.schedule(OPERATION_TIME, "done", result)

    def write_result(self, value: int) -> None:
        """Acknowledge by writing 0."""
        self.state.result = value
        self.interrupt = value != 0

    def on_done(self, argument: int) -> None:
        self.trace("Operation complete")
        self.write_result(argument)
        self.state.busy = False

    def _described(self, operation: int, named: int, result: int) -> str:
        """An operation on the handle `named`, and how it ended, for a trace."""
        what = NAMES.get(operation, f"operation {operation}")
        opens = operation in (OPEN, CREATE, CREATE_EXCLUSIVE)
        what += f" {_shown(self._path)}" if opens else f" handle {named}"
        if result != SUCCESS:
            return f"{what}: error {result}"
        if opens:
            kind = " (directory)" if self.state.length else ""
            return f"{what}: succeeded, handle {self.state.handle}{kind}"
        if operation == CLOSE:
            return what
        return f"{what}: {self.state.length} bytes, offset {self.state.offset}"

    @by_python
    def _operate(self, operation: u32) -> u32:
        named = self.state.handle
        result = self._carried_out(operation)
        if self.traced:
            self.trace("{}", self._described(operation, named, result))
        return result

    def _carried_out(self, operation: int) -> int:
        """Carry out an operation, as far as the guest's own errors allow; its result."""
        if self.state.handle not in self._paths:
            return BAD_HANDLE
        if operation not in OPERATIONS:
            return BAD_OPERATION
        data = b""
        if operation in (OPEN, CREATE, CREATE_EXCLUSIVE):
            if self.state.length >= BUFFER_SIZE:
                return BAD_SIZE
            # System/161 ends the path with a zero in the buffer, where the guest can see it.
            self.memory.write(self._buffer.base + self.state.length, b"\0")
            data = self.memory.read(self._buffer.base, self.state.length).partition(b"\0")[0]
            self._path = data
        elif operation in (READ, READ_DIRECTORY, WRITE) and self.state.length > BUFFER_SIZE:
            return BAD_SIZE
        elif operation == WRITE:
            data = self.memory.read(self._buffer.base, self.state.length)
        result = self._ask(
            FileRequest(operation, self.state.handle, self.state.offset, self.state.length, data)
        )
        if operation == CLOSE and result.result == SUCCESS:
            del self._paths[self.state.handle]
        return self._take(result)

    def _ask(self, request: FileRequest) -> FileResult:
        """What the host says to a request, or said when the run was recorded."""

        def answer() -> bytes:
            assert self._files is not None
            return msgspec.msgpack.encode(self._files.perform(request))

        try:
            told = self.context.input_port.ask(self.owner, answer)
            result = msgspec.msgpack.decode(told, type=FileResult)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise DivergenceError(f"{self.owner}: its recorded answer is none: {error}") from None
        if result.path is not None and not (result.handle < HANDLES and is_path(result.path)):
            raise DivergenceError(f"{self.owner}: its recorded answer is none: an impossible path")
        return result

    def _take(self, result: FileResult) -> int:
        self.state.handle, self.state.offset, self.state.length = (
            result.handle,
            result.offset,
            result.length,
        )
        if result.path is not None:
            self._paths[result.handle] = result.path
        self.memory.write(self._buffer.base, result.data[:BUFFER_SIZE])
        self.activity.file_reads += result.reads
        self.activity.file_writes += result.writes
        self.activity.file_others += result.others
        return result.result

    # State.

    def save(self) -> EmulatedFileSystemState:
        handles = [SavedHandle(number, path) for number, path in sorted(self._paths.items())]
        saved: EmulatedFileSystemState = msgspec.structs.replace(super().save(), handles=handles)
        return saved

    def load(self, state: Any) -> None:
        """Files that the host no longer has come back as bad handles, with a message."""
        self.check_state(state)
        numbers = {saved.number for saved in state.handles}
        if len(numbers) < len(state.handles) or not all(is_path(h.path) for h in state.handles):
            raise StateError(f"{self.owner}: saved with impossible files")
        if self._files is not None:
            self._files.close_all()
        self._paths = {}
        for saved in state.handles:
            if self._has(saved):
                self._paths[saved.number] = saved.path
        super().load(msgspec.structs.replace(state, handles=[]))

    def _has(self, saved: SavedHandle) -> bool:
        """Open a saved handle's file again, if it is there."""
        try:
            if self._files is not None:
                self._files.open_again(saved.number, saved.path)
        except OSError as error:
            name = (b"/".join(saved.path) or b".").decode(errors="replace")
            self.message(f"emufs: slot {self.slot}: {name}: {error.strerror}")
            return False
        return True

    def describe(self) -> list[str]:
        registers = (
            f"handle {self.state.handle}  result {self.state.result}"
            f"    offset {self.state.offset} ({self.state.offset:#x})"
            f"  iolen {self.state.length} ({self.state.length:#x})"
        )
        return [
            f"System/161 emufs rev {self.revision}",
            f"    Registers: {registers}",
            "    Presently working" if self.state.busy else "    Presently idle",
            "    Buffer:",
            *hex_dump(self._buffer.data),
        ]

    def close(self) -> None:
        if self._files is not None:
            self._files.close()


def _shown(path: bytes) -> str:
    """A path that a guest gave, so that it can go to a terminal."""
    text = path.decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
