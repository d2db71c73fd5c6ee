import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg.devices.emulated_file_system import EmulatedFileSystem
from kseg.errors import ConfigurationError, DivergenceError, GuestFatal
from kseg.machine.input_history import Answer, InputHistory
from kseg.machine.input_port import InputPort
from tests.devices.testbed import Bench

HANDLE, OFFSET, LENGTH, OPERATION, RESULT = 0, 4, 8, 12, 16
OPEN, CREATE, EXCLUSIVE, CLOSE, READ, READDIR, WRITE, SIZE, TRUNCATE = range(1, 10)


class Files:
    """A guest's driver."""

    def __init__(self, directory: Path, input_port: InputPort | None = None) -> None:
        self.bench = Bench(
            EmulatedFileSystem, "dir=root", directory=directory, input_port=input_port
        )

    def perform(self, operation: int) -> int:
        bench = self.bench
        bench.write(OPERATION, operation)
        assert bench.read(RESULT) == 0
        assert bench.until(lambda: bench.interrupt) == 5_000_000
        result = bench.read(RESULT)
        bench.write(RESULT, 0)
        assert not bench.interrupt
        return result

    def open(self, path: bytes, base: int = 0, operation: int = OPEN) -> int | str:
        """The handle, or "result N"."""
        self.bench.write(HANDLE, base)
        self.bench.write(LENGTH, len(path))
        self.bench.memory.write(self.bench.buffer, path)
        result = self.perform(operation)
        return self.bench.read(HANDLE) if result == 1 else f"result {result}"

    def read(self, handle: int | str, offset: int = 0, length: int = 100) -> bytes | str:
        return self.take(READ, handle, offset, length)

    def take(self, operation: int, handle: int | str, offset: int, length: int) -> bytes | str:
        for register, value in ((HANDLE, handle), (OFFSET, offset), (LENGTH, length)):
            self.bench.write(register, int(value))
        result = self.perform(operation)
        if result != 1:
            return f"result {result}"
        return self.bench.memory.read(self.bench.buffer, self.bench.read(LENGTH))

    def put(self, handle: int | str, offset: int, data: bytes) -> int:
        self.bench.memory.write(self.bench.buffer, data)
        for register, value in ((HANDLE, handle), (OFFSET, offset), (LENGTH, len(data))):
            self.bench.write(register, int(value))
        return self.perform(WRITE)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    root = tmp_path / "root"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "hello").write_bytes(b"hello, world")
    (root / "sub" / "inner").write_bytes(b"inner")
    (tmp_path / "secret").write_bytes(b"secret")
    return Files(tmp_path)


def test_reading(files: Files) -> None:
    handle = files.open(b"hello")
    assert files.bench.read(LENGTH) == 0
    assert files.read(handle, 7, 100) == b"world"
    assert files.bench.read(OFFSET) == 12
    assert files.read(handle, 100, 100) == b""
    files.bench.write(HANDLE, int(handle))
    assert files.perform(SIZE) == 1
    assert files.bench.read(LENGTH) == 12


def test_writing_and_truncating(files: Files, tmp_path: Path) -> None:
    handle = files.open(b"new", operation=CREATE)
    assert files.put(handle, 3, b"abc") == 1
    assert (tmp_path / "root" / "new").read_bytes() == b"\0\0\0abc"
    files.bench.write(LENGTH, 4)
    assert files.perform(TRUNCATE) == 1
    assert (tmp_path / "root" / "new").read_bytes() == b"\0\0\0a"
    activity = files.bench.activity
    assert (activity.file_reads, activity.file_writes, activity.file_others) == (0, 2, 2)


def test_handles(files: Files) -> None:
    handle = files.open(b"hello")
    assert files.open(b"./sub/../hello") == handle
    assert files.open(b"sub") != handle
    assert files.bench.read(LENGTH) == 1
    files.bench.write(HANDLE, int(handle))
    assert files.perform(CLOSE) == 1
    assert files.perform(CLOSE) == 2
    for bad in (5, 64, 0xFFFFFFFF):
        assert files.read(bad) == "result 2"
        assert files.open(b"hello", base=bad) == "result 2"


@pytest.mark.parametrize("operation", [CREATE, EXCLUSIVE])
def test_what_is_open_already_needs_no_creation(files: Files, operation: int) -> None:
    for path in (b"hello", b"sub"):
        handle = files.open(path)
        assert files.open(path, operation=operation) == handle


def test_the_table_holds_64(files: Files, tmp_path: Path) -> None:
    for number in range(70):
        (tmp_path / "root" / f"f{number}").touch()
    handles = [files.open(f"f{number}".encode()) for number in range(70)]
    assert handles[:63] == list(range(1, 64))
    assert set(handles[63:]) == {"result 9"}


def test_directories(files: Files) -> None:
    names = [files.take(READDIR, 0, index, 100) for index in range(5)]
    assert names == [b".", b"..", b"hello", b"sub", b""]
    assert files.take(READDIR, 0, 2, 3) == b"hel"
    assert files.read(0) == "result 7"
    sub = files.open(b"sub")
    assert files.read(files.open(b"inner", base=int(sub))) == b"inner"
    file = files.open(b"hello")
    assert files.take(READDIR, file, 0, 100) == "result 11"
    assert files.open(b"x", base=int(file)) == "result 11"
    assert files.put(sub, 0, b"x") == 2


@pytest.mark.parametrize(
    ("path", "operation", "result"),
    [
        (b"missing", OPEN, "result 4"),
        (b"", OPEN, "result 4"),
        (b"hello/x", OPEN, "result 11"),
        (b"hello/", OPEN, "result 11"),
        (b"missing/x", CREATE, "result 4"),
        (b"sub", CREATE, "result 7"),
        (b"hello", EXCLUSIVE, "result 6"),
        (b"sub", EXCLUSIVE, "result 6"),
        (b"n" * 300, OPEN, "result 12"),
        (b"\0hello", OPEN, "result 4"),
    ],
)
def test_errors(files: Files, path: bytes, operation: int, result: str) -> None:
    assert files.open(path, operation=operation) == result


def test_other_errors(files: Files) -> None:
    assert files.perform(99) == 3
    assert files.take(READ, files.open(b"hello"), 0, 16385) == "result 5"
    files.bench.write(HANDLE, 0)
    files.bench.write(LENGTH, 16384)
    assert files.perform(OPEN) == 5
    files.bench.write(OPERATION, OPEN)
    with pytest.raises(GuestFatal, match="already in progress"):
        files.bench.write(OPERATION, OPEN)


def test_the_root_is_never_left(files: Files, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "absolute").symlink_to(tmp_path / "secret")
    (root / "relative").symlink_to("../secret")
    (root / "up").symlink_to("..")
    (root / "inside").symlink_to("sub/inner")
    (root / "own").symlink_to(root / "hello")
    (root / "loop").symlink_to("loop")
    (root / "new link").symlink_to(tmp_path / "made")
    (root / "etc").symlink_to("/etc")
    os.mkfifo(root / "pipe")
    input_port = [b"../secret", b"/secret", b"absolute", b"relative", b"up/secret", b"etc/passwd"]
    for path in [*input_port, b"sub/../../secret", str(tmp_path / "secret").encode()]:
        assert files.open(path) == "result 4"
    assert files.open(b"loop") == "result 12"
    assert files.open(b"pipe") == "result 12"
    assert files.read(files.open(b"inside")) == b"inner"
    assert files.read(files.open(b"own")) == b"hello, world"
    assert files.read(files.open(b"../../hello")) == b"hello, world"
    assert files.open(b"up") == 0
    files.open(b"new link", operation=CREATE)
    files.open(b"../made", operation=CREATE)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["root", "secret"]


def test_links_that_lead_out_are_named_once(files: Files, tmp_path: Path) -> None:
    (tmp_path / "root" / "testbin").symlink_to("/elsewhere/testbin")
    (tmp_path / "root" / "sub" / "up").symlink_to("../../x")
    (tmp_path / "root" / "sub" / "fine").symlink_to("../hello")
    for path in (b"testbin/palin", b"testbin/sort", b"sub/up", b"sub/fine", b"../up", b"missing"):
        files.open(path)
    found = [text for text in files.bench.messages if "leads out" in text]
    assert len(found) == 2
    assert "the link testbin leads out of the shared directory, to /elsewhere/testbin" in found[0]
    assert "the link sub/up leads out of the shared directory, to ../../x" in found[1]
    for number in range(20):
        (tmp_path / "root" / f"l{number}").symlink_to("/elsewhere")
        files.open(f"l{number}".encode())
    assert len(files.bench.messages) == 9
    assert "more links lead out" in files.bench.messages[-1]


names = st.sampled_from([b"..", b".", b"", b"sub", b"deep", b"up", b"secret", b"hello", b"out"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(names, max_size=8), st.booleans(), st.sampled_from([OPEN, CREATE, EXCLUSIVE]))
def test_no_path_leaves_the_root(
    files: Files, tmp_path: Path, parts: list[bytes], absolute: bool, operation: int
) -> None:
    root = tmp_path / "root"
    if not (root / "up").is_symlink():
        (root / "up").symlink_to("../..")
        (root / "sub" / "out").symlink_to("../../secret")
    files.bench.device.reset()
    handle = files.open(b"/" * absolute + b"/".join(parts), operation=operation)
    opened = files.bench.device._files._handles[int(handle)] if isinstance(handle, int) else None
    if opened is not None:
        real = Path(os.path.realpath(f"/proc/self/fd/{opened.file}"))
        assert real == root or root in real.parents
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["root", "secret"]


def test_saved_handles_are_opened_again(files: Files, tmp_path: Path) -> None:
    handle, gone = files.open(b"sub/inner"), files.open(b"hello")
    state = files.bench.device.save()
    (tmp_path / "root" / "hello").unlink()
    other = Files(tmp_path)
    other.bench.device.load(state)
    assert other.read(handle) == b"inner"
    assert other.read(gone) == "result 2"
    assert "hello: No such file" in other.bench.messages[0]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="root: No such file or directory; set dir="):
        Files(tmp_path)


def test_recorded_answers_take_the_place_of_the_host(files: Files, tmp_path: Path) -> None:
    history = InputHistory()
    files.bench.input_port.recorders.append(history.add)

    def use(files: Files) -> list[object]:
        handle = files.open(b"hello")
        done = [handle, files.read(handle), files.put(handle, 1, b"EY"), files.read(handle)]
        return [*done, files.open(b"nothing"), files.bench.device.save()]

    first = use(files)
    (tmp_path / "root" / "hello").write_bytes(b"other")
    again = Files(tmp_path, InputPort(replay=history, isolated=True))
    assert use(again) == first
    assert (tmp_path / "root" / "hello").read_bytes() == b"other"
    with pytest.raises(DivergenceError, match="emufs"):
        again.open(b"hello")


def test_an_answer_that_is_none_is_no_answer(tmp_path: Path) -> None:
    for told in (b"", b"\xc1", b"\x91\x01"):
        history = InputHistory([Answer("emufs@3", told)])
        files = Files(tmp_path, InputPort(replay=history, isolated=True))
        with pytest.raises(DivergenceError):
            files.open(b"hello")


def test_what_it_does_can_be_traced(files: Files) -> None:
    told: list[str] = []
    files.bench.control.device_trace = lambda _kind, _slot, text: told.append(text)
    handle = files.open(b"hello")
    files.read(handle, 7, 100)
    files.open(b"sub")
    files.open(b"no\n\x1b[31m\xff")
    files.bench.write(HANDLE, int(handle))
    files.perform(SIZE)
    files.perform(CLOSE)
    files.perform(99)
    assert [text for text in told if text != "Operation complete"] == [
        "open hello: succeeded, handle 1",
        "read handle 1: 5 bytes, offset 12",
        "open sub: succeeded, handle 2 (directory)",
        "open no\\n\\x1b[31m\\xff: error 4",
        "size handle 1: 12 bytes, offset 12",
        "close handle 1",
        "operation 99 handle 1: error 2",
    ]
    assert told.count("Operation complete") == 7
