"""Where translations are made: in this process at once, or in one of their own beside it."""

import os
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import msgspec

from kseg.engine.translator.messages import Answer, Request
from kseg.engine.translator.worker import LENGTH, LONGEST_MESSAGE

LONGEST_COMPILATION = 30.0
"""Seconds after which a compilation is given up."""
MOST_FAILURES = 5
"""A compiler that ends by itself so often is not started again."""


class Workshop(Protocol):
    """Takes requests and gives answers, sooner or later."""

    @property
    def pending(self) -> int:
        """Requests that have not been answered."""

    def start(self) -> None:
        """Be ready, for something will soon be asked."""

    def submit(self, request: Request) -> None:
        """Ask for a translation."""

    def collect(self) -> list[Answer]:
        """The answers that have come; does not wait."""

    def close(self) -> None:
        """Give up whatever is pending."""


class InlineWorkshop:
    """Makes each translation while the guest waits: for tests, in which all is to be repeatable."""

    def __init__(self) -> None:
        from kseg.engine.translator.compiler import Compiler

        self._compiler = Compiler()
        self._answers: list[Answer] = []

    @property
    def pending(self) -> int:
        return len(self._answers)

    def start(self) -> None:
        pass

    def submit(self, request: Request) -> None:
        self._answers.append(self._compiler.answer(request))

    def collect(self) -> list[Answer]:
        answers, self._answers = self._answers, []
        return answers

    def close(self) -> None:
        self._answers = []


class ProcessWorkshop:
    """Makes translations in another process, which is started when there is something to do.

    Neither side ever waits for the other here. If that process dies, its requests are answered
    with an error, and the next one starts another.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stop: Callable[[], object] | None = None
        self._outgoing = bytearray()
        self._incoming = bytearray()
        self._asked: dict[int, float] = {}
        self._failures = 0
        self._decoder = msgspec.msgpack.Decoder(Answer)

    @property
    def pending(self) -> int:
        return len(self._asked)

    def start(self) -> None:
        if self._process is not None or self._failures >= MOST_FAILURES:
            return
        try:
            # -P: the directory that the user happens to be in is not a place to import from.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "kseg.engine.translator.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError:
            self._failures = MOST_FAILURES
            return
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        self._stop = weakref.finalize(self, _leave, self._process)

    def submit(self, request: Request) -> None:
        self.start()
        self._asked[request.number] = time.monotonic()
        if self._process is None:
            return
        content = msgspec.msgpack.encode(request)
        self._outgoing += LENGTH.pack(len(content)) + content
        self._send()

    def collect(self) -> list[Answer]:
        if self._process is None:
            return self._give_up("no compiler can be started")
        self._send()
        ended = self._receive()
        answers = [self._decoder.decode(message) for message in self._messages()]
        for answer in answers:
            self._asked.pop(answer.number, None)
        if ended:
            if self._asked:
                self._failures += 1
            self._end_process()
            answers += self._give_up("the compiler has ended")
        elif self._asked and time.monotonic() - min(self._asked.values()) > LONGEST_COMPILATION:
            self._failures += 1
            self._process.kill()
            self._end_process()
            answers += self._give_up("the compiler took too long")
        return answers

    def _give_up(self, why: str) -> list[Answer]:
        answers = [Answer(number, None, why) for number in self._asked]
        self._asked.clear()
        return answers

    def _send(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            while self._outgoing:
                sent = os.write(self._process.stdin.fileno(), self._outgoing)
                del self._outgoing[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._outgoing.clear()  # `_receive` will find out

    def _receive(self) -> bool:
        """Read what there is; True if nothing more will come."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            while content := os.read(self._process.stdout.fileno(), 1 << 20):
                self._incoming += content
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def _messages(self) -> list[bytes]:
        found = []
        while len(self._incoming) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._incoming)
            if length > LONGEST_MESSAGE or len(self._incoming) < LENGTH.size + length:
                break
            found.append(bytes(self._incoming[LENGTH.size : LENGTH.size + length]))
            del self._incoming[: LENGTH.size + length]
        return found

    def _end_process(self) -> None:
        if self._stop is not None:
            self._stop()
        self._process = self._stop = None
        self._outgoing.clear()
        self._incoming.clear()

    def close(self) -> None:
        self._asked.clear()
        self._end_process()


def _leave(process: "subprocess.Popen[bytes]") -> None:
    """Let the process go: it ends when it has done what it is doing, and has kept that."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    # It need not be waited for; `subprocess` reaps it, or init does.
    process.returncode = process.poll() or 0
