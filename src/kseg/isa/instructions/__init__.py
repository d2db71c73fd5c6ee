"""Every instruction of the R3000 and of the profiles' extras, declared once.

Importing this package declares them all. Operand letters: `s`, `t`, `d` are registers, `i` a
signed and `u` an unsigned 16-bit immediate, `b` a branch offset in words, `j` a jump target, `h`
a shift amount, `c` and `q` codes that the processor ignores, `r` a CP0 register and `e` its
select. In a syntax `#t` is field t as a plain number, `$t` a coprocessor's register and `$ft` one
of the floating-point unit; `v` and `w` are fs and fd of its operations (`kseg.isa.operands`
reads and prints them all).

Source: MIPS RISC Architecture (Kane, Heinrich), appendix A, where no other is named.
"""

from kseg.isa.instructions import (
    arithmetic,
    branch,
    coprocessor,
    floating_arithmetic,
    floating_point,
    load_store,
    logic,
    mips161,
    multiply,
    shift,
    system,
)

__all__ = [
    "arithmetic",
    "branch",
    "coprocessor",
    "floating_arithmetic",
    "floating_point",
    "load_store",
    "logic",
    "mips161",
    "multiply",
    "shift",
    "system",
]
