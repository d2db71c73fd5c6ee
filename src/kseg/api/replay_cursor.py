"""The replay cursor: a machine that can be put at any cycle of a run, by checkpoint and replay."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kseg.api.repeating import become
from kseg.api.snapshots import is_whole
from kseg.history.checkpointer import Checkpointer
from kseg.history.checkpoints import Checkpoint, Checkpoints
from kseg.history.replay_verifier import ReplayVerifier
from kseg.machine.input_history import InputHistory
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.api.virtual_machine import VirtualMachine

NEAR = (1 << 22, 1 << 17, 1 << 12, 1 << 8)
"""Cycles before one that is visited: there, states are kept for a while, since what is visited next
often lies a little before."""
MOST_NEAR = 12
"""Such states."""


Message = TypeVar("Message")


class ReplayCursor:
    """Goes to any cycle of a run: to the nearest checkpoint, and forward from there by replay."""

    def __init__(
        self,
        machine: "Machine",
        history: InputHistory,
        checkpoints: Checkpoints,
        verifier: ReplayVerifier | None = None,
        present: "VirtualMachine | None" = None,
    ) -> None:
        """`machine` repeats what `history` says; it is in the run, and so are the `checkpoints`.
        `present` is the machine whose run that is, if it is another one."""
        self.machine = machine
        self.checkpoints = checkpoints
        self._history, self._verifier = history, verifier
        self._console = (present or machine).console
        self.is_astray = False
        """Whether the machine has run on where the run itself may go elsewhere, or is about to
        pass what it has stopped for."""
        self._printed = ""
        """What the guest has printed as far as the run is known, if it is this cursor that
        knows."""
        self._output_filters: list[OutputFilter[Any]] = []
        self._near: list[Checkpoint] = []
        self.checkpointer = Checkpointer(checkpoints, self._clock, self._is_whole, self.take)
        machine.observers.add(self.checkpointer)
        if present is None:
            self._output_filters = [
                OutputFilter(machine, machine.output),
                OutputFilter(machine, machine.message),
            ]
            machine.output, machine.message = self._output_filters
            machine.monitor.observers.add(_EachCharacter())

    def _clock(self) -> int:
        return self.machine.engine.clock

    def _is_whole(self) -> bool:
        return is_whole(self.machine)

    def take(self) -> Checkpoint:
        """The machine's state now."""
        machine, verifier = self.machine, self._verifier
        self._remember_output()
        return Checkpoint(
            machine.cycles,
            machine.board.clock.now,
            machine.board.save(),
            machine.board.input_port.position,
            len(machine.console.output),
            0 if verifier is None else verifier.place,
        )

    def go_to(self, cycle: int) -> None:
        """Stand at a cycle, or before it where the run ends earlier. Breakpoints and watchpoints
        are forgotten. LookupError for a cycle before the first checkpoint."""
        machine = self.machine
        self.clear_points()
        start = self._nearest(cycle)
        on_the_way = start.cycle <= machine.cycles <= cycle and is_whole(machine)
        if self.is_astray or not on_the_way:
            self._enter(start)
        for distance in NEAR:
            if cycle - distance > machine.cycles and self._run_to(cycle - distance):
                self._keep_near(self.take())
        self._run_to(cycle)

    def clear_points(self) -> None:
        """Run on without a stop."""
        engine = self.machine.engine
        engine.set_breakpoints(())
        engine.set_watchpoints(())

    def _run_to(self, cycle: int) -> bool:
        """Whether the machine came there."""
        machine = self.machine
        if machine.cycles < cycle:
            with machine.observers.added(_Uninterrupted()):
                machine.run(cycles=cycle - machine.cycles)
        return machine.cycles == cycle

    def _nearest(self, cycle: int) -> Checkpoint:
        found = [each for each in self._near if each.cycle <= cycle]
        kept = self.checkpoints.before(cycle)
        if kept is not None:
            found.append(kept)
        if not found:
            raise LookupError(f"cycle {cycle} lies before all that is known of the run")
        return max(found, key=lambda each: each.cycle)

    def _keep_near(self, checkpoint: Checkpoint) -> None:
        self._near = [each for each in self._near if each.cycle != checkpoint.cycle]
        self._near.append(self.checkpoints.shared(checkpoint))
        del self._near[:-MOST_NEAR]

    def _enter(self, checkpoint: Checkpoint) -> None:
        machine = self.machine
        self._remember_output()
        with machine.board.run_lock:
            become(machine.board, checkpoint.state, self._history, checkpoint.position)
            machine.monitor.state_loaded()
        self.is_astray = False
        for each in self._output_filters:
            each.went_back()
        machine.console.go_to(self._printed[: checkpoint.printed])
        self.checkpointer.moved()
        if self._verifier is not None:
            self._verifier.go_to(checkpoint.place, checkpoint.cycle)

    def _remember_output(self) -> None:
        if len(self._console.output) > len(self._printed):
            self._printed = self._console.output

    def forget(self) -> None:
        """The run begins anew: none of the states that were kept belongs to it."""
        self._near.clear()


class _Uninterrupted(Observer):
    """An interrupt is meant for the machine's run, not for this repetition of it."""

    order = Order.USER

    def stopped(self, stop: Stop) -> Stop | None:
        return RUN_ON if stop.reason is StopReason.INTERRUPTED else None


class _EachCharacter(Observer):
    """What is printed is told in the cycle in which it is: see `OutputFilter`."""

    each_character = True


class OutputFilter(Generic[Message]):
    """Tells a user what a machine prints or says where it is new: not when the machine goes a
    second time along where it was already."""

    def __init__(self, machine: "Machine", tell: Callable[[Message], None] | None) -> None:
        self._machine, self._tell = machine, tell
        self._furthest, self._told = -1, 0
        """The latest time at which something was told, and how much of it came at that time."""
        self._seen = 0

    def __call__(self, what: Message) -> None:
        now = self._machine.board.clock.now
        if now < self._furthest:
            return
        if now > self._furthest:
            self._furthest, self._told, self._seen = now, 0, 0
        self._seen += 1
        if self._seen > self._told:
            self._told = self._seen
            if self._tell is not None:
                self._tell(what)

    def went_back(self) -> None:
        """The machine was put somewhere else."""
        self._seen = 0
