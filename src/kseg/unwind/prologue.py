"""A function's frame, from the instructions at its beginning: for code without call frame
information.

Compilers and people for the o32 convention write prologues alike: sp is lowered once, then
registers are stored at constant distances from it, and perhaps fp becomes sp's copy.
"""

from collections.abc import Callable

from kseg.isa.registers import RETURN_ADDRESS
from kseg.isa.values import signed
from kseg.symbols.call_frames import CallFrame
from kseg.unwind.symbolic_unwinder import (
    ADDI,
    ADDIU,
    FRAME_POINTER,
    JUMP_TO_RETURN_ADDRESS,
    STACK_POINTER,
)

FURTHEST = 4096
"""Instructions that are looked at."""

STORE_WORD = 0x2B
J, JR, BRANCH_ALWAYS = 2, 8, 0x1000
PRESERVED = frozenset([*range(16, 24), 28, FRAME_POINTER, RETURN_ADDRESS])

Words = Callable[[int], int | None]


def find_start(pc: int, words: Words) -> int | None:
    """Where the function around `pc` probably begins, if no symbol says so: at the last place where
    sp is lowered, with no function's end between."""
    address = pc
    for _ in range(FURTHEST):
        word = words(address)
        if word is None:
            return None
        if _lowers_stack(word):
            return address
        if word == JUMP_TO_RETURN_ADDRESS and address + 4 < pc:
            return address + 8
        address -= 4
    return None


def frame_at(start: int, pc: int, words: Words) -> CallFrame | None:
    """The frame of the function that begins at `start`, before the instruction at `pc`; None where
    its instructions are not understood."""
    size, base, saved = 0, STACK_POINTER, dict[int, int]()
    before_end: tuple[int, int, dict[int, int]] | None = None
    ends_at = behind_jump = None
    if pc - start > FURTHEST * 4:
        return None
    for address in range(start, pc, 4):
        word = words(address)
        if word is None:
            return None
        if address == ends_at and before_end is not None:
            # Behind a return or a call of the tail kind in the middle of the function, its frame is
            # there as before.
            size, base, saved = before_end
            before_end = ends_at = None
        operation, source, target = word >> 26, word >> 21 & 31, word >> 16 & 31
        constant = signed(word, 16)
        if operation in (ADDI, ADDIU) and source == target == STACK_POINTER:
            if constant > 0:
                before_end = before_end or (size, base, dict(saved))
                if behind_jump == address + 4:
                    ends_at = behind_jump
            size -= constant
            if size <= 0:
                size, base, saved = 0, STACK_POINTER, {}
        elif operation == STORE_WORD and source == STACK_POINTER and target in PRESERVED:
            saved.setdefault(target, constant - size)
        elif _copies_stack_pointer(word):
            base = FRAME_POINTER
        elif _goes_back_to_frame_pointer(word):
            before_end = before_end or (size, base, dict(saved))
            base = STACK_POINTER
        elif _is_jump(word):
            behind_jump = address + 8
            if before_end is not None:
                ends_at = behind_jump
    if pc == ends_at and before_end is not None:
        size, base, saved = before_end
    return CallFrame(base, size, {n: place for n, place in saved.items() if -size <= place < 16})


def _lowers_stack(word: int) -> bool:
    fields = (word >> 26, word >> 21 & 31, word >> 16 & 31)
    lowers = fields in ((ADDI, 29, 29), (ADDIU, 29, 29))
    return lowers and bool(word & 0x8000)


def _is_move(word: int, source: int, target: int) -> bool:
    """`addu` or `or` with register 0."""
    adds = word >> 26 == 0 and word & 0x7FF in (0x21, 0x25)
    registers = {word >> 21 & 31, word >> 16 & 31}
    return adds and word >> 11 & 31 == target and registers == {0, source}


def _is_jump(word: int) -> bool:
    """`j`, `jr` or `b`: what follows its delay slot is reached from elsewhere."""
    return word >> 26 == J or word & 0xFC1FFFFF == JR or word >> 16 == BRANCH_ALWAYS


def _copies_stack_pointer(word: int) -> bool:
    return _is_move(word, STACK_POINTER, FRAME_POINTER)


def _goes_back_to_frame_pointer(word: int) -> bool:
    return _is_move(word, FRAME_POINTER, STACK_POINTER)
