"""What an exploration and its workers tell each other: plain data in MessagePack."""

from enum import StrEnum

import msgspec

from kseg.exploration.trial import Goal, Outcome
from kseg.machine.preemption import Preemption


class Task(msgspec.Struct, frozen=True):
    """The first message to a worker: where all its trials begin, and what makes one pass."""

    snapshot: str
    engine: str
    goal: Goal


class Work(StrEnum):
    TRY = "try"
    SHRINK = "shrink"


class Job(msgspec.Struct, frozen=True):
    """What to do for a seed: run it, or find a smaller plan with the same `ending`."""

    seed: int
    plan: list[Preemption]
    work: Work = Work.TRY
    ending: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What came of a job, or that a worker is ready (no `outcome`). `error` is not about the
    guest, but about the worker."""

    plan: list[Preemption] = []
    outcome: Outcome | None = None
    error: str = ""
