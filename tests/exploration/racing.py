"""A guest with a race: two threads increment a counter, and a timer switches between them."""

from pathlib import Path
from typing import Any

from kseg import Machine
from tests.cli.kernels import CONTROL, SERIAL, TIMER, kernel

TURNS = 300
"""Increments of each thread."""

_ON_CHIP = {
    "set": "li k1, 40000\n        mtc0 k1, $11",
    "status": 0x8001,
}
_CARD = {
    "set": f"li k1, {TIMER:#x}\n        lw k1, 12(k1)",
    "status": 0x0401,
}

_SOURCE = """
        la      t0, vector              # to where exceptions go
        li      t1, 0x80000080
        li      t2, 4
1:      lw      t3, 0(t0)
        addiu   t0, t0, 4
        sw      t3, 0(t1)
        addiu   t2, t2, -1
        bnez    t2, 1b
        addiu   t1, t1, 4
        li      t0, {timer:#x}
        li      t1, 1
        sw      t1, 0x08(t0)
        li      t1, 1600                # microseconds: 40,000 cycles
        sw      t1, 0x10(t0)
        {set}
        li      s0, {turns}
        la      s1, first
        {second_processor}
        li      t0, {status:#x}
        mtc0    t0, $12
        b       work
        nop

vector: la      k0, handler
        jr      k0
        nop
        nop

handler:
        lw      k0, %gp_current
        nop
        sw      t0, 0(k0)
        sw      t1, 4(k0)
        sw      s0, 8(k0)
        sw      s1, 12(k0)
        mfc0    k1, $14
        nop
        sw      k1, 16(k0)
        {set}
        lw      k0, 20(k0)              # the other thread
        nop
        la      k1, current
        sw      k0, 0(k1)
        lw      t0, 0(k0)
        lw      t1, 4(k0)
        lw      s0, 8(k0)
        lw      s1, 12(k0)
        lw      k1, 16(k0)
        nop
        jr      k1
        rfe

work:   li      t1, 200                 # long beside the window
1:      addiu   t1, t1, -1
        bnez    t1, 1b
        nop
        la      t1, counter
        lw      t0, 0(t1)
        nop                             # the window: a load, and the store of a sum
        addiu   t0, t0, 1
        {window}
        sw      t0, 0(t1)
        addiu   s0, s0, -1
        bnez    s0, work
        nop
        li      t0, 1
        sw      t0, 24(s1)              # it is done
        la      t0, first
        bne     s1, t0, rest
        nop
        la      t1, second
1:      lw      t0, 24(t1)              # the first thread waits for the second
        nop
        beqz    t0, 1b
        nop
        mtc0    zero, $12
        la      t1, counter
        lw      t0, 0(t1)
        li      t1, {sum}
        la      s0, good
        beq     t0, t1, 1f
        nop
        la      s0, bad
1:      li      t1, {serial:#x}
2:      lbu     t0, 0(s0)
        addiu   s0, s0, 1
        beqz    t0, off
        nop
        sw      zero, 4(t1)
        sw      t0, 0(t1)
3:      lw      t0, 4(t1)
        nop
        andi    t0, t0, 2
        beqz    t0, 3b
        nop
        b       2b
        nop
off:    li      t0, {control:#x}
        sw      zero, 8(t0)
rest:   b       rest
        nop

        .data
counter: .word 0
current: .word first
first:  .word 0, 0, 0, 0, 0, second, 0
second: .word 0, 0, {turns}, second, work, first, 0
good:   .asciiz "sum right\\n"
bad:    .asciiz "sum wrong\\n"
"""

_SECOND_PROCESSOR = """
        li      t0, {area:#x}
        la      t1, other
        sw      t1, 0(t0)
        li      t0, {control:#x}
        li      t1, 3
        sw      t1, 0x14(t0)
        b       1f
        nop
other:  li      t0, 30000
        mtc0    t0, $11                 # its own timer
        mtc0    zero, $12
2:      addiu   t4, t4, 1
        mfc0    t5, $13
        nop
        andi    t5, t5, 0x8000
        beqz    t5, 2b
        nop
        addu    t6, t6, t4              # when it was interrupted, for all to see
        b       other
        nop
1:
"""


def racing(*, card: bool = False, processors: int = 1, window: int = 1) -> bytes:
    """An executable that prints whether the sum is right. It is unless a timer interrupt comes
    between a thread's load and its store, for `window` instructions; with the interrupts that come
    by themselves, it is. They come from the timer card or from the processor's own timer; a second
    processor has a timer too."""
    second = _SECOND_PROCESSOR.format(area=CONTROL + 0x900, control=CONTROL)
    return kernel(
        _SOURCE.replace("%gp_current", "current").format(
            **(_CARD if card else _ON_CHIP),
            timer=TIMER,
            turns=TURNS,
            sum=2 * TURNS,
            serial=SERIAL,
            control=CONTROL,
            second_processor=second if processors > 1 else "",
            window="\n        ".join(["nop"] * (window - 1)),
        )
    )


def boot(directory: Path, kernel: bytes, **options: Any) -> Machine:
    """A machine about to execute a guest."""
    path = directory / "racing.elf"
    path.write_bytes(kernel)
    return Machine(path, epoch=0, ram="512K", **options)
