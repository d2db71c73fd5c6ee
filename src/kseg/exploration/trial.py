"""One run of a guest from the starting point, with a plan of preemptions, and how it ended."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from kseg.api.console import Search
from kseg.api.machine import Machine
from kseg.errors import KsegError
from kseg.machine.clock import SECOND
from kseg.machine.preemption import Preemption, Struck
from kseg.monitor.stop import Stop, StopReason
from kseg.platform.digests import blake2b

PASSED, REJECTED = "passed", "rejected"
PANICKED = "panicked"
"""It has switched off after it had asked for a debugger."""
HANGS, RUNS_ON = "hangs", "runs on"
"""Endings beside those that are reasons of a Stop: when the time is up, a guest hardly executes
anything, or it does."""

BUSY_SHARE = 20
"""A guest hangs that executes in less than one cycle out of so many."""
LAST_PART = 10
"""One part of so many, the last, of its time is what counts for that."""

LONGEST_LINE = 160
"""Characters of the last line that are kept."""

_NOTHING = re.compile("(?!)")
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+(\.\d+)?")


class Goal(msgspec.Struct, frozen=True):
    """When a guest has passed: it prints `expect` before `reject` and before its time is up.
    Both are looked for in what it prints after the starting point, as they are or as `regular`
    expressions. Without `expect`, it has to switch off, and not in a panic."""

    expect: str | None
    reject: str | None = None
    regular: bool = False
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    """Virtual seconds from the starting point on."""

    @property
    def patterns(self) -> dict[str, str | re.Pattern[str]]:
        """What is looked for, by how a run has ended that prints it."""
        texts = {PASSED: self.expect, REJECTED: self.reject}
        return {
            ending: re.compile(text) if self.regular else text
            for ending, text in texts.items()
            if text is not None
        } or {REJECTED: _NOTHING}


class Outcome(msgspec.Struct, frozen=True):
    ending: str
    """"passed", "rejected", "panicked", "hangs" or "runs on" (at the end of its time), or a
    StopReason."""
    exit_code: int | None = None
    message: str = ""
    """What the machine has to say about the end."""
    finding: str = ""
    """What is wrong with the guest's threads, such as a deadlock, if that is known."""
    last_line: str = ""
    """The last line that is not empty of what the guest printed after the starting point."""
    digest: str = ""
    """Of what it printed, where all numbers count as the same: they are times and addresses."""
    busy_cycles: int = 0
    seconds: float = 0.0
    """Virtual, from the starting point."""
    struck: list[Struck] = []
    """The preemptions that took effect."""

    @property
    def passed(self) -> bool:
        return self.ending == PASSED

    @property
    def kind(self) -> tuple[str, int | None, str]:
        """The same for outcomes that look the same."""
        return self.ending, self.exit_code, self.digest


class Trials:
    def __init__(self, machine: Machine, goal: Goal) -> None:
        """`machine` is at the starting point, and stays there."""
        self._machine = machine
        self._goal = goal

    def run(self, plan: Sequence[Preemption], log: Path | None = None) -> Outcome:
        """Let a clone run with these preemptions until it passes or fails. With `log`, write down
        there what it does; LogError when that cannot be."""
        with self._machine.fork() as clone:
            clone.preemptions = list(plan)
            if log is not None:
                clone.record(log)
            patterns = self._goal.patterns
            search = Search(clone.console, [*patterns.values()], len(clone.console.output))
            begin, busy = clone.board.clock.now, clone.busy_cycles
            stop, hangs = self._run(clone, search)
            text = clone.console.output[len(self._machine.console.output) :]
            search()
            ending = self._ending(stop, [*patterns], search, hangs)
            return Outcome(
                ending=ending,
                exit_code=stop.exit_code,
                message=stop.message,
                finding="" if ending == PASSED else _finding(clone),
                last_line=last_line(text),
                digest=digest(text),
                busy_cycles=clone.busy_cycles - busy,
                seconds=(clone.board.clock.now - begin) / SECOND,
                struck=clone.board.struck,
            )

    def _ending(self, stop: Stop, endings: list[str], search: Search, hangs: bool) -> str:
        # Text counts that came at the very end, too.
        if search.found is not None:
            return endings[search.found[0]]
        if stop.reason is StopReason.CYCLE_LIMIT:
            return HANGS if hangs else RUNS_ON
        if stop.reason is StopReason.POWER_OFF:
            if stop.exit_code:
                return PANICKED
            if self._goal.expect is None:
                return PASSED
        return str(stop.reason)

    def _run(self, clone: Machine, search: Search) -> tuple[Stop, bool]:
        """How it stopped, and whether it hardly executed anything in the end."""
        cycle = clone.board.time_model.nanoseconds_per_cycle
        limit = int(self._goal.seconds * SECOND) // cycle
        last = max(limit // LAST_PART, 1)
        stop = clone.run(until=search, cycles=max(limit - last, 1))
        if stop.reason is not StopReason.CYCLE_LIMIT:
            return stop, False
        busy = clone.busy_cycles
        stop = clone.run(until=search, cycles=last)
        return stop, (clone.busy_cycles - busy) * BUSY_SHARE < last


def _finding(machine: Machine) -> str:
    """What is wrong with the threads of the guest's kernel, if it is known."""
    try:
        return "; ".join(machine.guest_threads().findings)
    except KsegError:
        return ""


def last_line(text: str) -> str:
    """The last line with something in it, cut to a length for a report."""
    lines = text[-4 * LONGEST_LINE :].split("\n")
    found = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return found[:LONGEST_LINE]


def digest(text: str) -> str:
    """Of a guest's output without its numbers."""
    plain = _NUMBER.sub("#", text).encode("utf-8", "surrogatepass")
    return blake2b(plain, digest_size=8).hexdigest()
