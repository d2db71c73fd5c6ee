"""Small programs that probe the corners of System/161's processor.

Each is a body of assembly in the same frame. The frame's exception handler writes a record of each
exception: which vector, Count, Cause, EPC, BadVAddr, Context, Status, EntryHi if the exception was
one of the TLB's, ra and v0; then it returns to the address in s7 (with s6 as Status, if that is not
0). `log` writes one word. At `done` all words are printed in hexadecimal, a line each.

`python -m tests.engine.probes SYS161` runs them on a System/161 and writes its answers to
`data/system161_probes.json`.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from kseg.isa.assembler import assemble

ANSWERS = Path(__file__).parent / "data" / "system161_probes.json"

CONFIGURATION = "0 serial\n28 random\n31 mainboard ramsize=512K cpus=1\n"

ORIGIN = 0x80000000
RECORDS = 0x80010000
PRINTING = range(0x80000180, 0x80000400)
"""Where the program is when all is written down."""
PAGE = 0x80003000
"""Physical page 3 is what bodies map: `first` is there, page 4 is empty."""

FRAME = """
        .org    0x80000000
        b       handler
        li      k1, 0
        .org    0x80000080
        li      k1, 0x80
handler: mfc0   k0, $9
        sw      k1, 0(gp)
        sw      k0, 4(gp)
        mfc0    k0, $13
        sw      k0, 8(gp)
        mfc0    k1, $14
        sw      k1, 12(gp)
        mfc0    k1, $8
        sw      k1, 16(gp)
        mfc0    k1, $4
        sw      k1, 20(gp)
        mfc0    k1, $12
        sw      k1, 24(gp)
        sw      zero, 28(gp)
        andi    k0, k0, 0x7c
        addiu   k0, k0, -4
        sltiu   k0, k0, 12
        beqz    k0, 1f
        mfc0    k1, $10
        sw      k1, 28(gp)
1:      sw      ra, 32(gp)
        sw      v0, 36(gp)
        addiu   gp, gp, 40
        beqz    s6, 2f
        nop
        mtc0    s6, $12
2:      jr      s7
        rfe

        .org    0x80000180
done:   li      s0, 0xbfe00000
        li      s1, {records:#x}
word:   beq     s1, gp, over
        li      s2, 8
        lw      s3, 0(s1)
        addiu   s1, s1, 4
digit:  srl     t0, s3, 28
        sll     s3, s3, 4
        slti    t1, t0, 10
        bnez    t1, 1f
        addiu   t0, t0, 48
        addiu   t0, t0, 39
1:      jal     put
        addiu   s2, s2, -1
        bgtz    s2, digit
        nop
        jal     put
        li      t0, 10
        b       word
        nop
put:    sw      zero, 4(s0)
        sw      t0, 0(s0)
1:      lw      t1, 4(s0)
        nop
        beqz    t1, 1b
        nop
        jr      ra
        nop
over:   li      t0, 0xbfff7e00
        sw      zero, 8(t0)
1:      b       1b
        nop

        .org    0x80000400
__start: li     t0, 0
        mtc0    t0, $12
        li      gp, {records:#x}
        li      ra, 0x11111111
        li      v0, 0x22222222
        li      s6, 0
        la      s7, done
{body}
        b       done
        nop
"""

LOG = """
        sw      {register}, 0(gp)
        addiu   gp, gp, 4
"""


def log(*registers: str) -> str:
    """Code that writes registers down."""
    return "".join(LOG.format(register=register) for register in registers)


def mapped(index: int, page: int, low: int, asid: int = 0) -> str:
    """Code that writes a TLB entry."""
    return f"""
        li      t0, {page | asid << 6:#x}
        mtc0    t0, $10
        li      t0, {low:#x}
        mtc0    t0, $2
        li      t0, {index << 8:#x}
        mtc0    t0, $0
        tlbwi
        mtc0    zero, $10
"""


VALID, DIRTY, GLOBAL = 0x200, 0x400, 0x100

CODE = mapped(0, 0x5000, 0x3000 | VALID | DIRTY)
"""Page 0x5000 is the page at PAGE; page 0x6000 is not there."""


def in_page(offset: int, *words: str, entry: int | None = None, slot: str = "nop") -> str:
    """Put instructions into the mapped page, and go to the first, or to an offset."""
    start = offset if entry is None else entry
    return f"""
        b       9f
        nop
8:      {"; ".join(words)}
7:
9:      la      t0, 8b
        la      t1, 7b
        li      t2, {PAGE + offset:#x}
6:      lw      t3, 0(t0)
        addiu   t0, t0, 4
        sw      t3, 0(t2)
        bne     t0, t1, 6b
        addiu   t2, t2, 4
{CODE}
        li      t9, {0x5000 + start:#x}
        jr      t9
        {slot}
"""


def many(*bodies: str) -> str:
    """One after the other: each goes on behind its fault."""
    return "".join(
        f"        la      s7, 5f\n{body}\n        nop\n        nop\n5:\n" for body in bodies
    )


QUIET = "        li s6, 0x10000000\n"
"""The handler returns to kernel mode, with interrupts off."""

PROBES: dict[str, str] = {
    # Calls of what cannot be fetched.
    "jalr to null": "        li t9, 0; jalr t9; li v0, 1",
    "jalr to an odd address": "        li t9, 0x80000402; jalr t9; li v0, 1",
    "jalr to missing memory": "        li t9, 0x80f00000; jalr t9; li v0, 1",
    "jalr to a device": "        li t9, 0xbfe00000; jalr t9; li v0, 1",
    "jalr to kseg2": "        li t9, 0xc0000000; jalr t9; li v0, 1",
    "jalr with another link": "        li v0, 4; jalr v0, zero; nop",
    "jalr through its own link": "        la ra, 1f; jalr ra, ra; li v0, 1\n" + log("ra", "v0")
    + "        b done; nop\n1:      li v0, 2\n" + log("ra", "v0"),
    "jr to null": "        jr zero; li v0, 1",
    "j beyond memory": "        j 0x80f00000; li v0, 1",
    "jal beyond memory": "        jal 0x80f00000; li v0, 1",
    "bltzal out of the page": in_page(0x10, "li v0, -1", ".word 0x04500c00", "li v0, 3"),
    "bgezal out of the page": in_page(0x10, "li v0, 1", ".word 0x04510c00", "li v0, 3"),
    "bgezal that is not taken": "        li v0, -1; bgezal v0, done; nop\n" + log("ra"),
    "bltzal that is not taken": "        li v0, 1; bltzal v0, done; nop\n" + log("ra"),
    "bltzal of its own link": "        li ra, 1; bltzal ra, 1f; li v0, 5\n" + log("ra", "v0")
    + "        b done; nop\n1:\n" + log("ra"),
    "bgezal of its own link": "        li ra, 1; bgezal ra, 1f; li v0, 5\n" + log("ra", "v0")
    + "        b done; nop\n1:\n" + log("ra"),
    "a call in user mode of the kernel": in_page(
        0, "li t9, 0x80000400", "jalr t9", "nop", slot="nop"
    ).replace(
        "        jr      t9\n        nop", QUIET + "        li t3, 8; mtc0 t3, $12; jr t9; rfe"
    ),
    "jr and rfe to null": "        jr zero; rfe",
    "jr and rfe to null in user mode": QUIET + "        li t0, 8; mtc0 t0, $12; jr zero; rfe",
    "jr and rfe to the kernel in user mode":
        QUIET + "        li t0, 8; mtc0 t0, $12; la t9, done; jr t9; rfe",
    "beq out of the page": in_page(0x20, ".word 0x10000c00", "li v0, 3"),
    "bne out of the page not taken": in_page(0x20, ".word 0x14000c00", "li v0, 3", "syscall"),
    # The end of a page.
    "0xff8 of the last page": in_page(0xFF4, "li v0, 4", "li v0, 5", "li v0, 6"),
    "jr at 0xff8": in_page(0xFF8, "jr s7", "li v0, 6"),
    "jr at 0xff4": in_page(0xFF4, "jr s7", "li v0, 6", "nop"),
    "jr at 0xff0": in_page(0xFF0, "jr s7", "li v0, 6", "nop", "nop"),
    "a jump to 0xffc": in_page(0xFF0, "nop", "nop", "nop", "syscall", entry=0xFFC),
    "a jump to 0xff8": in_page(0xFF0, "nop", "nop", "syscall", "nop", entry=0xFF8),
    "a branch in 0xff8": in_page(0xFF0, "nop", "nop", ".word 0x10000c00", "nop", entry=0xFF8),
    "a jalr in 0xff8": in_page(0xFF8, "jalr s7", "li v0, 6"),
    "rfe at 0xff8": in_page(0xFF8, "rfe", "nop"),
    "rfe at 0xffc": in_page(0xFF0, "nop", "nop", "nop", "rfe", entry=0xFFC),
    # Faults in delay slots.
    "a load in a slot": many(
        "        jal 5f; lw v0, 0(zero)",
        "        b 5f; lw v0, 1(gp)",
        "        beq zero, zero, 5f; lh v0, 1(gp)",
        "        bne zero, zero, 5f; lw v0, 2(gp)",
        "        la t9, 5f; jalr v0, t9; sw v0, 2(gp)",
    ),
    "other exceptions in a slot": many(
        "        j 5f; syscall",
        "        b 5f; .word 0x44020000",
        "        li t0, 0x7fffffff; b 5f; addi v0, t0, 1",
        "        b 5f; .word 0xffffffff",
        "        b 5f; lw v0, 0x80f00000",
    ),
    "a branch in a slot": "        la s7, done; b 1f; b 2f; nop\n1:      li v0, 7\n" + log("v0")
    + "2:      li v0, 8\n" + log("v0"),
    "a call in a slot": "        b 1f; jal 2f; nop\n1:\n" + log("ra") + "2:\n" + log("ra"),
    # Addresses.
    "unaligned": many(
        "        lw v0, 1(gp)", "        lw v0, 2(gp)", "        lh v0, 1(gp)",
        "        lhu v0, 3(gp)", "        sw v0, 3(gp)", "        sh v0, 1(gp)",
        "        lh v0, 3(zero)", "        sw v0, 1(zero)",
    ),
    "loads from nowhere": many(
        "        lb v0, 3(zero)", "        lh v0, 2(zero)", "        lw v0, 4(zero)",
        "        lwl v0, 1(zero)", "        lwr v0, 2(zero)",
        "        li t0, 0xc0001003; lbu v0, 0(t0)",
    ),
    "stores to nowhere": many(
        "        sb v0, 3(zero)", "        sh v0, 2(zero)", "        sw v0, 4(zero)",
        "        swl v0, 1(zero)", "        swr v0, 2(zero)",
        "        li t0, 0xc0001003; sb v0, 0(t0)",
    ),
    "stores to a page that is read only": mapped(1, 0x7000, 0x4000 | VALID) + many(
        "        li t0, 0x7001; sb v0, 0(t0)", "        li t0, 0x7002; sh v0, 0(t0)",
        "        li t0, 0x7004; sw v0, 0(t0)", "        li t0, 0x7005; swl v0, 0(t0)",
        "        li t0, 0x7006; swr v0, 0(t0)", "        li t0, 0x7008; lw v0, 0(t0)",
    ),
    "a page that is invalid": mapped(1, 0x7000, 0x4000) + many(
        "        li t0, 0x7001; sb v0, 0(t0)", "        li t0, 0x7004; lw v0, 0(t0)",
        "        li t0, 0x7000; jalr t0; nop",
    ),
    "kseg2": mapped(1, 0xC0007000, 0x4000 | VALID | DIRTY) + many(
        "        li t0, 0xc0007004; sw t0, 0(t0); lw v0, 0(t0)\n" + log("v0"),
        "        li t0, 0xc0008000; lw v0, 0(t0)",
    ),
    "another address space": mapped(1, 0x7000, 0x4000 | VALID | DIRTY, 5) + many(
        "        li t0, 0x7004; lw v0, 0(t0)",
        "        li t0, 0x140; mtc0 t0, $10; li t0, 0x7004; lw v0, 0(t0)\n" + log("v0"),
    ),
    "a global page": mapped(1, 0x7000, 0x4000 | VALID | GLOBAL, 5) + many(
        "        li t0, 0x7004; lw v0, 0(t0)\n" + log("v0"),
    ),
    "buses": many(
        "        li t0, 0x80f00000; lw v0, 0(t0)", "        li t0, 0x80f00000; sw v0, 0(t0)",
        "        li t0, 0x80f00001; lb v0, 0(t0)", "        li t0, 0xbfc00000; sw v0, 0(t0)",
        "        li t0, 0xbfd00000; lw v0, 0(t0)", "        li t0, 0xbfe0000c; lw v0, 0(t0)",
        "        li t0, 0xbff00000; sb v0, 0(t0)",
    ),
    "addresses that wrap": many(
        "        lw v0, -4(zero)", "        li t0, 0x7fffffff; lb v0, 1(t0)\n" + log("v0"),
    ),
    # What else traps.
    "codes": many(
        "        syscall", "        .word 0x0000000c | 0x12340 << 6", "        break",
        "        .word 0xffffffff", "        .word 0x04020000", "        .word 0x70000002",
        "        li t0, 0x7fffffff; li t1, 1; add v0, t0, t1",
        "        li t0, 0x80000000; li t1, 1; sub v0, t0, t1",
        "        li t0, 0x80000000; addi v0, t0, -1", "        .word 0x42000030",
        "        .word 0x42000003", "        .word 0x400a1800",
    ),
    "coprocessors": many(
        "        .word 0x44000000", "        .word 0xc4000000", "        .word 0x48000000",
        "        .word 0xe8000000", "        .word 0x4c000000", "        .word 0xcc000000",
        "        .word 0x40400000", "        .word 0x40c00000", "        .word 0x41000000",
        "        li t0, 0xf0000000; mtc0 t0, $12; .word 0x44000000",
    ),
    # Multiply and divide.
    "hi and lo": "        li t0, 7; li t1, -3\n" + "".join(
        f"        {op} t0, t1; mflo v0; mfhi v1\n" + log("v0", "v1")
        for op in ("mult", "multu", "div", "divu")
    ),
    "division by zero": "".join(
        f"        li t0, {n}; {op} zero, t0, zero; mflo v0; mfhi v1\n" + log("v0", "v1")
        for n in (5, -5, 0) for op in ("div", "divu")
    ),
    "stalls": "".join(
        f"        li t0, 7; mfc0 t2, $9; {body}; mfc0 t3, $9; subu t3, t3, t2\n" + log("t3")
        for body in (
            "mult t0, t0; mflo v0", "mult t0, t0; nop; mflo v0", "mult t0, t0; mult t0, t0",
            "mult t0, t0; nop; nop", "mflo v0; mult t0, t0", "mfhi v0; mult t0, t0",
            "mthi t0; mfhi v0", "mthi t0; mflo v0", "mtlo t0; mtlo t0", "mthi t0; mtlo t0",
            "mflo v0; mflo v0", "mult t0, t0; mfhi v0; mflo v0", "mflo v0; mtlo t0",
            "mult t0, t0; b 4f; mflo v0; 4: nop", "div zero, t0, t0; mfhi v0",
        )
    ),
    # CP0.
    "registers of cp0": "".join(
        f"        li t0, {value:#x}; mtc0 t0, ${register}; mfc0 v0, ${register}\n" + log("v0")
        for register, value in (
            (0, 0xFFFFFFFF), (2, 0xFFFFFFFF), (4, 0xFFFFFFFF), (8, 0xFFFFFFFF), (10, 0xFFFFFFFF),
            (13, 0xFFFFFFFF), (13, 0), (14, 0xFFFFFFFF), (15, 0xFFFFFFFF), (12, 0xF000FF3C),
            (12, 0), (9, 0xFFFFFFFF), (11, 0xFFFFFFFF), (16, 0xFFFFFFFF),
        )
    ),
    "selects": many(*(f"        .word {0x40020000 | register << 11 | select:#x}\n" + log("v0")
        for register, select in ((15, 0), (15, 1), (15, 2), (15, 3), (16, 0), (16, 1), (16, 2),
                                 (1, 1), (3, 0), (5, 0), (6, 0), (7, 0), (17, 0), (31, 0)))),
    "random": "".join("        mfc0 v0, $1\n" + log("v0") for _ in range(30)),
    "random and stalls": "        li t0, 3\n" + "".join(
        "        mult t0, t0; mflo t1; mfc0 v0, $1\n" + log("v0") for _ in range(8)
    ),
    "count": "        mtc0 zero, $9; mfc0 v0, $9; nop; mfc0 v1, $9\n" + log("v0", "v1"),
    "a timer interrupt": QUIET + "        li t0, 0x8001; mtc0 zero, $9; li t1, 20; mtc0 t1, $11;"
        " mtc0 t0, $12; la s7, done\n" + "        nop\n" * 30,
    "a timer interrupt in a slot": QUIET + "        li t0, 0x8001; mtc0 zero, $9; li t1, 20;"
        " mtc0 t1, $11; mtc0 t0, $12; la s7, done\n1:      b 1b; nop\n",
    "a software interrupt": QUIET
    + "        li t0, 0x101; mtc0 t0, $12; li t0, 0x100; mtc0 t0, $13; nop",
    "a software interrupt that rfe lets through":
        QUIET + "        li t0, 0x104; mtc0 t0, $12; li t0, 0x100; mtc0 t0, $13; la t9, 1f\n"
        "        jr t9; rfe\n"
        "1:      li v0, 9; nop",
    "context is kept": "        li t0, 0xffe00000; mtc0 t0, $4\n" + many(
        "        lw v0, 0x1234(zero)", "        syscall", "        li t0, 0x7ffffffc; lw v0, 0(t0)"
    ),
    "badvaddr is not kept": many("        lw v0, 0x1234(zero)", "        syscall",
                                 "        li t0, 0x80f00000; lw v0, 0(t0)"),
    "status is a stack": "        li t0, 0x15; mtc0 t0, $12; la s7, 1f; syscall\n1:"
        "      mfc0 v0, $12\n" + log("v0") + "        rfe; mfc0 v0, $12\n" + log("v0")
        + "        rfe; mfc0 v0, $12\n" + log("v0"),
    # TLB.
    "tlbp": mapped(9, 0x7000, 0x4000 | VALID, 3) + "".join(
        f"        li t0, {high:#x}; mtc0 t0, $10; li t0, 0x300; mtc0 t0, $0; tlbp; mfc0 v0, $0\n"
        + log("v0") for high in (0x7000, 0x70C0, 0x8000)
    ),
    "tlbr": mapped(9, 0x7000, 0xFFFFFFFF, 3) + "        li t0, 0x900; mtc0 t0, $0; tlbr;"
        " mfc0 v0, $10; mfc0 v1, $2\n" + log("v0", "v1"),
    "tlb at reset": "".join(
        f"        li t0, {n << 8:#x}; mtc0 t0, $0; tlbr; mfc0 v0, $10; mfc0 v1, $2\n"
        + log("v0", "v1") for n in (0, 1, 63)
    ),
    "tlbwr": "        li t0, 0x7000; mtc0 t0, $10; li t0, 0x4600; mtc0 t0, $2; tlbwr; tlbp;"
        " mfc0 v0, $0\n" + log("v0"),
    # Parts of words.
    "lwl and lwr": "        li t0, 0x80020000; li t1, 0x01020304; sw t1, 0(t0);"
        " li t1, 0x05060708; sw t1, 4(t0)\n" + "".join(
        f"        li v0, 0xaabbccdd; {op} v0, {n}(t0)\n" + log("v0")
        for op in ("lwl", "lwr") for n in range(4)
    ),
    "swl and swr": "".join(
        f"        li t0, 0x80020000; li t1, 0x01020304; sw t1, 0(t0); li v0, 0xaabbccdd;"
        f" {op} v0, {n}(t0); lw v0, 0(t0)\n" + log("v0")
        for op in ("swl", "swr") for n in range(4)
    ),
    "bytes and halves": "        li t0, 0x80020000; li t1, 0x81828384; sw t1, 0(t0)\n" + "".join(
        f"        {op} v0, {n}(t0)\n" + log("v0")
        for op, n in (("lb", 0), ("lbu", 1), ("lh", 2), ("lhu", 2), ("lb", 3))
    ),
    "parts of a register of a device": many(
        "        li t0, 0xbfff7e00; lbu v0, 0(t0)\n" + log("v0"),
        "        li t0, 0xbfff7e00; lhu v0, 2(t0)\n" + log("v0"),
        "        li t0, 0xbfff7e00; sb v0, 0(t0)",
    ),
    "ll and sc": "        li t0, 0x80020000; sw zero, 0(t0); ll t1, 0(t0); li v0, 5; sc v0, 0(t0);"
        " lw v1, 0(t0)\n" + log("v0", "v1")
        + "        li v0, 6; sc v0, 0(t0); lw v1, 0(t0)\n" + log("v0", "v1")
        + "        ll t1, 0(t0); la s7, 1f; syscall\n1:      li v0, 7; sc v0, 0(t0);"
        " lw v1, 0(t0)\n" + log("v0", "v1")
        + "        ll t1, 0(t0); li v0, 8; sc v0, 4(t0)\n" + log("v0")
        + "        ll t1, 0(t0); li t2, 9; sw t2, 0(t0); li v0, 8; sc v0, 0(t0)\n" + log("v0"),
    "shifts": "        li t0, 0x80000001; li t1, 33\n" + "".join(
        f"        {op} v0, t0, {by}\n" + log("v0")
        for op, by in (("sllv", "t1"), ("srlv", "t1"), ("srav", "t1"), ("sra", "31"), ("sll", "1"))
    ),
}  # fmt: skip


def program(name: str) -> bytes:
    """A probe's executable."""
    body = "\n".join(line.replace("; ", "\n        ") for line in PROBES[name].splitlines())
    source = FRAME.format(body=body, records=RECORDS)
    return assemble(source, origin=ORIGIN).to_elf()


def answers_of(command: str) -> dict[str, str]:
    """What a System/161 answers, a string of words for each probe."""
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "sys161.conf").write_text(CONFIGURATION)
        for name in PROBES:
            (place / "probe").write_bytes(program(name))
            done = subprocess.run(
                [command, "-X", "probe"], cwd=place, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=5, check=False,
            )  # fmt: skip
            if done.returncode:
                raise SystemExit(f"{name}: {done.stderr.decode()}{done.stdout.decode()}")
            found[name] = done.stdout.decode().split()
    return {name: " ".join(words) for name, words in found.items()}


if __name__ == "__main__":
    ANSWERS.write_text(json.dumps(answers_of(sys.argv[1]), indent=1) + "\n")
