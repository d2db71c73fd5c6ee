"""The sampling profiler: takes a back-trace of every processor so often in virtual time.

Between two samples the machine runs a number of cycles, as in any other run, and stands while it is
looked at. So samples are at exact times, the guest cannot notice them, and a profile is a function
of the run: the same on every host and engine. They cost the host's time only.
"""

from collections.abc import Collection

from kseg.errors import KsegError
from kseg.inspection.machine import InspectedMachine
from kseg.monitor.observer import Observer
from kseg.monitor.stop import Stop
from kseg.profile.samples import Caller, Profile
from kseg.symbols.symbol_table import Symbols
from kseg.unwind.backtrace import Backtrace, CodeFacts, Unwinder, context_of
from kseg.unwind.guest_memory import GuestMemory

MOST_HZ = 1_000_000
MOST_PROCESSORS = 32
WEYL = 0x9E3779B1
"""Multiples of the golden ratio fill an interval evenly, and repeat nothing."""


class Profiler(Observer):
    def __init__(
        self,
        machine: InspectedMachine,
        *,
        hz: int = 1000,
        stacks: bool = True,
        symbols: Symbols,
        processors: Collection[int] = range(MOST_PROCESSORS),
        visible: bool = False,
    ) -> None:
        """`hz` samples a virtual second of each of the `processors`, with back-traces if `stacks`.
        `visible`: the trace device tells the guest that there is a profiler. KsegError when `hz` is
        not from 1 to `MOST_HZ`."""
        if not 1 <= hz <= MOST_HZ:
            raise KsegError(f"{hz} samples a second: give a number from 1 to {MOST_HZ}")
        self.profile = Profile(hz)
        self._machine = machine
        self._symbols = symbols
        self._stacks = stacks
        self._processors = processors
        self._knowledge = CodeFacts()
        self._period = max(machine.board.time_model.cycles_per_second // hz, 1)
        self._period_begin = machine.engine.clock
        self._periods = 0
        board = machine.board
        board.profiling, board.can_profile = True, visible
        self._clears = board.profile_clears

    @property
    def next_cycle(self) -> int:
        """The cycle of the next sample: one in each period, at another place in each. A guest does
        much at regular times, and samples at regular times would see always or never the same."""
        place = (self._periods * WEYL & 0xFFFFFFFF) * self._period >> 32
        return self._period_begin + place

    def stopped(self, stop: Stop) -> None:  # noqa: ARG002
        """Take a sample if it is time for one."""
        now = self._machine.engine.clock
        if now < self.next_cycle:
            return
        passed = (now - self._period_begin) // self._period + 1
        self._period_begin += passed * self._period
        self._periods += passed
        self._heed_guest()
        if self._machine.board.profiling:
            self.sample()

    def close(self) -> None:
        """Take no more samples."""
        self._heed_guest()
        self._machine.board.can_profile = False

    def _heed_guest(self) -> None:
        """The guest may clear its profile, with the trace device."""
        if self._clears != self._machine.board.profile_clears:
            self._clears = self._machine.board.profile_clears
            self.profile.clear()

    def sample(self) -> None:
        """Sample all processors that run."""
        profile, board = self.profile, self._machine.board
        for number, state in enumerate(board.processors):
            if not state.enabled or number not in self._processors:
                continue
            if state.waiting:
                profile.waiting[state.pc] += 1
                continue
            profile.addresses[state.pc] += 1
            memory = GuestMemory(self._machine, number)
            unwinder = Unwinder(board.profile, memory, self._symbols, self._knowledge)
            context = context_of(state)
            self._add(unwinder.trace(context) if self._stacks else unwinder.innermost(context))

    def _add(self, trace: Backtrace) -> None:
        stack: list[Caller] = []
        for frame in reversed(trace.frames):
            caller = Caller(frame.name, frame.user)
            # Of a program without symbols only so much is known that it is one.
            if not (stack and stack[-1] == caller and frame.location is None):
                stack.append(caller)
        self.profile.stacks[tuple(stack)] += 1
        arcs = set()
        for called, calling in zip(trace.frames, trace.frames[1:], strict=False):
            if called.location is not None and not calling.interrupted:
                arcs.add((calling.pc - 8, called.location.symbol.address))
        self.profile.arcs.update(arcs)
