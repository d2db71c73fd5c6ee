"""The compiler process by itself: whatever comes in, it ends quietly."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from kseg.engine.translator.compilation import compile_server
from kseg.engine.translator.compilation.compile_server import FAREWELL, LENGTH, LONGEST_MESSAGE
from kseg.engine.translator.compilation.messages import Answer
from kseg.platform import processes
from tests.engine.translator.compilation.test_compile_queue import PATIENCE, asked

COMMAND = processes.command(compile_server.__name__)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("KSEG_CACHE_DIR", str(path))
    return path


def changed(lines: str) -> list[str]:
    """The compiler with something different."""
    return [
        sys.executable,
        "-c",
        (
            "from kseg.engine.translator.compilation import compile_server as worker\n"
            f"from kseg.engine.translator.llvm import compiler\n{lines}\nworker.main()"
        ),
    ]


def run(incoming: bytes, command: list[str] = COMMAND) -> "subprocess.CompletedProcess[bytes]":
    """Send something, and wait for the process to end."""
    return subprocess.run(
        command, input=incoming, capture_output=True, timeout=PATIENCE, check=False
    )


def message(content: bytes) -> bytes:
    return LENGTH.pack(len(content)) + content


def request() -> bytes:
    return message(msgspec.msgpack.encode(asked()))


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x01",
        b"GET / HTTP/1.1\r\n\r\n",
        message(b""),
        message(b"\xc1" * 100),
        message(msgspec.msgpack.encode({"number": 1})),
        message(msgspec.msgpack.encode([1] * 9)),
        LENGTH.pack(100) + b"short",
        LENGTH.pack(LONGEST_MESSAGE + 1) + bytes(100),
        LENGTH.pack(0xFFFFFFFF) + bytes(100),
        request()[:-1],
    ],
)
def test_what_is_no_request_ends_it_without_a_word(garbage: bytes) -> None:
    ended = run(garbage)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_an_oversized_length_is_not_waited_for() -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(LENGTH.pack(LONGEST_MESSAGE + 1))
        process.stdin.flush()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == b""


def test_garbage_after_a_request_does_not_take_its_answer_away() -> None:
    ended = run(request() + b"garbage")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert msgspec.msgpack.decode(ended.stdout[4:], type=Answer).translation is not None


@pytest.mark.parametrize(
    "lines", ["worker.IDLE_SECONDS = 0.01", "worker.MOST_TRANSLATIONS = 0"], ids=["idle", "enough"]
)
def test_it_takes_leave_when_there_is_nothing_to_do_or_enough_was_done(lines: str) -> None:
    command = changed(lines)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == FAREWELL
        assert process.wait(PATIENCE) == 0


def test_a_compilation_without_end_ends_it() -> None:
    ended = run(
        request(),
        changed(
            "worker.LONGEST_COMPILATION = 1\n"
            "def forever(self, request):\n    while True: pass\n"
            "compiler.Compiler.answer = forever"
        ),
    )
    assert ended.returncode == -signal.SIGALRM


def test_what_was_asked_is_made_and_kept_where_nobody_listens_any_more(folder: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(COMMAND, **pipes) as process:
        process.stdout.close()
        process.stdin.write(request() + message(msgspec.msgpack.encode(asked(profile="r3000"))))
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == b""
    assert len(list(folder.iterdir())) == 2


def test_what_was_answered_is_kept_once_it_was_heard(folder: Path) -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(request())
        process.stdin.flush()
        assert process.stdout.read(LENGTH.size)
        deadline = time.monotonic() + PATIENCE
        while not list(folder.glob("translations-*")):
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize("place", ["/dev/null/nowhere", "/proc"])
def test_a_cache_that_cannot_be_written_is_no_reason_not_to_answer(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KSEG_CACHE_DIR", place)
    ended = run(request() * 2)
    assert (ended.returncode, ended.stderr) == (0, b"")
    (length,) = LENGTH.unpack_from(ended.stdout)
    assert len(ended.stdout) > 4 + length + 4


def test_a_cache_that_was_removed_stays_removed(folder: Path) -> None:
    folder.rmdir()
    assert run(request()).returncode == 0
    assert not folder.exists()
