"""Steps of a debugger that go from one stop to the next at full speed.

A step of GDB's is one instruction, where a branch counts as one with its delay slot, or as many as
it takes to leave a range of addresses (`vCont;r`). Breakpoints of the stub's own stand where that
can end. So exceptions that come meanwhile, interrupts among them, are not stepped into: they are
taken, and are over, before the step is.
"""

from enum import Enum, auto

from kseg.engine.state import ProcessorState
from kseg.gdb.inferior import Inferior
from kseg.gdb.threads import Thread
from kseg.isa.instruction_set import instruction_set
from kseg.isa.values import WORD
from kseg.machine.processor_state import executed
from kseg.monitor.stop import Stop, StopReason
from kseg.unwind.guest_memory import GuestMemory

LONGEST_RANGE = 0x4000
"""Bytes of a range whose instructions are looked through; in longer ones, each is a stop."""

SPECIAL, J, JAL = 0, 2, 3


class Progress(Enum):
    """What a stop means for a step."""

    GOES_ON = auto()
    FINISHED = auto()
    OTHER = auto()
    """It is a stop for another reason."""


class Step:
    """One step of a processor. `stops` are the addresses at which it is checked next."""

    def __init__(self, thread: Thread, addresses: range | None = None) -> None:
        """Of one instruction, or until pc has left `addresses`."""
        self.thread = thread
        self._inferior, self._processor = thread.inferior, thread.processor
        self._range = addresses
        self._exits: frozenset[int] | None = None
        if addresses is not None and len(addresses) <= LONGEST_RANGE:
            self._exits = exits(self._inferior, self._processor, addresses)
        self._begun = executed(self._state)
        self.stops: frozenset[int] = frozenset()
        self._plan()

    @property
    def is_single(self) -> bool:
        """Whether it is of one instruction, and not of a range."""
        return self._range is None

    @property
    def processor(self) -> int:
        return self._processor

    @property
    def is_at_breakpoint(self) -> bool:
        """Whether the processor is about to execute an instruction with a breakpoint."""
        return self._inferior.points.breakpoint_type(self._state.pc) is not None

    @property
    def _state(self) -> ProcessorState:
        return self._inferior.machine.processors[self._processor].state

    def _plan(self) -> None:
        state = self._state
        self._since = (int(state.pc), executed(state))
        if state.in_delay_slot:
            self.stops = frozenset((state.next_pc & ~3,))
        elif self._exits is not None and self._range is not None and state.pc in self._range:
            self.stops = self._exits
        else:
            # Behind a branch that is its slot, from which it is known where it leads.
            self.stops = frozenset((((state.pc & ~3) + 4) & WORD,))

    def look(self, stop: Stop) -> Progress:
        """The inferior has stopped."""
        if stop.reason is not StopReason.BREAKPOINT:
            return Progress.OTHER
        set_ = self._inferior.points
        pc = self._inferior.machine.processors[stop.processor].state.pc
        is_set = set_.breakpoint_type(pc) is not None
        if stop.processor != self._processor:
            if self.is_over:
                # The other one has its stop when it runs again.
                self._inferior.forget_stop(stop.processor)
                return Progress.FINISHED
            return Progress.OTHER if is_set else Progress.GOES_ON
        if (pc, executed(self._state)) == self._since:
            return Progress.GOES_ON  # where it stood
        if self.is_over:
            return Progress.FINISHED
        if is_set:
            return Progress.OTHER
        self._plan()
        return Progress.GOES_ON

    @property
    def is_over(self) -> bool:
        """Whether the processor has done what it was to do."""
        state = self._state
        if state.in_delay_slot or executed(state) == self._begun or state.pc not in self.stops:
            return False
        return self._range is None or state.pc not in self._range

    @property
    def may_be_over_breakpoint(self) -> bool:
        """Whether the step may be one of a debugger's own, over a breakpoint of its user's."""
        return self._inferior.points.ever_had(self._since[0])

    @property
    def has_moved(self) -> bool:
        return executed(self._state) != self._begun


def exits(inferior: Inferior, processor: int, addresses: range) -> frozenset[int] | None:
    """Where control arrives when it leaves some addresses, and the delay slots of the branches in
    them that lead to where registers say. None where an instruction cannot be read."""
    machine = inferior.machine
    memory = GuestMemory(machine, processor)
    decode = instruction_set(machine.board.profile).decode
    found = {addresses.stop & WORD}
    for address in addresses[::4]:
        word = memory.word(address)
        if word is None:
            return None
        encoding = decode(word)
        if encoding is None or not encoding.instruction.is_branch:
            continue
        slot = (address + 4) & WORD
        if word >> 26 == SPECIAL:
            target = slot
        elif word >> 26 in (J, JAL):
            target = slot & 0xF0000000 | (word & 0x3FFFFFF) << 2
        else:
            target = (slot + (((word & 0xFFFF) ^ 0x8000) - 0x8000) * 4) & WORD
        if target not in addresses or word >> 26 == SPECIAL:
            found.add(target)
    return frozenset(found)
