"""Programs of OS/161 whose stack has overflowed: where the kernel gives up on one,
because of an access far down its stack."""

from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.kernels.contract import GuestThread
from kseg.kernels.kernel_memory import KernelMemory
from kseg.symbols.types import Structure

STACK_TOP = 0x80000000
"""USERSTACK in kern/arch/mips/include/vm.h."""
GIVEN = 18 * 4096
"""Bytes that dumbvm gives to a program's stack; no course gives less."""
NEAR = 64 << 10
"""Bytes above the stack pointer that a function's frame may have, at most."""
BELOW = 128
"""Bytes below it: stores may come before the stack pointer moves."""
_GIVES_UP = frozenset(["kill_curthread", "panic", "badassert"])
_ABOUT_ADDRESSES = range(ExceptionCode.TLB_MODIFIED, ExceptionCode.ADDRESS_ERROR_STORE + 1)


def program_overflow(memory: KernelMemory, thread: GuestThread, trapframe: Structure | None) -> str:
    """How the stack of a thread's program has overflowed, if that is why the kernel gives up on it;
    else nothing."""
    frames = thread.trace.frames
    place = next((n for n, each in enumerate(frames) if each.user and each.interrupted), 0)
    wanted = ("tf_vaddr", "tf_cause", "tf_epc", "tf_sp")
    if not place or trapframe is None or not trapframe.has(*wanted):
        return ""
    if _GIVES_UP.isdisjoint(each.name for each in frames[:place]):
        return ""
    handler, program = frames[place - 1], frames[place]
    sp = program.sp
    if handler.sp is None or sp is None:
        return ""
    # The handler's own frame lies below the trap frame.
    for address in range(handler.sp, handler.sp + 64, 4):
        vaddr, cause, epc, saved_sp = (memory.member(trapframe, address, each) for each in wanted)
        if (epc, saved_sp) == (program.pc, sp):
            break
    else:
        return ""
    depth = STACK_TOP - vaddr
    about_address = (cause >> r.CAUSE_CODE_SHIFT & 0x1F) in _ABOUT_ADDRESSES
    if not (about_address and sp - BELOW <= vaddr < sp + NEAR and depth > GIVEN):
        return ""
    where = str(program.location or f"{program.pc:#010x}")
    return (
        f"its stack has grown to {depth >> 10} KiB below {STACK_TOP:#010x} (stack pointer"
        f" {sp:#010x}), and nothing is there for its access to {vaddr:#010x}, at {where}"
    )
