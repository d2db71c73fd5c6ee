"""Kernel stacks that have overflowed."""

from collections import Counter
from collections.abc import Container, Sequence
from typing import NamedTuple

from kseg.kernels.contract import GuestThread
from kseg.kernels.kernel_memory import KernelMemory
from kseg.symbols.symbol_file import JUMP_AND_LINK, SymbolFile
from kseg.unwind.backtrace import Backtrace

LARGEST = 64 << 10
"""Bytes of a kernel stack, or by which it overflows."""
LARGE_FRAME = 512
MANY = 5
"""Calls by one function on a stack that are no accident."""


class Marks(NamedTuple):
    """What a kernel writes to the low end of each stack: so many words that are `magic`."""

    magic: int
    words: int


def guess_size(threads: Sequence[GuestThread], least: int) -> int:
    """The size of the kernel's stacks: a power of two, in which all that is used has room."""
    used = [
        each.sp - each.stack[0]
        for each in threads
        if each.stack is not None and each.sp is not None
    ]
    size = least
    while size < LARGEST and any(size < each <= LARGEST for each in used):
        size *= 2
    return size


def check_stacks(
    memory: KernelMemory,
    threads: Sequence[GuestThread],
    marks: Marks | None,
    file: SymbolFile,
    unmarked: Container[int] = (),
) -> None:
    """Say of each thread if its stack has overflowed; `file` is the kernel's. The stacks of some
    threads, by their addresses, have no marks."""
    for thread in threads:
        if thread.stack is None or thread.state == "ended":
            continue
        low, _ = thread.stack
        said = []
        if thread.sp is not None and 0 < low - thread.sp <= LARGEST:
            said.append(f"its stack pointer is {thread.sp:#010x}, {low - thread.sp} bytes below it")
        if marks is not None and thread.address not in unmarked:
            words = [memory.number(low + 4 * number) for number in range(marks.words)]
            changed = sum(word != marks.magic for word in words)
            if changed:
                said.append(
                    f"{changed} of {marks.words} words that mark its low end are overwritten"
                    if marks.words > 1
                    else "the word that marks its low end is overwritten"
                )
        if said:
            said += _largest_frames(thread.trace) or _recursion(memory, thread, file)
            thread.overflow = "; ".join(said)


def _largest_frames(trace: Backtrace) -> list[str]:
    """The functions that take most of the stack, if they are still there."""
    sizes = [
        (outer.sp - frame.sp, frame.name)
        for frame, outer in zip(trace.frames, trace.frames[1:], strict=False)
        if frame.sp is not None and outer.sp is not None and not outer.interrupted
    ]
    large = sorted((each for each in sizes if LARGE_FRAME <= each[0] <= LARGEST), reverse=True)
    if large:
        of = ", ".join(f"{size} bytes in {name}" for size, name in large[:3])
        return [f"its largest frames: {of}"]
    return []


def _recursion(memory: KernelMemory, thread: GuestThread, file: SymbolFile) -> list[str]:
    """The function that called most often: by what looks like a return address on the stack, since
    a stack that has been overwritten has no back-trace."""
    assert thread.stack is not None
    low, high = thread.stack
    start = max(min(low, thread.sp or low), low - LARGEST)
    callers: Counter[str] = Counter()
    for place in range(start & ~3, min(high, start + 2 * LARGEST), 4):
        word = memory.number(place)
        if word & 3 == 0 and file.has_code_at(word):
            symbol = file.symbol_at(word - 8)
            if symbol is not None and memory.number(word - 8) >> 26 == JUMP_AND_LINK:
                callers[symbol.name] += 1
    name, count = max(callers.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if count < MANY:
        return []
    return [f"{count} calls by {name} lie on it: a recursion that goes too deep"]
