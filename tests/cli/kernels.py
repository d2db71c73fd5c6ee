"""Little kernels for machines that have their devices where `kseg run` puts them by default."""

from kseg.isa.assembler import assemble

SERIAL, TIMER, TRACE, CONTROL = 0xBFE00000, 0xBFFD0000, 0xBFFE0000, 0xBFFF7E00

RECEIVED = 0x80020000
"""Where `reading` stores."""

POWER_OFF = f"""
        li      t0, {CONTROL + 8:#x}
        sw      zero, 0(t0)
1:      wait
        b       1b
        nop
"""


def kernel(source: str) -> bytes:
    """An executable of this text."""
    return assemble(f"__start:\n{source}").to_elf()


def ticking() -> bytes:
    """Waits for ever, and is woken a hundred times a second."""
    return kernel(f"""
        li      t0, {TIMER:#x}
        li      t1, 1
        sw      t1, 0x08(t0)
        li      t1, 10000
        sw      t1, 0x10(t0)
1:      wait
        lw      t1, 0x0c(t0)
        b       1b
        nop
    """)


def panicking() -> bytes:
    """Prints ! without ending the line, asks for the debugger, and switches off."""
    return kernel(f"""
        li      t0, {SERIAL:#x}
        li      t1, '!'
        sw      t1, 0(t0)
        li      t0, {TRACE:#x}
        sw      zero, 0x10(t0)
        {POWER_OFF}
    """)


def breaking() -> bytes:
    """Executes a BREAK where there is no handler, then switches off."""
    return kernel("        break\n" + POWER_OFF)


def misusing() -> bytes:
    """Does what the hardware does not survive."""
    return kernel(f"""
        li      t0, {CONTROL + 8:#x}
        li      t1, 1
        sw      t1, 0(t0)
1:      b       1b
        nop
    """)


def spinning() -> bytes:
    """Executes for ever."""
    return kernel("1:      b       1b\n        nop\n")


def printing(text: str) -> bytes:
    """Prints a text, polling, and switches off."""
    return kernel(f"""
        li      t0, {SERIAL:#x}
        la      t2, text
1:      lbu     t1, 0(t2)
        beqz    t1, 3f
        addiu   t2, t2, 1
        sw      zero, 4(t0)
        sw      t1, 0(t0)
2:      lw      t3, 4(t0)
        andi    t3, t3, 2
        beqz    t3, 2b
        nop
        b       1b
        nop
3:      {POWER_OFF}
        .rodata
text:   .asciiz "{text}"
    """)


def reading(*, echo: bool, rests: bool) -> bytes:
    """Takes four characters, polling the console or waiting for it, and switches off. They are
    stored behind `RECEIVED`."""
    wait = "wait" if rests else "nop"
    return kernel(f"""
        li      t0, {SERIAL:#x}
        la      t2, {RECEIVED:#x}
        addiu   t4, t2, 4
        li      t1, 1
        sw      t1, 8(t0)
1:      {wait}
        lw      t1, 8(t0)
        nop
        andi    t1, t1, 2
        beqz    t1, 1b
        nop
        lw      t3, 0(t0)
        li      t1, 1
        sw      t1, 8(t0)
        sb      t3, 0(t2)
        {"sw t3, 0(t0)" if echo else "nop"}
        addiu   t2, t2, 1
        bne     t2, t4, 1b
        nop
        {POWER_OFF}
    """)
