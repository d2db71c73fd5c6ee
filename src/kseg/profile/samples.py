"""A profile: where a guest spent its virtual time, as samples with back-traces.

`Profile` is the data, and what is made of it: a table, folded stacks. See `profiler` for how it
comes about, `flame_graph` and `gmon` for other forms.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from kseg.monitor.stop import Stop


class Caller(NamedTuple):
    """A function in a stack; `user` if its code ran in user mode."""

    name: str
    user: bool = False


Stack = tuple[Caller, ...]
"""Functions, the outermost first."""


class FunctionTime(NamedTuple):
    """The samples in a function: `self` in its own instructions, `total` in those and in what it
    called."""

    name: str
    user: bool
    self: int
    total: int


class Profile:
    """Samples, each of one processor at one time."""

    def __init__(self, hz: int) -> None:
        self.hz = hz
        """Samples in a virtual second, of each processor."""
        self.stop: Stop | None = None
        """How the run ended; None while it goes on."""
        self.stacks: Counter[Stack] = Counter()
        """How often each stack was met."""
        self.addresses: Counter[int] = Counter()
        """How often an instruction at an address was the next one."""
        self.waiting: Counter[int] = Counter()
        """The same, of processors that waited for an interrupt."""
        self.arcs: Counter[tuple[int, int]] = Counter()
        """How often a call was in a stack: by where it is, and the function that it called."""

    def __repr__(self) -> str:
        return f"<Profile: {self.busy} samples, {self.idle} idle, {self.hz} Hz>"

    def __str__(self) -> str:
        return self.table()

    def clear(self) -> None:
        self.stacks.clear()
        self.addresses.clear()
        self.waiting.clear()
        self.arcs.clear()

    @property
    def idle(self) -> int:
        """Samples of processors that waited for an interrupt."""
        return self.waiting.total()

    @property
    def busy(self) -> int:
        return self.stacks.total()

    def functions(self) -> list[FunctionTime]:
        """Every function that was met, the busiest first."""
        own: Counter[Caller] = Counter()
        total: Counter[Caller] = Counter()
        for stack, count in self.stacks.items():
            own[stack[-1]] += count
            for caller in set(stack):
                total[caller] += count
        found = [FunctionTime(*caller, own[caller], total[caller]) for caller in total]
        return sorted(found, key=lambda each: (-each.self, -each.total, each.name, each.user))

    def table(self, most: int = 30) -> str:
        """The busiest functions, `most` of them: percentages are of the time that was not idle."""
        functions, busy = self.functions(), self.busy
        milliseconds = 1000 / self.hz
        idle = self.idle
        counts = f"{busy + idle} samples: {busy} busy, {busy * milliseconds:.1f} ms;"
        lines = [f"{counts} {idle} idle, {idle * milliseconds:.1f} ms"]
        if functions:
            lines.append("    self ms  self %   total ms total %  function")
        for each in functions[:most]:
            lines.append(
                f"{each.self * milliseconds:11.1f} {100 * each.self / busy:7.1f}"
                f" {each.total * milliseconds:10.1f} {100 * each.total / busy:7.1f}"
                f"  {each.name}{' (user)' if each.user else ''}"
            )
        if len(functions) > most:
            lines.append(f"({len(functions) - most} more)")
        return "\n".join(lines)

    def folded(self) -> Iterable[str]:
        """Folded stacks, as flame graph tools take them: functions from the outermost on, joined by
        semicolons, and the number of samples. Idle ones are a stack of their own."""
        lines = [
            f"{';'.join(_word(caller.name) for caller in stack)} {count}"
            for stack, count in self.stacks.items()
        ]
        if self.idle:
            lines.append(f"(idle) {self.idle}")
        return sorted(lines)


def _word(name: str) -> str:
    return name.replace(";", ":").replace(" ", "_")
