"""The assembler against GNU's: what both take is the same to the byte."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from kseg.isa.assembler import AssemblyError, assemble
from tests.isa.assembler import gnu
from tests.isa.assembler.sources import sources


def check(source: str, byte_order: str, profile: str = "r3000") -> None:
    with tempfile.TemporaryDirectory() as directory:
        theirs = gnu.assemble(source, byte_order, Path(directory))
    if theirs is None:
        return
    try:
        program = assemble(source, gnu.ORIGIN, byte_order, profile, reorder=True)
    except AssemblyError as error:
        raise AssertionError(f"GNU as takes it: {error}\n{source}") from None
    for line in program.lines:
        place = line.address - gnu.ORIGIN
        assert line.data == theirs[place : place + len(line.data)], (
            f"line {line.number}: {source.splitlines()[line.number - 1]}\n{source}"
        )
    length = len(theirs)
    assert program.code[:length] == theirs
    assert not any(program.code[length:])


@pytest.mark.parametrize("byte_order", ["big", "little"])
@settings(max_examples=20)
@given(source=sources())
def test_random_sources(byte_order: str, source: str) -> None:
    gnu.require(byte_order)
    check(source, byte_order)


@pytest.mark.slow
@pytest.mark.parametrize("byte_order", ["big", "little"])
@settings(max_examples=1000)
@given(source=sources())
def test_many_random_sources(byte_order: str, source: str) -> None:
    gnu.require(byte_order)
    check(source, byte_order)


PROGRAMS = {
    "hazards": """
        lw $4, 0($5); addu $6, $4, $4; lw $4, 0($5); addu $6, $5, $5; addu $6, $4, $4
        mfhi $4; mult $5, $6; mflo $4; nop; mult $5, $6; mtc0 $4, $12; mfc0 $5, $12
        addu $5, $5, $5; mtc0 $4, $12; tlbwi; lwc1 $f4, 0($5); swc1 $f4, 0($5)
        lwc2 $2, 0($5); mtc0 $4, $12; cop2 5; .set mips2; lw $4, 0($5); addu $4, $4, $4
    """,
    "slots": """
f:      addiu $2, $2, 1; jr $31; addiu $2, $2, 1; beq $2, $3, f; addiu $4, $2, 1; beq $2, $3, f
        lw $4, 0($5); beq $2, $3, f; addiu $4, $2, 1
g:      beq $2, $3, f; syscall; b f; jal f; move $31, $4; jal f; mflo $4; jr $31; mult $4, $5
        jr $31; la $4, f; jal f; jalr $4; tlbwi; jr $31; .set nomove; addu $4, $4, $4; b g
        addu $4, $5, $6; b .+8
    """,
    "nops are taken back": """
        lw $4, 0($5)
        .set noreorder
x:      addu $5, $5, $5
        b x; addu $4, $4, $4
        .set reorder
        lw $4, 0($5); div $6, $7, $4; lw $4, 0($5); abs $7, $8; mflo $4; abs $4, $5; mult $4, $4
        .word x, .
    """,
    "labels and alignment": """
        .data
x:      .balign 4
y:      .byte 1
a:      .balign 4
b:      .word 2
        .byte 3
c:      .p2align 2
d:      .align 2
        .byte 1
e:      .align 0
f:      .word 5
g:      .half 5
        .align 1
h:      .word 1, x - ., y - ., a, b, c, d, e, f, g, h
        .byte 1; .p2align 3,,2; .byte 2; .balign 8, 5, 7; .byte 3; .align 3, 9; .byte 4
        .section .rodata; .byte 1; .align 0; .word 1; .previous; .half 7
        .text 1; .word 5; .text 0; .word 6; .subsection 1; .word 7; .previous; .word 8
        .pushsection .data; .byte 1; .popsection; nop
        .sdata; small: .word 1; .text; lw $4, %gp_rel(small)($28); la $28, _gp
        .section .text.hot, "ax"; .align 3; nop; .text; nop
    """,
    "conditions and macros": r"""
        .data
        .macro all a b=2, rest:vararg
        .byte \a, \b
        .ifnb \rest
        all \rest
        .endif
        .endm
        all 1
        all 1, 3
        all b=5, a=6
        all 1 2 3 4 5
        all 1 + 1, 2
        all 1 -2
        .macro until x
        .byte \x, \@
        .if \x == 3
        .exitm
        .endif
        .byte 99
        .endm
        until 2; until 3
        .irp x, 1, 2, 3; .byte \x; .endr
        .irpc x, 456; .byte \x; .endr
        .macro join x
\x\()foo: .byte 5
        .endm
        join bar
        .ifdef later; .byte 1; .else; .byte 2; .endif
later:  .ifc a b, a b; .byte 6; .elseif 1; .byte 7; .endif
        .ifge 0; .byte 10; .endif; .iflt 0; .byte 11; .endif; .ifb ; .byte 12; .endif
        .purgem join; .set n, 1; .rept 3; .byte n; n = n + n; .endr
    """,
    "numbers": """
        .data
        .word 1 + 2 << 3, 1 << 4 - 1, 4 + 1 & 1, 7 & 3 + 8, 6 ^ 3 & 5, -7 / 2, -7 % 3, !0, 5 ! 2
        .word 5 ! !2, 5!!!2, 1 ! ~2, !!5, 5 != !2
        .word 1 == 1, 1 && 2, 0 || 0, 5 <> 4, 5 < 4, 1 | 2 ^ 4, 'a, '\\n', '''
        .float 1.5; .byte 1; .double 1.5; .fill 3, 2, 7; .fill 2; .fill 2, 3; .fill 1, 8, -1
        .fill 2, 5, 0x1234; .dword 4; .8byte 5; .quad 6; .word n; n = 1; n = 2; .word n
        .ascii "\\x4142\\x41\\101\\1012\\b\\f\\n\\r\\t\\v\\\\\\""; .asciz "x" "y", "z"
        .weak nowhere; .word nowhere; .comm common, 8, 8; .word common
    """,
}


@pytest.mark.parametrize("byte_order", ["big", "little"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, byte_order: str) -> None:
    gnu.require(byte_order)
    check(PROGRAMS[name], byte_order)


def test_the_programs_are_taken() -> None:
    """By both: a refused program compares nothing."""
    gnu.require("big")
    for name, source in PROGRAMS.items():
        with tempfile.TemporaryDirectory() as directory:
            assert gnu.assemble(source, "big", Path(directory)), name


FLOATING_POINT = {
    "hazards": """
        mtc1 $4, $f2; add.s $f2, $f2, $f4; mtc1 $4, $f3; add.d $f2, $f2, $f4; mtc1 $4, $f3
        add.s $f2, $f2, $f4; mtc1 $4, $f3; mov.d $f6, $f2; mtc1 $4, $f3; mov.s $f6, $f2
        mtc1 $4, $f2; cvt.s.w $f2, $f2; mtc1 $4, $f2; swc1 $f2, 0($5); mtc1 $4, $f2; mfc1 $5, $f2
        mfc1 $4, $f2; addu $4, $4, $4; cfc1 $4, $31; addu $4, $4, $4; ctc1 $4, $31
        add.s $f2, $f2, $f4; lwc1 $f2, 0($4); add.s $f2, $f2, $f4; add.s $f2, $f4
    """,
    "branches": """
x:      c.eq.s $f2, $f4; addu $4, $4, $4; bc1f x; add.d $f2, $f4, $f6; b x; mov.s $f2, $f4
        bne $4, $5, x; c.lt.d $f2, $f4; bc1t x; swc1 $f2, 0($4); b x; c.olt.d $f2, $f4; nop; nop
        bc1t x; mul.d $f2, $f4, $f6; bc1f x; ctc1 $4, $31; bc1t x; neg.s $f2, $f2; jr $31
    """,
    "casts": """
        trunc.w.d $f4, $f2, $5; trunc.w.s $f4, $f2, $6; cvt.w.d $f2, $f4; cvt.s.d $f2, $f4
        lwc1 $f2, 0x12345($4); swc1 $f31, -4($29); abs.d $f2, $f4; div.s $f1, $f2, $f3
    """,
}


@pytest.mark.parametrize("byte_order", ["big", "little"])
@pytest.mark.parametrize("source", FLOATING_POINT.values(), ids=FLOATING_POINT)
def test_floating_point(byte_order: str, source: str) -> None:
    gnu.require(byte_order)
    check(source, byte_order, "r3000-fpu")
