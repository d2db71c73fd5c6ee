"""The symbolic unwinder: where code would return to, from its instructions executed symbolically.

What a function returns to, and what an exception handler returns to, is decided by the instructions
that are still to come: an epilogue, or the restoring of a trap frame, whatever its layout is. So
they are executed here (they are the declarations of `kseg.isa.instructions`), with registers and
memory of their own, up to the jump that leaves. What is not known stays unknown; calls are stepped
over; where a condition is not known, both paths are tried. This is bounded, and nothing of it is
seen by the guest.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

from kseg.isa import registers as r
from kseg.isa.instruction import Meaning
from kseg.isa.instruction_set import DECODED_KEPT, instruction_set
from kseg.isa.profile import Profile
from kseg.isa.unknown import Number, Unknown
from kseg.isa.values import WORD
from kseg.unwind.guest_memory import GuestMemory
from kseg.unwind.symbolic_processor import Control, InfeasiblePathError, SymbolicProcessor

MOST_STEPS_BACK = 40
"""Instructions executed back to a caller: what lies straight ahead."""
LONGEST_PATH = 300
"""Instructions of one path out of a handler: one may end in a loop."""
MOST_STEPS = 1200
"""Instructions executed out of a handler, all paths together."""
MOST_BRANCHES = 16
"""Paths that wait to be tried."""

STACK_POINTER, FRAME_POINTER = 29, 30
RETURN = "return"
"""What stands here for the branch `jr ra`."""
JUMP_TO_RETURN_ADDRESS = 0x03E00008
ADDI, ADDIU = 8, 9
CALLS = frozenset(["jal", "jalr", "bltzal", "bgezal"])


class ReturnState(NamedTuple):
    """How code is left: `interrupted` if by a return from an exception, `registers` as they are
    then, `user` if that leads to user mode (None where that is not known)."""

    interrupted: bool
    pc: int
    registers: list[Number]
    user: bool | None


class Start(NamedTuple):
    """Where symbolic execution begins: at `pc`; behind it lies `after_slot` if that is a delay
    slot."""

    pc: int
    registers: list[Number]
    control: Control
    after_slot: int | None = None


class SymbolicUnwinder:
    """Executes code of one guest symbolically, at one moment."""

    def __init__(self, profile: Profile, memory: GuestMemory) -> None:
        self._profile = profile
        self._memory = memory
        self._return = JUMP_TO_RETURN_ADDRESS.to_bytes(4, memory.byte_order)

    def function_return(self, start: Start) -> ReturnState | None:
        """How a function is left whose end is straight ahead: only such returns count as come
        before any call and any branch of which it is not known whether it is taken, and with a
        stack pointer that has only been moved within the stack. So what is seen is what remains of
        an epilogue, or of a leaf."""
        length = 4 * (MOST_STEPS_BACK + 1)
        ahead = self._memory.read((start.pc - 4) & WORD, length)
        if ahead is not None and len(ahead) == length and self._return not in ahead:
            return None  # It would be too far; most functions are in their middle.
        return self._search(start, "return")

    def exception_return(self, start: Start) -> ReturnState | None:
        """How an exception handler is left; None where `start` is in none."""
        return self._search(start, "exception")

    def _search(self, start: Start, wanted: Literal["return", "exception"]) -> ReturnState | None:
        cpu = SymbolicProcessor(self._profile, self._memory, start.registers, start.control)
        branch = ""
        if start.after_slot is not None:
            cpu.jump = (True, start.after_slot)
            branch = self._branch_at((start.pc - 4) & WORD)
        waiting = [(cpu, start.pc, branch)]
        steps, longest = (
            (MOST_STEPS, LONGEST_PATH) if wanted == "exception" else (MOST_STEPS_BACK,) * 2
        )
        while waiting and steps > 0:
            cpu, pc, branch = waiting.pop()
            try:
                for _ in range(longest):
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
                            return _return_state(cpu, target, interrupted=True)
                        if branch == RETURN and wanted == "return" and not cpu.returned:
                            return _return_state(cpu, target, interrupted=False)
                    if wanted == "exception" and branch in CALLS:
                        cpu.forget()
                    elif wanted == "exception" and isinstance(condition, Unknown):
                        if isinstance(target, int) and len(waiting) < MOST_BRANCHES:
                            waiting.append((cpu.copy(), target, ""))
                    else:
                        pc = self._after(branch, condition, target, pc)
            except InfeasiblePathError:
                continue
        return None

    def _after(self, branch: str, condition: Number, target: Number, behind: int) -> int:
        """Where a branch leads that is known; InfeasiblePathError if this path is to be followed no
        further."""
        if branch == RETURN or branch in CALLS or isinstance(condition, Unknown):
            raise InfeasiblePathError
        if not condition:
            return behind
        if isinstance(target, Unknown):
            raise InfeasiblePathError
        return target

    def _execute(self, cpu: SymbolicProcessor, pc: int, in_slot: bool, wanted: str) -> str:
        """Execute an instruction; what `_branch_at` says about it."""
        word = self._memory.word(pc)
        decoded = None if word is None else _decoded(self._profile.name, word)
        if decoded is None or word is None or (decoded.branch and in_slot):
            raise InfeasiblePathError
        cpu.pc, cpu.next_pc = pc, (pc + 4) & WORD
        stack = cpu.gpr[STACK_POINTER]
        decoded.meaning(cpu, *decoded.operands)
        moved = cpu.gpr[STACK_POINTER] is not stack
        if moved and wanted == "return" and not moves_within_stack(word):
            raise InfeasiblePathError
        return decoded.branch

    def _branch_at(self, pc: int) -> str:
        """The name of a branch, or RETURN; nothing for other instructions."""
        word = self._memory.word(pc)
        decoded = None if word is None else _decoded(self._profile.name, word)
        return "" if decoded is None else decoded.branch


class _Decoded(NamedTuple):
    """An instruction. `branch` is its name if it is one, RETURN for `jr ra`, else nothing."""

    meaning: Meaning
    operands: list[int]
    branch: str


@lru_cache(DECODED_KEPT)
def _decoded(profile: str, word: int) -> _Decoded | None:
    encoding = instruction_set(profile).decode(word)
    if encoding is None:
        return None
    declared = encoding.instruction
    branch = declared.name if declared.is_branch else ""
    if word == JUMP_TO_RETURN_ADDRESS:
        branch = RETURN
    return _Decoded(declared.meaning, encoding.operands(word), branch)


def moves_within_stack(word: int) -> bool:
    """Is an instruction that writes sp one that lets it point to the same stack as before? That is
    adding a constant, or going back to the frame pointer."""
    if word >> 26 in (ADDI, ADDIU):
        return word >> 21 & 31 == STACK_POINTER
    sources = {word >> 21 & 31, word >> 16 & 31}
    return word >> 26 == 0 and sources == {0, FRAME_POINTER}


def _return_state(cpu: SymbolicProcessor, target: int, *, interrupted: bool) -> ReturnState:
    user = None if isinstance(cpu.status, Unknown) else bool(cpu.status & r.STATUS_KUC)
    return ReturnState(interrupted, target, list(cpu.gpr), user)
