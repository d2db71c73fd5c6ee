"""Worker processes, and which does what. A worker that dies takes one job with it, and no more."""

from collections import deque
from contextlib import suppress
from typing import NamedTuple

import msgspec

from kseg.critical_section import critical_section
from kseg.errors import KsegError
from kseg.exploration import worker
from kseg.exploration.messages import Answer, Job, Task
from kseg.platform import pipes, processes

MOST_DEATHS = 5
"""Workers that die one after the other, without an answer between, before it is given up."""

GRACE = 1.0
"""Seconds that a worker has to end whose pipe is closed."""


class Done(NamedTuple):
    job: Job
    answer: Answer


class _Worker:
    """A process with one job at a time."""

    def __init__(self, command: list[str], task: Task) -> None:
        process = processes.start(command, piped=True)
        if process is None:
            raise KsegError("cannot start a process for the exploration")
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._outgoing = pipes.sender(process.stdin)
        self.incoming = pipes.receiver(process.stdout)
        self.job: Job | None = None
        self.is_ready = False
        self._send(msgspec.msgpack.encode(task))

    def _send(self, data: bytes) -> None:
        # One that has died is found out by listening to it.
        with suppress(OSError):
            self._outgoing.send_bytes(data)

    def give(self, job: Job) -> None:
        self.job = job
        self._send(msgspec.msgpack.encode(job))

    def take(self) -> Answer | None:
        """What it says; None when it has died."""
        try:
            return msgspec.msgpack.decode(self.incoming.recv_bytes(), type=Answer)
        except (EOFError, OSError, msgspec.DecodeError):
            return None

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> str:
        """See to it that it has ended, and say how it did."""
        for connection in (self._outgoing, self.incoming):
            connection.close()
        return processes.end(self._process, GRACE)


class Pool:
    """Up to `size` workers, which are started when there is work for them."""

    def __init__(self, task: Task, size: int, command: list[str] | None = None) -> None:
        """`command` is what to start instead of kseg's own worker."""
        self._task = task
        self._size = size
        self._command = command or processes.command(worker.__name__)
        self._workers: list[_Worker] = []
        self._waiting: deque[Job] = deque()
        self._deaths = 0

    @property
    def has_room(self) -> bool:
        """Whether another job would not have to wait for long."""
        busy = sum(each.job is not None for each in self._workers)
        return busy + len(self._waiting) < self._size

    @property
    def pending(self) -> int:
        """Jobs that have no answer."""
        return len(self._waiting) + sum(each.job is not None for each in self._workers)

    def submit(self, job: Job) -> None:
        """Have a job done, sooner or later."""
        self._waiting.append(job)
        self._distribute()

    def _distribute(self) -> None:
        while self._waiting:
            free = next((each for each in self._workers if each.is_ready and not each.job), None)
            if free is not None:
                free.give(self._waiting.popleft())
                continue
            starting = sum(not each.is_ready for each in self._workers)
            if len(self._workers) < self._size and starting < len(self._waiting):
                with critical_section:  # one that is not in the list would not be ended
                    self._workers.append(_Worker(self._command, self._task))
                continue
            return

    def collect(self) -> list[Done]:
        """Wait until something happens, if anything is pending, and return what has been done
        meanwhile. Of a job whose worker has died, the answer is an error. KsegError when workers
        cannot work at all."""
        found: list[Done] = []
        if not self.pending:
            return found
        listening = {each.incoming: each for each in self._workers}
        for connection in pipes.ready(listening) if listening else []:
            each = listening[connection]
            answer = each.take()
            if answer is None:
                found += self._bury(each)
            elif not each.is_ready:
                if answer.error:
                    raise KsegError(answer.error)
                each.is_ready = True
            elif each.job is not None:
                self._deaths = 0
                found.append(Done(each.job, answer))
                each.job = None
        self._distribute()
        return found

    def _bury(self, dead: _Worker) -> list[Done]:
        self._workers.remove(dead)
        how = dead.end()
        self._deaths += 1
        if self._deaths >= MOST_DEATHS or not dead.is_ready:
            raise KsegError(f"the processes of the exploration die ({how})")
        if dead.job is None:
            return []
        return [Done(dead.job, Answer(dead.job.plan, error=f"its process died ({how})"))]

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        self._waiting.clear()
        workers, self._workers = self._workers, []
        for each in workers:
            each.kill()
        for each in workers:
            each.end()
