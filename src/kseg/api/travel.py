"""`TimeTravel`: any moment of a run, also one that is over.

Reverse execution: a run is a pure function of a state and of the input since. So going back is
going to an earlier checkpoint, and forward from there by replay. Output is not undone: what the
machine has printed or written to a disk image stays, and while the past is visited nothing is
printed or written a second time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from kseg import checks
from kseg.api import points
from kseg.api.options import Running
from kseg.api.repeating import become, repeating
from kseg.api.replay_cursor import ReplayCursor
from kseg.api.reverse_search import STOPS, Search, Stretch
from kseg.api.snapshots import can_be_cut, check_savable, is_whole
from kseg.engine.contract import ExitReason, Watchpoint
from kseg.engine.state import ProcessorState
from kseg.errors import KsegError, StateError
from kseg.history.checkpointer import Checkpointer
from kseg.history.checkpoints import Checkpoint, Checkpoints
from kseg.history.input_recorder import InputRecorder
from kseg.isa.values import WORD
from kseg.machine.processor_state import executed
from kseg.machine.run_lock import RunLock
from kseg.monitor.observers import Edits
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.replay import Replay
    from kseg.api.virtual_machine import VirtualMachine

MEMORY = 256 << 20
"""Bytes that checkpoints may take, unless told otherwise."""

FIRST_WINDOW, LARGEST_WINDOW = 1 << 10, 1 << 24
"""Cycles that are searched at once for the last stop: little at first, for it is often near."""


class MomentError(KsegError, LookupError):
    """A moment of which nothing is known."""


class TimeTravel:
    """The moments of a run, from `first_cycle` on. `machine` is the machine at the moment that is
    visited: inspect it, and run it; but what is changed in the past is lost."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        cursor: Callable[[], ReplayCursor],
        present: "VirtualMachine | None" = None,
        begin_anew: Callable[[], None] = lambda: None,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """Use `travel_in_log` or `travel_live`. `present` is a machine whose run goes on; without
        one, the cursor is all there is. `begin_anew` is called when the machine was changed, `end`
        when nothing will be visited any more."""
        self.checkpoints = checkpoints
        self._make_cursor = cursor
        self._cursor: ReplayCursor | None = None
        self._present = present
        self._begin_anew, self._end = begin_anew, end
        self._lock = RunLock("time travel")
        self.in_past = False
        """Whether what is visited is the past of a machine whose run goes on."""

    @property
    def machine(self) -> "VirtualMachine":
        """The machine as it is at the moment that is visited."""
        if self._present is None or self.in_past:
            return self._here.machine
        return self._present

    @property
    def first_cycle(self) -> int:
        """The earliest cycle that can be visited."""
        return self.checkpoints.first.cycle if len(self.checkpoints) else self.machine.cycles

    @property
    def _here(self) -> ReplayCursor:
        if self._cursor is None:
            self._cursor = self._make_cursor()
        return self._cursor

    # Going.

    def go_to(self, cycle: int) -> None:
        """Visit a cycle, or the run's last one if that comes earlier. MomentError, a LookupError,
        for one before `first_cycle`."""
        cycle = checks.whole("cycle", cycle)
        with self._holding():
            self._go_to(cycle)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        """Nothing else uses the run meanwhile."""
        with self._lock:
            if self._present is None:
                yield
            else:
                with self._present.board.run_lock:
                    yield

    def _go_to(self, cycle: int) -> None:
        present = self._present
        if present is not None and cycle >= present.cycles:
            self.in_past = False
            return
        if cycle < self.first_cycle:
            raise MomentError(f"cycle {cycle}: what is known begins at cycle {self.first_cycle}")
        self._visit(cycle)

    def _visit(self, cycle: int) -> None:
        self._here.go_to(cycle)
        self.in_past = self._present is not None

    def run(
        self,
        *,
        until: Callable[[], bool] | None = None,
        cycles: int | None = None,
        until_pc: points.Addresses | None = None,
        watch: points.Watched | None = None,
    ) -> Stop:
        """Let the machine run from the moment that is visited: see `Machine.run`. In the past of a
        machine whose run goes on it stops where that is at present, with LOG_END."""
        with self._lock:
            return self._run(until, cycles, until_pc, watch)

    def _run(
        self,
        until: Callable[[], bool] | None,
        cycles: int | None,
        until_pc: points.Addresses | None,
        watch: points.Watched | None,
    ) -> Stop:
        if cycles is not None:
            cycles = checks.cycles_of("cycles", cycles)
        present = self._present
        if present is None or not self.in_past:
            return self.machine.run(until=until, cycles=cycles, until_pc=until_pc, watch=watch)
        cursor = self._here
        left = max(present.cycles - cursor.machine.cycles, 0)
        limit = left if cycles is None else min(cycles, left)
        stop = cursor.machine.run(until=until, cycles=limit, until_pc=until_pc, watch=watch)
        cursor.is_astray = stop.reason in STOPS
        if cursor.machine.cycles < present.cycles:
            return stop
        return self._arrive(present, stop, until_pc, watch)

    def _arrive(
        self,
        present: "VirtualMachine",
        stop: Stop,
        until_pc: points.Addresses | None,
        watch: points.Watched | None,
    ) -> Stop:
        """The cursor is in the cycle in which the present is: go to the present, unless there is
        something to stop for before. What the machine has to stop for in the present itself comes
        before LOG_END, too: it is looked for by running beyond it."""
        cursor, now = self._here, points.moment(present)
        machine = cursor.machine
        cursor.checkpointer.idle = True
        try:
            while stop.reason not in STOPS and points.moment(machine) <= now:
                before = points.moment(machine)
                stop = _go_on(machine, until_pc, watch)
                if points.moment(machine) == before and stop.reason not in STOPS:
                    break
        finally:
            cursor.checkpointer.idle = False
        if stop.reason in STOPS and points.moment(machine) < now:
            return stop
        due = stop.reason in STOPS and points.moment(machine) == now
        cursor.is_astray = True
        self.in_past = False
        if due and stop.reason in _EXITS:
            present.engine.pass_stop(stop.processor, _EXITS[stop.reason])
        return stop if due else Stop(StopReason.LOG_END, None, "this is the present")

    def step_back(self, processor: int = 0) -> bool:
        """Go to where a processor was about to execute the instruction before; False at the
        beginning, which is then visited."""
        processor = checks.processor(processor, len(self.machine.board.processors))
        with self._holding():
            return self._step_back(processor)

    def _step_back(self, processor: int) -> bool:
        begun = executed(self._state(processor))
        machine = self.machine
        # In the middle of a cycle it may have executed already.
        at = machine.cycles - int(is_whole(machine))
        if at < self.first_cycle:
            return False
        if self._has_begun(at, processor, begun):
            # It waited, for an unknown time.
            low, high = self._around(at, processor, begun)
            if self._has_begun(low, processor, begun):
                return False
            while high - low > 1:
                middle = (low + high) // 2
                if self._has_begun(middle, processor, begun):
                    high = middle
                else:
                    low = middle
            self._go_to(low)
        return True

    def _has_begun(self, cycle: int, processor: int, count: int) -> bool:
        """Go to a cycle: has a processor begun so many instructions there?"""
        self._go_to(cycle)
        return executed(self._state(processor)) >= count

    def _around(self, cycle: int, processor: int, count: int) -> tuple[int, int]:
        """Two cycles before one: at the first a processor had not begun so many instructions, if
        that was ever so, and at the second it had."""
        low, high = self.first_cycle, cycle
        for checkpoint in self.checkpoints:
            if checkpoint.cycle < cycle:
                if executed(checkpoint.processor(processor)) >= count:
                    return low, checkpoint.cycle
                low = checkpoint.cycle
        return low, high

    @property
    def moment(self) -> int:
        """A number that grows from turn to turn of the processors: what is visited, in order."""
        return points.moment(self.machine)

    def run_back(
        self,
        breakpoints: points.Addresses = (),
        watchpoints: points.Watched = (),
        interrupted: Callable[[], bool] = lambda: False,
        *,
        wanted: Callable[[int, Stop], bool] | None = None,
        before: int | None = None,
        to: int | None = None,
    ) -> Stop | None:
        """Go to the last moment before this one at which the machine would have stopped for one of
        these, which are what `Machine.run` takes as `until_pc` and `watch`; the Stop says why.
        None at the beginning, which is then visited. When `interrupted()` says so, a Stop at some
        moment on the way.

        With `wanted`, stops for which a debugger is wanted are found too, and only those of all
        count about which it says so; it is called with the moment and the Stop, while the machine
        stands there. `before` is another moment than this one to look before, and `to` a cycle
        before which nothing is looked for, and that is visited when nothing is found."""
        symbols = lambda: self.machine.symbols  # noqa: E731 - most searches need none
        instructions = points.breakpoints("breakpoints", breakpoints, symbols)
        accesses = points.watchpoints("watchpoints", watchpoints, symbols)
        search = Search(
            instructions,
            accesses,
            interrupted,
            wanted or (lambda _, stop: stop.reason in points.HITS),
            self.moment if before is None else before,
        )
        with self._holding():
            return self._run_back(search, to)

    def _run_back(self, search: Search, to: int | None) -> Stop | None:
        if not len(self.checkpoints):
            return None
        end = -(-search.before // len(self.machine.board.processors))
        size, first = FIRST_WINDOW, self.first_cycle if to is None else max(to, self.first_cycle)
        while end > first:
            begin = max(end - size, first)
            hit = self._last_hit(begin, end, search)
            if hit is not None:
                return hit
            end, size = begin, min(8 * size, LARGEST_WINDOW)
        self._go_to(first)
        return None

    def last_write(self, address: int | str, length: int | None = None) -> Stop | None:
        """Go to where something was about to write to `length` bytes (4) from a virtual address, or
        to what a name stands for, the last time before this moment; None when nothing was, and the
        beginning is visited."""
        if length is None:
            return self.run_back((), address)
        if isinstance(address, str):
            (address,) = self.machine.symbols.addresses(address)[:1]
        address = checks.address("address", address)
        length = checks.whole("length", length, 1, WORD + 1 - address)
        return self.run_back((), [Watchpoint(address, address + length - 1, False, True)])

    def _last_hit(self, begin: int, end: int, search: Search) -> Stop | None:
        """Go to the last stop from cycle `begin` to `end` that is looked for."""
        found = self._run_over(begin, end, search)
        if found.interrupted or search.interrupted():
            return Stop(StopReason.INTERRUPTED)
        if found.last is not None:
            self._run_over(begin, end, search, found.number)
        return found.last

    def _run_over(self, begin: int, end: int, search: Search, number: int | None = None) -> Stretch:
        """Run from cycle `begin` to `end`, or to the stop with a number."""
        cursor = self._here
        self._visit(begin)
        machine, engine = cursor.machine, cursor.machine.engine
        engine.set_breakpoints(search.breakpoints)
        engine.set_watchpoints(search.watchpoints)
        cursor.checkpointer.idle = True
        stretch = Stretch(cursor, search, number)
        stops_on_break = engine.stop_on_break
        try:
            with machine.observers.added(stretch):
                if machine.run(cycles=end - machine.cycles).reason is StopReason.CYCLE_LIMIT:
                    cursor.is_astray = False
        finally:
            engine.stop_on_break = stops_on_break
            cursor.checkpointer.idle = False
            cursor.checkpointer.moved()
        return stretch

    def _state(self, processor: int) -> ProcessorState:
        return self.machine.board.processors[processor]

    # The run goes on.

    def changed(self) -> None:
        """The user has edited the machine whose run goes on: its past begins here. Memory,
        registers, `load` and `reset` say so themselves."""
        self.checkpoints.clear()
        if self._cursor is not None:
            self._cursor.forget()
        self._begin_anew()

    def __enter__(self) -> "TimeTravel":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing will be visited any more, and nothing remembered. A second time does nothing."""
        if self._lock.closed:
            return
        with self._lock:
            self._lock.close()
            self._end()
            if self._present is not None and self._cursor is not None:
                self._cursor.machine.close()


_EXITS = {
    StopReason.BREAKPOINT: ExitReason.BREAKPOINT,
    StopReason.WATCHPOINT: ExitReason.WATCHPOINT,
}


def _go_on(
    machine: "VirtualMachine", until_pc: points.Addresses | None, watch: points.Watched | None
) -> Stop:
    """Run for a cycle, or to what the machine stands at already."""
    if until_pc is None and watch is None:
        return machine.run(cycles=1)
    found = points.Points(
        machine, () if until_pc is None else until_pc, () if watch is None else watch
    )
    with machine.board.run_lock:
        return found.run(machine.engine.clock + 1, None, here=True)


def travel_in_log(replay: "Replay", memory: int | None = None) -> TimeTravel:
    """The moments of a recorded run, from where `replay` stands on; see `Replay.travel`."""
    checkpoints = Checkpoints(MEMORY if memory is None else memory)
    cursor = ReplayCursor(replay.machine, replay.log.history, checkpoints, replay.verifier)
    checkpoints.add(cursor.take())
    return TimeTravel(checkpoints, lambda: cursor)


def travel_live(machine: "VirtualMachine", memory: int | None = None) -> TimeTravel:
    """The moments of a machine's run from here on, or since its recording began, if it is recorded;
    see `Machine.travel`."""
    if machine.board.input_port.replaying:
        raise StateError("the machine repeats a recorded run: visit that with Replay.travel")
    check_savable(machine)
    if not can_be_cut(machine):
        raise StateError("several processors go back with turns of one cycle only (--quantum 1)")
    checkpoints = Checkpoints(MEMORY if memory is None else memory)
    recording = machine.recording
    if recording is not None and recording.goes_on:
        input_recorder = InputRecorder(machine.board, earlier=recording.input_recorder)
        checkpoints.add(recording.beginning)
    else:
        input_recorder = InputRecorder(machine.board)

    def take() -> Checkpoint:
        board = machine.board
        return Checkpoint(
            machine.cycles,
            board.clock.now,
            input_recorder.state(),
            input_recorder.history.end,
            len(machine.console.output),
        )

    def cursor() -> ReplayCursor:
        first, history = checkpoints.first, input_recorder.history
        sectors = {
            slot: device.contents.sectors
            for slot, device in first.state.devices.items()
            if hasattr(device, "contents")
        }
        setup = msgspec.structs.replace(machine.setup, running=Running())
        source = repeating(
            setup.configuration,
            sectors,
            history,
            lambda board: become(board, first.state, history, first.position),
            like=machine.engine,
        )
        made = machine.sibling(setup, source)
        made.engine.stop_on_break = machine.engine.stop_on_break
        made.monitor.stop_for_debugger = machine.monitor.stop_for_debugger
        return ReplayCursor(made, input_recorder.history, checkpoints, present=machine)

    clock, whole = lambda: machine.engine.clock, lambda: is_whole(machine)
    checkpointer = Checkpointer(checkpoints, clock, whole, take)
    machine.observers.add(checkpointer)
    checkpoints.add(take())

    def end() -> None:
        machine.board.run_lock.check_thread()
        machine.observers.remove(checkpointer)
        machine.observers.remove(edits)
        input_recorder.leave()

    found = TimeTravel(checkpoints, cursor, machine, checkpointer.begin_anew, end)
    edits = Edits(found.changed)
    machine.observers.add(edits)
    return found
