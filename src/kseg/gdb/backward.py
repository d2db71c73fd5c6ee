"""Going back: to the stop before, or by one instruction.

Whatever stops the machine on its way forward does so on its way back. An access to what is watched
is a stop before it, on the way forward; on the way back it is one behind it, for GDB goes back over
the access itself then, to see what it has changed.
"""

from collections.abc import Callable

from kseg.api.travel import TimeTravel
from kseg.gdb.back_step import step_back
from kseg.gdb.conditions import holds
from kseg.gdb.inferior import Inferior
from kseg.monitor.stop import Stop, StopReason


class Backward:
    """Goes back in a history, for one debugger."""

    def __init__(self) -> None:
        self._told: tuple[int, int] | None = None
        """Where we stood when an access was reported, and at which moment that was."""
        self._found = 0

    def step(self, history: TimeTravel, inferior: Inferior, processor: int) -> Stop | None:
        """Go back by one instruction of a processor, or to what stops it before: None where
        nothing is before."""
        before, cycle = history.moment, history.machine.engine.clock
        told = self._told_at(before)
        moved, undone = step_back(history, processor)
        points, there = inferior.points, history.machine.engine.clock
        others = len(history.machine.processors) > 1 or undone is not None
        if points.watchpoints or (points.breakpoints and others):
            target = history.moment

            def wanted(moment: int, stop: Stop) -> bool:
                # A breakpoint at the target is no stop on the way.
                is_access = stop.reason is StopReason.WATCHPOINT
                inside = moment >= target if is_access else moment > target
                if not is_access and stop.processor == processor:
                    # Nor where an exception returned to: that is where the step began.
                    inside = inside and history.machine.processors[processor].state.pc != undone
                return inside and self._is_wanted(history, inferior, told, moment, stop)

            if history.moment < before:
                found = history.run_back(
                    points.breakpoints, points.watchpoints, wanted=wanted, before=before, to=there
                )
                if found is not None:
                    self._stand(history, found, cycle)
                    return found
        return Stop(StopReason.CONDITION) if moved else None

    def run(
        self, history: TimeTravel, inferior: Inferior, interrupted: Callable[[], bool]
    ) -> Stop | None:
        """Go back to the last stop; None where there is none, and the beginning is visited."""
        before, cycle = history.moment, history.machine.engine.clock
        told = self._told_at(before)
        found = history.run_back(
            inferior.points.breakpoints,
            inferior.points.watchpoints,
            interrupted,
            wanted=lambda moment, stop: self._is_wanted(history, inferior, told, moment, stop),
            before=before,
        )
        if found is not None:
            self._stand(history, found, cycle)
        return found

    def _told_at(self, moment: int) -> int | None:
        """The access that has been reported here."""
        told, self._told = self._told, None
        return told[1] if told is not None and told[0] == moment else None

    def _is_wanted(
        self, history: TimeTravel, inferior: Inferior, told: int | None, moment: int, stop: Stop
    ) -> bool:
        if stop.reason is StopReason.WATCHPOINT and moment == told:
            return False
        inferior.machine = history.machine
        if not holds(inferior, stop):
            return False
        self._found = moment
        return True

    def _stand(self, history: TimeTravel, stop: Stop, cycle: int) -> None:
        """Behind an access, but not beyond where we were."""
        if stop.reason is not StopReason.WATCHPOINT:
            return
        history.go_to(min(history.machine.engine.clock + 1, cycle))
        if history.moment <= self._found:
            history.go_to(history.machine.engine.clock + 1)
        self._told = (history.moment, self._found)
