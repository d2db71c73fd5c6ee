"""The assembler against clang's: the same source, the same words."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from kseg.isa.assembler import assemble

SOURCE = """
        .set noreorder
        .text
start:  add $2, $3, $4
        addu $2, $3, $4
        sub $2, $3, $4
        subu $2, $3, $4
        addi $2, $3, -5
        addiu $2, $3, 5
        slt $2, $3, $4
        sltu $2, $3, $4
        slti $2, $3, -5
        sltiu $2, $3, 5
        and $2, $3, $4
        or $2, $3, $4
        xor $2, $3, $4
        nor $2, $3, $4
        andi $2, $3, 0xffff
        ori $2, $3, 0x8000
        xori $2, $3, 1
        lui $2, 0x8000
        sll $2, $3, 31
        srl $2, $3, 1
        sra $2, $3, 16
        sllv $2, $3, $4
        srlv $2, $3, $4
        srav $2, $3, $4
        mult $2, $3
        multu $2, $3
        div $zero, $2, $3
        divu $zero, $2, $3
        mfhi $2
        mflo $2
        mthi $2
        mtlo $2
        lb $2, -1($29)
        lbu $2, 1($29)
        lh $2, -2($29)
        lhu $2, 2($29)
        lw $2, 32767($29)
        sb $2, 0($29)
        sh $2, 2($29)
        sw $2, -32768($29)
        lwl $2, 3($29)
        lwr $2, 0($29)
        swl $2, 3($29)
        swr $2, 0($29)
        j start
        nop
        jal finish
        nop
        jr $31
        nop
        jalr $9
        nop
        jalr $8, $9
        nop
1:      beq $2, $3, 1b
        nop
        bne $2, $3, 1f
        nop
        blez $2, finish
        nop
        bgtz $2, finish
        nop
        bltz $2, start
        nop
1:      bgez $2, start
        nop
        bltzal $2, 1b
        nop
        bgezal $2, 1b
        nop
        syscall
        syscall 7
        break
        break 7
        break 3, 7
        mfc0 $26, $13
        mtc0 $26, $12
        tlbr
        tlbwi
        tlbwr
        tlbp
        lwc2 $2, 4($3)
        swc2 $2, 4($3)
        b finish
        nop
        bal finish
        nop
        beqz $2, finish
        nop
        bnez $2, finish
        nop
        move $2, $3
        neg $2, $3
        negu $2, $3
        not $2, $3
        li $2, 5
        li $2, -5
        li $2, 0x8000
        li $2, 0x12340000
        li $2, 0x12345678
        li $2, -0x12345678
        addu $2, $3, 100
        addiu $sp, -32
        and $2, $3, 0xff
        bltu $2, $3, finish
        nop
        bge $2, $3, finish
        nop
        bgt $2, $3, finish
        nop
        bleu $2, $3, finish
        nop
        la $2, datum
        lui $2, %hi(datum + 4)
        lw $2, %lo(datum + 4)($2)
        lw $2, datum
        lbu $2, datum + 2
        sw $2, datum
        sw $2, datum($3)
finish: nop
        .align 4
datum:  .word 1, -1, 1 << 4 | 3, finish - start, 'a'
        .short 0x1234, -2
        .byte 1, 2, 3
        .asciiz "text\\n\\101"
        .align 2
        .space 5
        .balign 8
        .ascii "end"
        .align 4
"""
"""Only what both take: clang has no rfe for mips1, no lwc1 without a floating-point unit, and
reads numbers as branch targets relative to the delay slot."""

ORIGIN = 0x80001000


@pytest.fixture(scope="module")
def toolchain() -> str:
    pytest.importorskip("ziglang", reason="clang is not installed (pip install ziglang)")
    return "ziglang"


@pytest.mark.parametrize("byte_order", ["big", "little"])
def test_clang_makes_the_same(byte_order: str, toolchain: str, tmp_path: Path) -> None:
    from elftools.elf.elffile import ELFFile

    source, output = tmp_path / "test.s", tmp_path / "test.elf"
    source.write_text(SOURCE.replace("start:", ".globl start\nstart:", 1))
    target = {"big": "mips-freestanding-eabi", "little": "mipsel-freestanding-eabi"}[byte_order]
    command = [sys.executable, "-m", toolchain, "cc", "-target", target, "-march=mips1"]
    script = tmp_path / "test.ld"
    script.write_text(
        f"SECTIONS {{ . = {ORIGIN:#x}; .text : {{ *(.text) }}"
        " /DISCARD/ : { *(.MIPS.* .reginfo .pdr) } }"
    )
    command += ["-mno-abicalls", "-nostdlib", "-static", "-Wl,-e,start", "-T", str(script)]
    subprocess.run([*command, "-o", str(output), str(source)], check=True, cwd=tmp_path)
    text = ELFFile(io.BytesIO(output.read_bytes())).get_section_by_name(".text")
    assert text["sh_addr"] == ORIGIN

    ours = assemble(SOURCE, ORIGIN, byte_order=byte_order, profile="r3000")
    theirs = text.data()
    for line in ours.lines:
        place = line.address - ORIGIN
        assert line.data == theirs[place : place + len(line.data)], SOURCE.splitlines()[
            line.number - 1
        ]
    assert ours.code == theirs
