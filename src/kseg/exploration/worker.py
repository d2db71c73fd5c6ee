"""A process that makes trials: jobs come in on stdin, answers go out on stdout, one by one."""

import gc
import os

import msgspec

from kseg.api.machine import Machine
from kseg.errors import KsegError
from kseg.exploration.messages import Answer, Job, Task
from kseg.exploration.shrinking import shrink
from kseg.exploration.trial import Trials
from kseg.platform import pipes, signals


def main() -> None:
    """Do what comes in until the exploration has gone."""
    # Ctrl-C and the like are meant for the exploration, whose end closes stdin.
    signals.ignore(signals.INTERRUPT)
    incoming, outgoing = pipes.receiver(0), pipes.sender(1)
    # Nothing else may be written where answers are expected.
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)

    def answer(what: Answer) -> None:
        outgoing.send_bytes(msgspec.msgpack.encode(what))

    try:
        task = msgspec.msgpack.decode(incoming.recv_bytes(), type=Task)
        try:
            machine = Machine.from_snapshot(task.snapshot, engine=task.engine, trust=True)
        except KsegError as error:
            answer(Answer(error=str(error)))
            return
        with machine:
            gc.freeze()
            trials = Trials(machine, task.goal)
            answer(Answer())
            while True:
                job = msgspec.msgpack.decode(incoming.recv_bytes(), type=Job)
                try:
                    answer(do(trials, job))
                except (KsegError, MemoryError) as error:
                    answer(Answer(error=f"{type(error).__name__}: {error}"))
    except (EOFError, BrokenPipeError):
        return


def do(trials: Trials, job: Job) -> Answer:
    plan = job.plan
    if job.ending:
        plan = shrink(plan, lambda some: trials.run(some).ending == job.ending)
    return Answer(plan, trials.run(plan))
