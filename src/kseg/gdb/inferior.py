"""A machine that is debugged: GDB's word for it is inferior, and its processors are threads."""

from collections import deque
from collections.abc import Collection

from kseg.api.virtual_machine import VirtualMachine
from kseg.engine.contract import Engine
from kseg.gdb.breakpoints import Points
from kseg.gdb.registers import MOST_REPORTED, ReportedValues
from kseg.monitor.stop import Stop, StopReason


class Inferior:
    """One machine, and what a debugger has set in it and knows of it."""

    def __init__(self, number: int, name: str, machine: VirtualMachine) -> None:
        """`number` is that of the process that the machine is to GDB."""
        self.number, self.name, self.machine = number, name, machine
        self.points = Points()
        self.reported: ReportedValues = deque(maxlen=MOST_REPORTED)
        """What the debugger has read in registers that cannot be written."""
        self.attached = False
        """Whether a debugger is there for it; the others run as if there were none."""
        self.runs = False
        """Whether the debugger has let it run, and not one of the others alone."""
        self.end: Stop | None = None
        """What will be its end when it goes on: what its hardware does not survive."""
        self._after_slot: int | None = None
        self._stepped = 0
        self._stopped_for_guest = machine.monitor.stop_for_debugger

    @property
    def _engine(self) -> Engine:
        return self.machine.engine

    def attach(self) -> None:
        """A debugger comes: nothing is set."""
        self.attached = True
        self.points.clear()
        self.reported.clear()
        self.machine.monitor.stop_for_debugger = True

    def detach(self) -> None:
        """It leaves, and takes with it what it has set."""
        self.attached = False
        self.points.clear()
        self.machine.monitor.stop_for_debugger = self._stopped_for_guest
        self._after_slot = None
        self.points.apply(self._engine)

    def prepare(self, processor: int, further: Collection[int] = ()) -> None:
        """It is about to run: tell the engine what is set, and `further` addresses to stop at.
        `processor` is the one that may be about to be stepped.

        GDB steps by a breakpoint at the next instruction. In a delay slot it cannot know which that
        is, and takes the one behind the slot: the branch's target is one too, then.
        """
        state = self.machine.processors[processor].state
        self._after_slot, self._stepped = None, processor
        if state.in_delay_slot and self.points.breakpoint_type(state.pc + 4) is not None:
            self._after_slot = state.next_pc & ~3
            further = {*further, self._after_slot}
        self.points.apply(self._engine, further)

    def forget_stop(self, processor: int) -> None:
        """What a processor has stopped for is still to come."""
        self._engine.pass_stop(processor, None)

    def passes_by(self, stop: Stop) -> bool:
        """Is it a stop behind a delay slot, at which another processor has arrived?"""
        if stop.reason is not StopReason.BREAKPOINT or self._after_slot is None:
            return False
        pc = self.machine.processors[stop.processor].state.pc
        known = self.points.breakpoint_type(pc) is not None
        return not known and stop.processor != self._stepped
