"""What an exploration and its workers tell each other: plain data in MessagePack."""

import msgspec

from kseg.exploration.trial import Goal, Outcome
from kseg.machine.preemption import Preemption


class Task(msgspec.Struct, frozen=True):
    """The first message to a worker: where all its trials begin, and what makes one pass."""

    snapshot: str
    engine: str
    goal: Goal


class Job(msgspec.Struct, frozen=True):
    """What to do for a seed: run it; or, if there is an `ending`, find a smaller plan with that."""

    seed: int
    plan: list[Preemption]
    ending: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What came of a job, or that a worker is ready (no `outcome`). `error` is not about the
    guest, but about the worker."""

    plan: list[Preemption] = []
    outcome: Outcome | None = None
    error: str = ""
