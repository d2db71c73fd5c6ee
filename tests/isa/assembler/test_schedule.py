"""``.set reorder``: delay slots and hazards, as GNU as leaves them; and programs that need it."""

import pytest

from kseg.isa.assembler import assemble
from tests.isa.assembler.executing import execute


def same(source: str, plain: str) -> None:
    """`source` with reordering is `plain` without."""
    assert assemble(source, reorder=True).words == assemble(plain).words


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("addu a0, a1, a2; jr ra", "jr ra; addu a0, a1, a2"),
        ("x: b x", "x: b x; nop"),
        ("x: addu a0, a1, a2; y: b x", "x: addu a0, a1, a2; y: b x; nop"),
        ("x: addu a0, a1, a2; bnez a0, x", "x: addu a0, a1, a2; bnez a0, x; nop"),
        ("x: sw ra, 0(sp); jal x", "x: sw ra, 0(sp); jal x; nop"),
        ("lw a0, 0(a1); jr ra", "lw a0, 0(a1); jr ra; nop"),
        ("lw a0, 0(a1); addu a0, a0, a0", "lw a0, 0(a1); nop; addu a0, a0, a0"),
        ("lw a0, 0(a1); addu a1, a1, a1", "lw a0, 0(a1); addu a1, a1, a1"),
        ("mflo a0; mult a1, a2", "mflo a0; nop; nop; mult a1, a2"),
        ("mfhi a0; nop; mult a1, a2", "mfhi a0; nop; nop; mult a1, a2"),
        ("mtc0 a0, $12; mfc0 a1, $12", "mtc0 a0, $12; nop; mfc0 a1, $12; nop"),
        ("lw a0, 0(a1); .word 1", "lw a0, 0(a1); nop; .word 1"),
        (".set nomove; addu a0, a1, a2; jr ra", "addu a0, a1, a2; jr ra; nop"),
        (".set mips2; lw a0, 0(a1); addu a0, a0, a0", "lw a0, 0(a1); addu a0, a0, a0"),
        ("lw a0, 0(a1); .set noreorder; addu a1, a0, a0", "lw a0, 0(a1); nop; addu a1, a0, a0"),
        ("lw a0, 0(a1); .set noreorder; addu a1, a1, a1", "lw a0, 0(a1); addu a1, a1, a1"),
        (
            "lw a0, 0(a1); .set noreorder; x: addu a1, a1, a1; b x; nop",
            "lw a0, 0(a1); x: addu a1, a1, a1; b x; nop",
        ),
        (".set push; .set noreorder; x: b x; nop; .set pop; b x", "x: b x; nop; b x; nop"),
        ("blt a0, a1, x; x:", "slt at, a0, a1; bne at, zero, x; nop; x:"),
    ],
)
def test_reordering(source: str, plain: str) -> None:
    same(source, plain)


def test_nothing_is_reordered_unless_the_source_says_so() -> None:
    source = "lw a0, 0(a1); addu a0, a0, a0; jr ra"
    assert len(assemble(source).words) == 3
    assert len(assemble(f".set reorder; {source}").words) == 4


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("x: b x\n nop", ()),
        ("x: b x\n addu a0, a0, a0", ()),
        ("x: b x\ny: addu a0, a0, a0", (1,)),
        ("x: b x\n b x\n nop", (1,)),
        ("x: nop\n b x", (2,)),
        (".set noreorder\nx: b x\ny: addu a0, a0, a0", ()),
        ("x: abs a0, a1", ()),
    ],
)
def test_slots_of_which_nothing_is_said_are_told(source: str, lines: tuple[int, ...]) -> None:
    assert assemble(source).unmarked == lines


FACTORIAL = """
__start: li     $a0, 5
        jal     fact
        move    $s0, $v0
stop:   b       stop
fact:   addiu   $sp, $sp, -8
        sw      $ra, 4($sp)
        sw      $a0, 0($sp)
        bgtz    $a0, more
        li      $v0, 1
        addiu   $sp, $sp, 8
        jr      $ra
more:   addiu   $a0, $a0, -1
        jal     fact
        lw      $a0, 0($sp)
        lw      $ra, 4($sp)
        addiu   $sp, $sp, 8
        mul     $v0, $v0, $a0
        jr      $ra
"""


@pytest.mark.parametrize("profile", ["mips161", "r3000"])
def test_a_program_without_delay_slots_works(profile: str) -> None:
    """Executed by the reference engine."""
    program = assemble(FACTORIAL, profile=profile, reorder=True)
    assert execute(program, 500, sp=0x80004000)["s0"] == 120
