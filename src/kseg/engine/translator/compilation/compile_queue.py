"""The compile queue: requests are answered in this process at once, or by a compile server."""

import math
import os
import time
import weakref
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from kseg.engine.translator.compilation import budget, compile_server
from kseg.engine.translator.compilation.compile_server import LENGTH, LONGEST_MESSAGE
from kseg.engine.translator.compilation.messages import Answer, Request
from kseg.platform import processes, waiting

LONGEST_WAIT = 2.0 * compile_server.LONGEST_COMPILATION
"""Seconds without an answer after which none is waited for, and the process is ended."""
MOST_FAILURES = 5
"""A compiler that has failed so often is not started again."""


class CompileQueue(Protocol):
    """Takes requests and gives answers, sooner or later."""

    @property
    def pending(self) -> int:
        """Requests that have not been answered."""

    @property
    def seconds(self) -> float:
        """The processor time that making translations has taken elsewhere."""

    def submit(self, request: Request) -> None:
        """Ask for a translation."""

    def collect(self) -> list[Answer]:
        """The answers that have come; does not wait."""

    def finish(self, seconds: float) -> list[Answer]:
        """Wait for all that is pending, so many seconds at most; the answers that have come."""

    def close(self) -> None:
        """Give up whatever is pending."""


class InlineCompileQueue:
    """Makes each translation while the guest waits: for tests, in which all is to be repeatable."""

    def __init__(self) -> None:
        from kseg.engine.translator.llvm.compiler import Compiler

        self._compiler = Compiler()
        self._answers: list[Answer] = []

    seconds = 0.0

    @property
    def pending(self) -> int:
        return len(self._answers)

    def submit(self, request: Request) -> None:
        self._answers.append(self._compiler.answer(request))

    def collect(self) -> list[Answer]:
        answers, self._answers = self._answers, []
        return answers

    def finish(self, seconds: float) -> list[Answer]:  # noqa: ARG002 - each was made at once
        return self.collect()

    def close(self) -> None:
        self._answers = []


class _PendingRequest(NamedTuple):
    """A request that has not been answered."""

    content: bytes
    since: float


class ProcessCompileQueue:
    """Makes translations in another process, which is started when there is something to do.

    Neither side ever waits for the other here. If that process dies, its requests are answered
    with an error, and the next one starts another. If it ends as it should, having nothing to do
    or having done enough, another one gets what was asked meanwhile.
    """

    def __init__(self, command: list[str] | None = None) -> None:
        """`command` is what to start instead of kseg's own compiler."""
        self._command = command or processes.command(compile_server.__name__)
        self._process: processes.Process | None = None
        self._stop: Callable[[], object] | None = None
        self._owner = os.getpid()
        self._outgoing = bytearray()
        self._incoming = bytearray()
        self._asked: dict[int, _PendingRequest] = {}
        self._spending = budget.Spending()
        self._failures = 0
        self._latest = -math.inf
        """When the latest answer came."""
        self._has_taken_leave = False
        self._decoder = msgspec.msgpack.Decoder(Answer)

    @property
    def pending(self) -> int:
        return len(self._asked)

    @property
    def seconds(self) -> float:
        return self._spending.seconds

    def start(self) -> None:
        """Start the process, if there is none."""
        if self._owner != os.getpid():
            # A copy of the machine's process: the compiler is not its own.
            self._owner = os.getpid()
            self._forget_process()
        if self._process is not None or self._failures >= MOST_FAILURES:
            return
        self._process = processes.start(self._command, piped=True)
        if self._process is None:
            self._failures = MOST_FAILURES
            return
        for spending in (self._spending, budget.compilers):
            spending.add(self._process)
        processes.never_wait(self._process)
        self._stop = weakref.finalize(self, processes.leave, self._process)

    def submit(self, request: Request) -> None:
        self.start()
        content = msgspec.msgpack.encode(request)
        self._ask(request.number, LENGTH.pack(len(content)) + content)

    def _ask(self, number: int, content: bytes) -> None:
        self._asked[number] = _PendingRequest(content, time.monotonic())
        if self._process is not None:
            self._outgoing += content
            self._send()

    def collect(self) -> list[Answer]:
        if self._process is None or self._owner != os.getpid():
            return self._give_up("there is no compiler")
        self._send()
        has_ended = self._receive()
        answers: list[Answer] = []
        if not self._take_messages(answers):
            return answers + self._fail("the compiler does not answer as it should")
        if has_ended and self._has_taken_leave:
            self._replace_process()
        elif has_ended:
            answers += self._fail("the compiler has ended")
        elif self._is_late():
            answers += self._fail("the compiler took too long")
        return answers

    def _is_late(self) -> bool:
        since = min((asked.since for asked in self._asked.values()), default=math.inf)
        return time.monotonic() - max(since, self._latest) > LONGEST_WAIT

    def _fail(self, why: str) -> list[Answer]:
        assert self._process is not None
        self._failures += 1
        self._process.kill()
        self._forget_process()
        return self._give_up(why)

    def _replace_process(self) -> None:
        self._forget_process()
        if self._asked:
            self.start()
            for number, asked in list(self._asked.items()):
                self._ask(number, asked.content)

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
        """Read what there is, but no more than is reasonable; True if nothing more will come."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            while len(self._incoming) < LENGTH.size + LONGEST_MESSAGE:
                content = os.read(self._process.stdout.fileno(), 1 << 20)
                if not content:
                    return True
                self._incoming += content
        except BlockingIOError:
            pass
        except OSError:
            return True
        return False

    def _take_messages(self, answers: list[Answer]) -> bool:
        """Take in what has come; False if that is no message."""
        while len(self._incoming) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._incoming)
            if length > LONGEST_MESSAGE:
                return False
            end = LENGTH.size + length
            if len(self._incoming) < end:
                break
            message = bytes(self._incoming[LENGTH.size : end])
            del self._incoming[:end]
            if not message:
                self._has_taken_leave = True
                continue
            try:
                answer = self._decoder.decode(message)
            except msgspec.MsgspecError:
                return False
            self._latest = time.monotonic()
            if self._asked.pop(answer.number, None) is not None:
                answers.append(answer)
        return True

    def _forget_process(self) -> None:
        if self._stop is not None:
            self._stop()
        self._process = self._stop = None
        self._has_taken_leave = False
        self._outgoing.clear()
        self._incoming.clear()

    def finish(self, seconds: float) -> list[Answer]:
        deadline = time.monotonic() + seconds
        answers = self.collect() if self._asked else []
        while self._asked and self._process is not None and self._process.stdout is not None:
            left = deadline - time.monotonic()
            if left <= 0 or not waiting.readable(self._process.stdout.fileno(), left):
                break
            answers += self.collect()
        if self._process is not None and not self._asked:
            # What it keeps on disk, and its end, come after its last answer.
            for spending in (self._spending, budget.compilers):
                spending.note()
            processes.finish(self._process, deadline - time.monotonic())
            self._forget_process()
        return answers

    def close(self) -> None:
        self._asked.clear()
        self._forget_process()
