"""Where code would go back to: its instructions tried on a copy of a processor.

What a function returns to, and what an exception handler returns to, is decided by the instructions
that are still to come: an epilogue, or the restoring of a trap frame, whatever its layout is. So
they are executed here (they are the declarations of `kseg.isa.instructions`), with registers and
memory of their own, up to the jump that leaves. What is not known stays unknown; calls are stepped
over; where a condition is not known, both ways are tried. This is bounded, and nothing of it is
seen by the guest.
"""

from typing import Any, Literal, NamedTuple

from kseg.debug.guest_memory import GuestMemory
from kseg.debug.unknown import UNKNOWN, Number, Unknown, known
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode, Fatal
from kseg.isa.instruction_set import InstructionSet, instruction_set
from kseg.isa.profile import Profile
from kseg.isa.values import WORD

MOST_STEPS_BACK = 40
"""Instructions tried on the way back to a caller: what lies straight ahead."""
MOST_STEPS = 600
"""Instructions tried on the way out of a handler, all ways together."""
MOST_BRANCHES = 16
"""Ways that wait to be tried."""

RETURN_ADDRESS, STACK_POINTER, FRAME_POINTER = r.RETURN_ADDRESS, 29, 30
RETURN = "return"
"""What stands here for the branch `jr ra`."""
JUMP_TO_RETURN_ADDRESS = 0x03E00008
ADDI, ADDIU = 8, 9
CALLS = frozenset(["jal", "jalr", "bltzal", "bgezal"])
LOST_IN_CALLS = (1, *range(2, 16), 24, 25, RETURN_ADDRESS)
"""Registers that a function need not preserve (o32)."""


class Way(NamedTuple):
    """How code is left: `interrupted` if by a return from an exception, `registers` as they are
    then, `user` if that leads to user mode (None where that is not known)."""

    interrupted: bool
    pc: int
    registers: list[Number]
    user: bool | None


class Control(NamedTuple):
    """The CP0 registers that a handler reads, as they are or unknown."""

    status: Number = UNKNOWN
    cause: Number = UNKNOWN
    epc: Number = UNKNOWN
    bad_vaddr: Number = UNKNOWN
    context: Number = UNKNOWN


class _End(Exception):
    """This way leads nowhere."""


class _Registers(list[Any]):
    def __setitem__(self, number: Any, value: Any) -> None:
        if number:
            super().__setitem__(number, value if isinstance(value, Unknown) else value & WORD)


class _Scratch:
    """Implements `kseg.isa.semantics.Processor`; see there for each method."""

    def __init__(
        self, profile: Profile, memory: GuestMemory, registers: list[Number], control: Control
    ) -> None:
        self.profile = profile
        self.big_endian = memory.byte_order == "big"
        self.gpr = _Registers(registers)
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

    def copy(self) -> "_Scratch":
        other = object.__new__(_Scratch)
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

    def branch(self, condition: Number, target: Number) -> None:
        self.jump = (condition, target)

    def trap(self, code: ExceptionCode, coprocessor: int = 0) -> None:
        raise _End

    def trap_if(self, condition: Number, code: ExceptionCode, coprocessor: int = 0) -> None:
        if known(condition):
            raise _End

    def stop_if_debugged(self) -> None: ...

    def fatal_if(self, condition: Number, reason: Fatal, value: Number) -> None:
        if known(condition):
            raise _End

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


class Start(NamedTuple):
    """Where a rehearsal begins: at `pc`; behind it lies `after_slot` if that is a delay slot."""

    pc: int
    registers: list[Number]
    control: Control
    after_slot: int | None = None


class Rehearsal:
    """Tries code of one guest, at one moment."""

    def __init__(self, profile: Profile, memory: GuestMemory) -> None:
        self._profile = profile
        self._memory = memory
        self._instructions: InstructionSet = instruction_set(profile.name)

    def way_back(self, start: Start) -> Way | None:
        """How a function is left whose end is straight ahead: only such returns count as come
        before any call and any branch of which it is not known whether it is taken, and with a
        stack pointer that has only been moved within the stack. So what is seen is what remains of
        an epilogue, or of a leaf."""
        return self._search(start, "return")

    def way_out(self, start: Start) -> Way | None:
        """How an exception handler is left; None where `start` is in none."""
        return self._search(start, "exception")

    def _search(self, start: Start, wanted: Literal["return", "exception"]) -> Way | None:
        cpu = _Scratch(self._profile, self._memory, start.registers, start.control)
        branch = ""
        if start.after_slot is not None:
            cpu.jump = (True, start.after_slot)
            branch = self._branch_at((start.pc - 4) & WORD)
        waiting = [(cpu, start.pc, branch)]
        steps = MOST_STEPS if wanted == "exception" else MOST_STEPS_BACK
        while waiting:
            cpu, pc, branch = waiting.pop()
            try:
                while steps > 0:
                    steps -= 1
                    jump = cpu.jump
                    name = self._execute(cpu, pc, jump is not None, wanted)
                    pc = (pc + 4) & WORD
                    if jump is None:
                        branch = name
                        continue
                    cpu.jump = None
                    condition, target = jump
                    if branch not in CALLS and isinstance(target, int):
                        if cpu.returned and wanted == "exception":
                            return _way(cpu, target, interrupted=True)
                        if branch == RETURN and wanted == "return" and not cpu.returned:
                            return _way(cpu, target, interrupted=False)
                    if wanted == "exception" and branch in CALLS:
                        cpu.forget()
                    elif wanted == "exception" and isinstance(condition, Unknown):
                        if isinstance(target, int) and len(waiting) < MOST_BRANCHES:
                            waiting.append((cpu.copy(), target, ""))
                    else:
                        pc = self._after(branch, condition, target, pc)
            except _End:
                continue
        return None

    def _after(self, branch: str, condition: Number, target: Number, behind: int) -> int:
        """Where a branch leads that is known; _End if this way is to be followed no further."""
        if branch == RETURN or branch in CALLS or isinstance(condition, Unknown):
            raise _End
        if not condition:
            return behind
        if isinstance(target, Unknown):
            raise _End
        return target

    def _execute(self, cpu: _Scratch, pc: int, in_slot: bool, wanted: str) -> str:
        """Execute an instruction; what `_branch_at` says about it."""
        word = self._memory.word(pc)
        encoding = None if word is None else self._instructions.decode(word)
        if encoding is None or word is None:
            raise _End
        declared = encoding.instruction
        if declared.is_branch and in_slot:
            raise _End
        cpu.pc, cpu.next_pc = pc, (pc + 4) & WORD
        stack = known(cpu.gpr[STACK_POINTER])
        declared.meaning(cpu, *encoding.operands(word))
        moved = known(cpu.gpr[STACK_POINTER]) != stack
        if moved and wanted == "return" and not moves_within_stack(word):
            raise _End
        return self._branch_at(pc) if declared.is_branch else ""

    def _branch_at(self, pc: int) -> str:
        """The name of a branch, or RETURN; nothing for other instructions."""
        word = self._memory.word(pc)
        encoding = None if word is None else self._instructions.decode(word)
        if encoding is None or not encoding.instruction.is_branch:
            return ""
        return RETURN if word == JUMP_TO_RETURN_ADDRESS else encoding.instruction.name


def moves_within_stack(word: int) -> bool:
    """Is an instruction that writes sp one that lets it point to the same stack as before? That is
    adding a constant, or going back to the frame pointer."""
    if word >> 26 in (ADDI, ADDIU):
        return word >> 21 & 31 == STACK_POINTER
    sources = {word >> 21 & 31, word >> 16 & 31}
    return word >> 26 == 0 and sources == {0, FRAME_POINTER}


def _way(cpu: _Scratch, target: int, *, interrupted: bool) -> Way:
    user = None if isinstance(cpu.status, Unknown) else bool(cpu.status & r.STATUS_KUC)
    return Way(interrupted, target, list(cpu.gpr), user)
