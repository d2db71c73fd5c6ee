"""Taking an exception, and coming back."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.isa.exceptions import (
    MNEMONICS,
    RFE_WORD,
    ExceptionCode,
    enter,
    pop_status,
    push_status,
    vector,
)
from kseg.isa.instruction_set import instruction_set
from kseg.isa.profile import LSI, MIPS161, R3000, Profile
from kseg.isa.registers import CAUSE_BD, CAUSE_BRANCH_TAKEN, STATUS_BEV

words = st.integers(0, 0xFFFFFFFF)
PC = 0x80001000


def taken(profile: Profile, code: ExceptionCode, **what: Any) -> SimpleNamespace:
    """The registers after an exception, from recognisable ones before."""
    cpu = SimpleNamespace(
        profile=profile,
        status=0x03,
        cause=0x300,
        epc=1,
        bad_vaddr=0x1111,
        context=0xFFE22220,
        entry_hi=0x33333440,
        target_address=0x4444,
    )
    how = {
        "pc": PC,
        "in_delay_slot": False,
        "branch_target": 0,
        "address": 0xABCDE123,
        "coprocessor": 0,
        "opcode": 0,
    }
    enter(cpu, code, **(how | what))
    return cpu


@given(words)
def test_the_status_stack_is_three_deep(status: int) -> None:
    pushed = push_status(status)
    assert pushed & 3 == 0
    assert pushed & ~0x3F == status & ~0x3F
    assert (pushed >> 2) & 0xF == status & 0xF
    # What was the oldest pair is lost; the others come back.
    assert pop_status(pushed) & 0xF == status & 0xF
    assert pop_status(pushed) & ~0x3F == status & ~0x3F


@given(words)
def test_rfe_leaves_the_oldest_pair(status: int) -> None:
    assert pop_status(status) & 0x30 == status & 0x30


@pytest.mark.parametrize(
    ("status", "refill", "address"),
    [
        (0, False, 0x80000080),
        (0, True, 0x80000000),
        (STATUS_BEV, False, 0xBFC00180),
        (STATUS_BEV, True, 0xBFC00100),
    ],
)
def test_vectors(status: int, refill: bool, address: int) -> None:
    assert vector(status, refill) == address


def test_a_plain_exception() -> None:
    cpu = taken(R3000, ExceptionCode.SYSTEM_CALL)
    assert cpu.epc == PC
    assert cpu.cause == 0x300 | 8 << 2
    assert cpu.status == 0x0C
    assert (cpu.bad_vaddr, cpu.context, cpu.entry_hi) == (0x1111, 0xFFE22220, 0x33333440)


def test_in_a_delay_slot_epc_is_the_branch() -> None:
    cpu = taken(R3000, ExceptionCode.SYSTEM_CALL, in_delay_slot=True)
    assert cpu.epc == PC - 4
    assert cpu.cause & CAUSE_BD


def test_a_tlb_miss_says_where() -> None:
    cpu = taken(R3000, ExceptionCode.TLB_LOAD)
    assert cpu.bad_vaddr == 0xABCDE123
    assert cpu.entry_hi == 0xABCDE440
    assert cpu.context == 0xFFE00000 | (0x2BCDE << 2)


def test_an_address_error_leaves_the_tlb_registers() -> None:
    cpu = taken(R3000, ExceptionCode.ADDRESS_ERROR_STORE)
    assert cpu.bad_vaddr == 0xABCDE123
    assert (cpu.context, cpu.entry_hi) == (0xFFE22220, 0x33333440)


def test_mips161_clobbers_badvaddr_and_context_always() -> None:
    cpu = taken(MIPS161, ExceptionCode.SYSTEM_CALL)
    assert (cpu.bad_vaddr, cpu.context) == (0, 0xFFE00000)


def test_coprocessor_unusable_names_the_unit() -> None:
    cpu = taken(R3000, ExceptionCode.COPROCESSOR_UNUSABLE, coprocessor=2)
    assert (cpu.cause >> 28) & 3 == 2


def test_the_lsi_core_shows_opcode_bits_and_a_taken_branchs_target() -> None:
    opcode = 0x8C820001
    cpu = taken(LSI, ExceptionCode.ADDRESS_ERROR_LOAD, opcode=opcode)
    assert (cpu.cause >> 28) & 3 == opcode >> 26 & 3
    assert cpu.target_address == 0x4444
    cpu = taken(
        LSI, ExceptionCode.BREAKPOINT, in_delay_slot=True, branch_target=0x80002000, opcode=0xD
    )
    assert cpu.cause & CAUSE_BRANCH_TAKEN
    assert cpu.target_address == 0x80002000


def test_every_code_has_its_short_name() -> None:
    assert len(MNEMONICS) == len(ExceptionCode)
    assert MNEMONICS[ExceptionCode.OVERFLOW] == "Ov"


def test_the_word_of_rfe_is_rfe() -> None:
    found = instruction_set("mips161").decode(RFE_WORD)
    assert found is not None
    assert found.instruction.name == "rfe"
