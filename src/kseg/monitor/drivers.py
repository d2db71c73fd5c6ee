"""What executes, as the burst loop knows it: an engine whose processors native code can reach, or
any other one."""

import ctypes
from typing import Any, ClassVar, Protocol

from kseg.engine.contract import Engine, Exit, ExitReason
from kseg.engine.interpreter.layout import (
    LATCH_LOADED,
    LATCH_NONE,
    LATCH_STORED,
    MAX_PROCESSORS,
    Context,
    Shared,
)
from kseg.engine.state import ProcessorState
from kseg.machine.clock import EventClock
from kseg.monitor.burst_loop import NEVER


class NativeEngine(Engine, Protocol):
    """An engine whose loop is native code that works on a `Shared`."""

    @property
    def run_address(self) -> int:
        """The native function that runs it."""
        ...

    @property
    def shared_address(self) -> int:
        """Of the `Shared` on which that works."""
        ...

    @property
    def stretch_end(self) -> int:
        """The cycle at which it wants `look` to be called; one that never comes if it does not."""
        ...

    def look(self) -> None:
        """Look at its own affairs."""
        ...

    def run_native(self, until: int) -> int:
        """Let it run until its clock shows `until`: an ExitReason."""
        ...

    def is_ready(self) -> bool:
        """Whether native code can run it now; if not, its `run` has something to do first."""
        ...

    def exit_of(self, code: int, turn: int) -> Exit | None:
        """What it came back for; None if that is seen to already."""
        ...


class Driver:
    """Lets an engine run for a burst loop."""

    native: ClassVar[bool]
    """Whether the loop can call it directly, at `run_address`."""
    shared_address: int
    """Of the `Shared` in which the loop finds its processors and exits."""
    run_address = 0

    def __init__(self, engine: Engine, clock: EventClock) -> None:
        self.engine, self._clock = engine, clock

    def happen(self, owner: int, name: int, argument: int) -> None:
        """Tell an owner of events that one is due."""
        owners = self._clock.owners
        owners.targets[owner].on_event(owners.events[owner][name], argument)


class NativeDriver(Driver):
    """Of an engine whose processors native code can reach."""

    engine: NativeEngine
    native = True

    def __init__(self, engine: NativeEngine, clock: EventClock) -> None:
        super().__init__(engine, clock)
        self.run = engine.run_native
        self.look = engine.look
        self._shared = Shared.from_address(engine.shared_address)
        self.shared_address, self.run_address = engine.shared_address, engine.run_address

    @property
    def stretch_end(self) -> int:
        return self.engine.stretch_end

    def is_ready(self) -> bool:
        """Whether it can be used now."""
        return self.engine.is_ready()

    def exit_of(self, code: int) -> Exit | None:
        """What the engine came back for; None if that is seen to already."""
        return self.engine.exit_of(code, self._shared.turn)


class PlainDriver(Driver):
    """Of any engine: its exits are copied to where the loop looks for them."""

    native = False

    def __init__(self, engine: Engine, clock: EventClock) -> None:
        super().__init__(engine, clock)
        self._state, self._shared = ProcessorState(), Shared(context_count=1)
        self._contexts = [Context(number=number) for number in range(MAX_PROCESSORS)]
        for number, context in enumerate(self._contexts):
            context.state = ctypes.addressof(self._state)
            self._shared.contexts[number] = ctypes.addressof(context)
        self._exit = Exit(ExitReason.BUDGET)
        self.shared_address = ctypes.addressof(self._shared)
        self._show_clock()

    def _show_clock(self) -> None:
        self._state.clock = self._shared.round = self.engine.clock

    stretch_end = NEVER

    def look(self) -> None:
        """There is nothing to look at."""

    def run(self, until: int) -> int:
        """Let the engine run until its clock shows `until`: an ExitReason."""
        engine, shared = self.engine, self._shared
        context = self._contexts[shared.turn]
        if context.latch == LATCH_STORED:
            engine.complete_store(True)
        elif context.latch == LATCH_LOADED:
            engine.complete_load(context.latch_value, steady=bool(shared.keep_steady))
        context.latch, shared.keep_steady = LATCH_NONE, 0
        self._exit = found = engine.run(until - engine.clock)
        shared.turn = found.processor
        context = self._contexts[found.processor]
        context.exit_address, context.exit_size = found.address, found.size
        context.exit_value, context.exit_mask = found.value, found.mask
        self._show_clock()
        return int(found.reason)

    def skip(self, cycles: int) -> None:
        """Idle cycles pass."""
        self.engine.skip(cycles)
        self._show_clock()

    def is_ready(self) -> bool:
        return True

    def exit_of(self, _code: int) -> Exit:
        """What the engine came back for."""
        self._show_clock()
        return self._exit


def driver_of(engine: Any, clock: EventClock) -> NativeDriver | PlainDriver:
    """The one for an engine."""
    if getattr(engine, "run_address", 0):
        return NativeDriver(engine, clock)
    return PlainDriver(engine, clock)
