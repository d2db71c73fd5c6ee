# ruff: noqa: ARG002 - most of what a processor is told has no effect here
"""The processor of symbolic execution: a copy with registers and memory of its own, in which some
values are unknown."""

from typing import Any, NamedTuple

from kseg.isa.exceptions import ExceptionCode, Fatal
from kseg.isa.profile import Profile
from kseg.isa.registers import RETURN_ADDRESS
from kseg.isa.unknown import UNKNOWN, Number, Unknown, UnknownRegisters, known
from kseg.isa.values import WORD
from kseg.unwind.guest_memory import GuestMemory

LOST_IN_CALLS = (1, *range(2, 16), 24, 25, RETURN_ADDRESS)
"""Registers that a function need not preserve (o32)."""


class Control(NamedTuple):
    """The CP0 registers that a handler reads, as they are or unknown."""

    status: Number = UNKNOWN
    cause: Number = UNKNOWN
    epc: Number = UNKNOWN
    bad_vaddr: Number = UNKNOWN
    context: Number = UNKNOWN


class InfeasiblePathError(Exception):
    """The path that is being executed is infeasible, or leads nowhere."""


class _Registers(list[Any]):
    def __setitem__(self, number: Any, value: Any) -> None:
        if number:
            super().__setitem__(number, value if isinstance(value, Unknown) else value & WORD)


class SymbolicProcessor:
    """Implements `kseg.isa.semantics.Processor`; see there for each method."""

    def __init__(
        self, profile: Profile, memory: GuestMemory, registers: list[Number], control: Control
    ) -> None:
        self.profile = profile
        self.big_endian = memory.byte_order == "big"
        self.gpr = _Registers(registers)
        self.fpr, self.fcsr = UnknownRegisters(), UNKNOWN
        self.memory = memory
        self.stored: dict[int, Number] = {}
        self.pc = self.next_pc = 0
        self.status, self.cause, self.epc = control.status, control.cause, control.epc
        self.bad_vaddr, self.context = control.bad_vaddr, control.context
        self.hi: Number = UNKNOWN
        self.lo: Number = UNKNOWN
        self.entry_hi = self.entry_lo = self.index = self.compare = UNKNOWN
        self.target_address = self.interrupt_lines = self.timer_line = UNKNOWN
        self.ll_pending = self.ll_address = self.ll_value = UNKNOWN
        self.jump: tuple[Number, Number] | None = None
        """The condition and the target of a branch that was just executed."""
        self.returned = False
        """Whether an RFE has been executed."""

    def copy(self) -> "SymbolicProcessor":
        other = object.__new__(SymbolicProcessor)
        other.__dict__ = dict(self.__dict__)
        other.gpr, other.stored = _Registers(self.gpr), dict(self.stored)
        return other

    def forget(self) -> None:
        """A function has been called and has returned."""
        for number in LOST_IN_CALLS:
            self.gpr[number] = UNKNOWN
        # It may have let in other exceptions.
        self.cause = self.epc = self.bad_vaddr = self.context = UNKNOWN

    # Registers.

    def load_gpr(self, number: int, value: Number) -> None:
        self.gpr[number] = value

    def latest_gpr(self, number: int) -> Number:
        found: Number = self.gpr[number]
        return found

    def interlock(self, *, hi: bool, lo: bool) -> None: ...

    def occupy(self, *, hi: bool, lo: bool) -> None: ...

    # Control.

    def branch(
        self, condition: Number, target: Number, link: tuple[int, Number] | None = None
    ) -> None:
        self.jump = (condition, target)
        if link is not None:
            self.gpr[link[0]] = link[1]

    def trap(self, code: ExceptionCode, coprocessor: int = 0) -> None:
        raise InfeasiblePathError

    def trap_if(self, condition: Number, code: ExceptionCode, coprocessor: int = 0) -> None:
        if known(condition):
            raise InfeasiblePathError

    def stop_if_debugged(self) -> None: ...

    def fatal_if(self, condition: Number, reason: Fatal, value: Number) -> None:
        if known(condition):
            raise InfeasiblePathError

    # Floating point: nothing that a back-trace needs comes of it.

    def compute(self, format_: int, operation: int, fd: Number, fs: Number, ft: Number) -> None: ...

    def write_fcsr(self, value: Number) -> None: ...

    def raise_unimplemented(self) -> None: ...

    # Memory.

    def load_around(self, address: Number) -> Number:
        if isinstance(address, Unknown):
            return UNKNOWN
        place = address & ~3
        if place in self.stored:
            return self.stored[place]
        word = self.memory.word(place)
        return UNKNOWN if word is None else word

    def load(self, address: Number, size: int) -> Number:
        word = self.load_around(address)
        if isinstance(word, Unknown) or isinstance(address, Unknown):
            return UNKNOWN
        offset = address & 3
        shift = (4 - size - offset if self.big_endian else offset) * 8
        return (word >> shift if shift > 0 else word) & ((1 << 8 * size) - 1)

    def store(self, address: Number, size: int, value: Number) -> None:
        if not isinstance(address, Unknown):
            self.stored[address & ~3] = value if size == 4 else UNKNOWN

    def store_masked(self, address: Number, value: Number, mask: Number) -> None:
        self.store(address, 0, UNKNOWN)

    def store_if(
        self, condition: Number, address: Number, expected: Number, value: Number
    ) -> Number:
        self.store(address, 0, UNKNOWN)
        return UNKNOWN

    def check_address(self, condition: Number, address: Number) -> None: ...

    # The privileged half.

    def require_cp0(self) -> None: ...

    def count(self) -> Number:
        return UNKNOWN

    def set_count(self, value: Number) -> None: ...

    def arm_timer(self) -> None: ...

    def random(self) -> Number:
        return UNKNOWN

    def changed_status(self) -> None: ...

    def returned_from_exception(self) -> None:
        self.returned = True

    def changed_address_space(self) -> None: ...

    def tlb_read(self) -> None:
        self.entry_hi = self.entry_lo = UNKNOWN

    def tlb_write(self, number: Number) -> None: ...

    def tlb_probe(self) -> None:
        self.index = UNKNOWN

    def wait(self) -> None: ...

    def tally(self, counter: str, amount: Number = 1) -> None: ...
