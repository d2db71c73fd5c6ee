"""What a debugger needs of a machine's past: `kseg.api.travel.TimeTravel` has it."""

from collections.abc import Callable, Iterable
from typing import Protocol

from kseg.engine.contract import Watchpoint
from kseg.monitor.stop import Stop
from kseg.unwind.machine import RunnableMachine


class History(Protocol):
    """The moments of a run, one of which is visited."""

    @property
    def machine(self) -> RunnableMachine:
        """The machine at the moment that is visited."""
        ...

    @property
    def in_past(self) -> bool:
        """Whether that is not the machine whose run goes on."""
        ...

    @property
    def first_cycle(self) -> int: ...

    @property
    def moment(self) -> int:
        """A number that grows from turn to turn of the processors."""
        ...

    def go_to(self, cycle: int) -> None: ...

    def step_back(self, processor: int = 0) -> bool:
        """Go to where a processor was one instruction before; False at the beginning."""
        ...

    def run_back(
        self,
        breakpoints: Iterable[int] = (),
        watchpoints: Iterable[Watchpoint] = (),
        interrupted: Callable[[], bool] = ...,
        *,
        wanted: Callable[[int, Stop], bool] | None = None,
        before: int | None = None,
        to: int | None = None,
    ) -> Stop | None:
        """Go to the last stop before a moment, of those that are wanted; None at the beginning, or
        at cycle `to`."""
        ...

    def last_write(self, address: int | str, length: int | None = None) -> Stop | None:
        """Go to the last write before; a name is what it stands for."""
        ...

    def run(self, *, until: Callable[[], bool] | None = None, cycles: int | None = None) -> Stop:
        """Let it run forward. Where there is no more of it LOG_END, unless there is a stop."""
        ...

    def close(self) -> None: ...
