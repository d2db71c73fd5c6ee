"""Small guests to debug, and machines with them."""

from pathlib import Path
from typing import Any

from kseg import Machine
from tests.cli.kernels import CONTROL, kernel

CALLING = f"""
        la      sp, 0x80040000
        jal     main
        nop
halt:   li      t0, {CONTROL + 8:#x}
        sw      zero, 0(t0)
1:      wait
        b       1b
        nop
main:   addiu   sp, sp, -24
        sw      ra, 20(sp)
        li      s0, 3
loop:   jal     work
        addiu   a0, s0, 1
        addiu   s0, s0, -1
        bnez    s0, loop
        nop
        lw      ra, 20(sp)
        nop
        jr      ra
        addiu   sp, sp, 24
work:   lui     t0, %hi(counter)
        lw      t1, %lo(counter)(t0)
        nop
        addu    t1, t1, a0
        jr      ra
        sw      t1, %lo(counter)(t0)
        .data
counter: .word 0
"""
"""Calls `work` with 4, 3 and 2, which adds each to `counter`, and switches off."""

SPINNING = """
spin:   addiu   t0, t0, 1
        b       spin
        nop
"""

TWO = f"""
        li      t0, {CONTROL + 0x900:#x}
        la      t1, second
        sw      t1, 0(t0)
        la      t1, 0x80040000
        sw      t1, 4(t0)
        li      t0, {CONTROL + 0x14:#x}
        li      t1, 3
        sw      t1, 0(t0)
first:  addiu   s0, s0, 1
        b       first
        nop
second: addiu   s1, s1, 1
        b       second
        nop
"""
"""Two processors, each of which spins."""


def symbols(source: str) -> dict[str, int]:
    """The addresses of a guest's labels."""
    from kseg.isa.assembler import assemble

    return assemble(f"__start:\n{source}").symbols


def boot(directory: Path, source: str, **options: Any) -> Machine:
    """A machine about to execute a guest."""
    path = directory / "guest.elf"
    path.write_bytes(kernel(source))
    return Machine(path, epoch=0, **options)
