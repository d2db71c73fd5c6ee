"""Supervised processors: what would be an exception is an exit, before the instruction."""

from dataclasses import dataclass

import pytest

from kseg.engine import ExitReason
from kseg.engine.contract import Exit
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode as Code
from tests.engine.supervised import (
    CLEAN,
    CODE,
    DATA,
    INVALID,
    KERNEL,
    KINDS,
    MISSING,
    NUMBER,
    D,
    G,
    Machine,
    V,
    machine,
    snapshot,
)

Kind = tuple[str, str, str]

every_kind = pytest.mark.parametrize("kind", KINDS, ids="-".join)
MENDED = 9
"""The TLB entry that a monitor writes."""


@dataclass(frozen=True)
class Case:
    """An instruction, the exception that it raises, and the address that that is about."""

    text: str
    code: Code
    address: int = 0
    rounded: int | None = None
    """That address where byte accesses report the word's (mips161), if it differs."""

    def __str__(self) -> str:
        return self.text


WITHOUT_ADDRESS = [
    Case("syscall", Code.SYSTEM_CALL),
    Case("break 5", Code.BREAKPOINT),
    Case("add t0, s5, s5", Code.OVERFLOW),
    Case("addi t0, s5, 1", Code.OVERFLOW),
    Case(".word 0x7c000000", Code.RESERVED_INSTRUCTION),
    Case("mfc0 t0, $12", Code.COPROCESSOR_UNUSABLE),
    Case("mtc0 s5, $12", Code.COPROCESSOR_UNUSABLE),
    Case("tlbwi", Code.COPROCESSOR_UNUSABLE),
    Case("tlbp", Code.COPROCESSOR_UNUSABLE),
    Case("rfe", Code.COPROCESSOR_UNUSABLE),
    Case(".word 0x44000000", Code.COPROCESSOR_UNUSABLE),
]
WITH_ADDRESS = [
    Case("lw t0, 2(gp)", Code.ADDRESS_ERROR_LOAD, DATA + 2),
    Case("lh t0, 1(gp)", Code.ADDRESS_ERROR_LOAD, DATA + 1),
    Case("sw t0, 1(gp)", Code.ADDRESS_ERROR_STORE, DATA + 1),
    Case("sh t0, 5(gp)", Code.ADDRESS_ERROR_STORE, DATA + 5),
    Case("lw t0, 8(s4)", Code.ADDRESS_ERROR_LOAD, KERNEL + 8),
    Case("sw t0, 8(s4)", Code.ADDRESS_ERROR_STORE, KERNEL + 8),
]
TLB = [
    Case("lw t0, 4(s3)", Code.TLB_LOAD, MISSING + 4),
    Case("lbu t0, 7(s3)", Code.TLB_LOAD, MISSING + 7, MISSING + 4),
    Case("lwl t0, 2(s3)", Code.TLB_LOAD, MISSING + 2, MISSING),
    Case("sw gp, 4(s3)", Code.TLB_STORE, MISSING + 4),
    Case("swr gp, 2(s3)", Code.TLB_STORE, MISSING + 2, MISSING),
    Case("lw t0, 4(s2)", Code.TLB_LOAD, INVALID + 4),
    Case("sh gp, 6(s2)", Code.TLB_STORE, INVALID + 6, INVALID + 4),
    Case("sw gp, 4(s1)", Code.TLB_MODIFIED, CLEAN + 4),
    Case("sb gp, 5(s1)", Code.TLB_MODIFIED, CLEAN + 5, CLEAN + 4),
]
MENDING = {
    MISSING: (MENDED, MISSING, 0x5000 | V | D | G),
    INVALID: (3, INVALID, 0x4000 | V | D | G),
    CLEAN: (2, CLEAN, 0x3000 | V | D | G),
}

BEFORE = {
    "": "nop",
    "in a delay slot": "b away",
    "after a load": "lw t8, 0(gp)",
}
LINK = {"mips161": "ll t7, 16(gp)", "r3000": "nop"}


def program(instruction: str, before: str, profile: str) -> str:
    """The instruction at `fault`."""
    return f"""
start:  {LINK[profile]}
        addiu   t9, t9, 1
        {BEFORE[before]}
fault:  {instruction}
        addiu   t9, t9, 16
away:   addiu   t9, t9, 256
        nop
        nop
1:      b       1b
        nop
"""


def expected_exit(case: Case, profile: str) -> Exit:
    address = case.address
    if profile == "mips161" and case.rounded is not None:
        address = case.rounded
    return Exit(ExitReason.TRAP, NUMBER, address, value=int(case.code))


def reached(kind: Kind, case: Case, before: str) -> Machine:
    """A machine about to execute the instruction of a case."""
    made = machine(kind, program(case.text, before, kind[1]))
    made.memory.write(0x2000, bytes(range(1, 65)))
    made.run_to("fault")
    assert made.state.in_delay_slot == (before == "in a delay slot")
    assert (made.state.pending_load_register != 0) == (
        before == "after a load" and kind[1] == "r3000"
    )
    return made


@every_kind
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("case", [*WITHOUT_ADDRESS, *WITH_ADDRESS, *TLB], ids=str)
def test_a_trap_leaves_everything_as_it_was(kind: Kind, case: Case, before: str) -> None:
    made = reached(kind, case, before)
    expected = snapshot(made.state)
    for _ in range(2):
        assert made.run(10) == expected_exit(case, kind[1])
        assert snapshot(made.state) == expected
    whole = machine(kind, program(case.text, before, kind[1]))
    whole.memory.write(0x2000, bytes(range(1, 65)))
    assert whole.run(50) == expected_exit(case, kind[1])
    assert snapshot(whole.state) == expected


@every_kind
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("case", TLB, ids=str)
def test_it_goes_on_as_if_the_page_had_always_been_there(
    kind: Kind, case: Case, before: str
) -> None:
    entry = MENDING[case.address & r.VPN_MASK]
    made = reached(kind, case, before)
    assert made.run(10).reason is ExitReason.TRAP
    made.add_entry(*entry)
    end = made.state.clock + 6
    assert made.engine.run_processor(NUMBER, end) == Exit(ExitReason.BUDGET, NUMBER)
    other = machine(kind, program(case.text, before, kind[1]))
    other.memory.write(0x2000, bytes(range(1, 65)))
    other.add_entry(*entry)
    assert other.engine.run_processor(NUMBER, end) == Exit(ExitReason.BUDGET, NUMBER)
    assert snapshot(made.state) == snapshot(other.state)
    assert made.memory.ram.data == other.memory.ram.data
    assert made.state.clock == end


@every_kind
def test_a_trap_in_a_slot_with_a_load_pending_keeps_both(kind: Kind) -> None:
    made = machine(kind, program("syscall", "", kind[1]))
    state = made.state
    state.pc, state.next_pc, state.in_delay_slot = made.symbols["fault"], made.symbols["away"], 1
    if kind[1] == "r3000":
        state.pending_load_register, state.pending_load_value = 8, 0x1234
    made.engine.state_changed()
    expected = snapshot(state)
    assert made.run(10) == Exit(ExitReason.TRAP, NUMBER, value=int(Code.SYSTEM_CALL))
    assert snapshot(state) == expected


FETCHES = [
    Case("jr s3", Code.TLB_LOAD, MISSING),
    Case("jr s2", Code.TLB_LOAD, INVALID),
    Case("jalr s3", Code.TLB_LOAD, MISSING),
    Case("jr s4", Code.ADDRESS_ERROR_LOAD, KERNEL),
    Case("jr s5", Code.ADDRESS_ERROR_LOAD, 0x7FFFFFFF),
]


@every_kind
@pytest.mark.parametrize("case", FETCHES, ids=str)
def test_a_fetch_that_fails(kind: Kind, case: Case) -> None:
    made = machine(kind, f"start: nop\nfault: {case.text}\nslot: lw t8, 0(gp)\n nop\n")
    made.memory.write(0x2000, b"\1\2\3\4")
    # On mips161 the jump finds out, elsewhere the fetch itself, a load then being on its way.
    cycles = 1 if kind[1] == "mips161" else 3
    assert made.run(cycles) == Exit(ExitReason.BUDGET, NUMBER)
    expected = snapshot(made.state)
    assert expected["pc"] == (made.symbols["fault"] if kind[1] == "mips161" else case.address)
    assert expected["pending_load_register"] == (24 if kind[1] == "r3000" else 0)
    assert made.run(10) == Exit(ExitReason.TRAP, NUMBER, case.address, value=int(case.code))
    assert snapshot(made.state) == expected


@every_kind
def test_code_goes_on_in_the_next_page_once_that_is_there(kind: Kind) -> None:
    made = machine(kind, ".org 0x10ff0\nstart: addiu t0, t0, 1\naddiu t0, t0, 2\n" + "nop\n" * 2)
    made.memory.write(0x6000, made.memory.read(0x1FF0, 4) + bytes(64))
    found = made.run(20)
    assert found == Exit(ExitReason.TRAP, NUMBER, CODE + 0x1000, value=int(Code.TLB_LOAD))
    assert made.state.pc == (CODE + 0xFF8 if kind[1] == "mips161" else CODE + 0x1000)
    clock = made.state.clock
    assert clock == (made.state.pc - CODE - 0xFF0) // 4
    made.add_entry(MENDED, CODE + 0x1000, 0x6000 | V | G)
    made.engine.run_processor(NUMBER, 6)
    assert (made.state.gpr[8], made.state.pc, made.state.clock) == (4, CODE + 0x1008, 6)


@every_kind
def test_an_entry_is_replaced_and_taken_away(kind: Kind) -> None:
    made = machine(kind, "1: lw t0, 0(gp)\n b 1b\n nop\n")
    order = "big" if kind[2] == "big" else "little"
    for page in (2, 5, 3):
        made.memory.write(page << 12, page.to_bytes(4, order))
    made.run(6)
    assert made.state.gpr[8] == 2
    made.add_entry(1, DATA, 0x5000 | V | G)
    made.run(6)
    assert made.state.gpr[8] == 5
    made.add_entry(1, 0x80000000, 0)
    assert made.run(6).value == Code.TLB_LOAD
    # Under another ASID it is not there, and the former entry does not come back.
    made.add_entry(1, DATA | 3 << 6, 0x3000 | V)
    assert made.run(6).value == Code.TLB_LOAD
    made.state.entry_hi = 3 << 6
    assert made.run(6).reason is ExitReason.BUDGET
    assert made.state.gpr[8] == 3
    made.state.entry_hi = 4 << 6
    assert made.run(6).value == Code.TLB_LOAD


@every_kind
def test_a_processor_that_nobody_supervises_takes_its_exceptions(kind: Kind) -> None:
    made = machine(kind, "nop\nsyscall\n", supervised=False)
    assert made.run(2) == Exit(ExitReason.BUDGET, NUMBER)
    assert made.state.pc == KERNEL + 0x80
    assert (made.state.epc, made.state.cause) == (CODE + 4, 8 << 2)
