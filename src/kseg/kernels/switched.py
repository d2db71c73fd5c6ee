"""Threads of the bundled guests that are not on a processor: what `switch_stack` left on a stack
(guests/cms/kernel/exception.S, guests/racelab/start.S)."""

from collections.abc import Container

from kseg.isa.unknown import UNKNOWN, Number
from kseg.kernels.contract import GuestThread
from kseg.kernels.kernel_memory import KernelMemory
from kseg.unwind.backtrace import Context

SAVED = (16, 17, 18, 19, 20, 21, 22, 23, 30, 31)
"""The registers there, from the stack pointer up."""


def context_on_stack(memory: KernelMemory, frame: int) -> Context | None:
    """The registers that a thread goes on with whose stack pointer is `frame`; None where there is
    no memory."""
    if not frame or memory.word(frame) is None:
        return None
    registers: list[Number] = [UNKNOWN] * 32
    registers[0] = 0
    for number, register in enumerate(SAVED):
        registers[register] = memory.number(frame + 4 * number)
    registers[29] = frame + 4 * len(SAVED)
    target = memory.number(frame + 4 * (len(SAVED) - 1))
    return Context(target, registers, user=False, after_call=True)


def first_frame(thread: GuestThread, sleep: Container[str]) -> int:
    """The first frame behind the functions that put a thread to sleep."""
    first = 0
    for number, frame in enumerate(thread.trace.frames[:8]):
        if frame.name in sleep:
            first = number + 1
    return first if first < len(thread.trace.frames) else 0
