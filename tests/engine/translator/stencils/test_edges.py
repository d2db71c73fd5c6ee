"""What random programs seldom meet: other pages, late results, branches executed twice.

Each program runs on the reference and on the translator with either tier, and the two are compared
every few cycles.
"""

import struct
from collections.abc import Callable

import pytest

from kseg.engine import Engine, ExitReason, ProcessorState, create
from kseg.engine.translator.compilation.compile_queue import CompileQueue
from kseg.engine.translator.engine import Translator
from kseg.memory.physical import PhysicalMemory
from tests.engine.random_programs import Machine
from tests.engine.translator import assembly as a
from tests.engine.translator.assembly import Assembly
from tests.engine.translator.stencils.stencil_queue import queue
from tests.engine.translator.test_lockstep import (
    _COMPILE_QUEUE,
    TieringStatistics,
    differences,
    translator,
)

ORDERS = {"mips161": "big", "r3000": "little", "lsi": "little"}
SEEDS = range(4)
"""Of the ways to translate that each program is run with."""
KERNEL = 0x80000000
HANDLER = KERNEL | 0x80
HERE, NEXT, OTHER = 0x1000, 0x2000, 0x3000
"""Virtual pages, mapped by TLB entries of their numbers to the physical pages of the same address.
Entry 2 changes."""
BEFORE_END = HERE + 0xFC0
VALID = 0x600
DEVICE = 0xBFE00000

Registers = dict[int, int]
Program = Callable[[Assembly], Registers]


@pytest.fixture(params=["stencils", "compiler"])
def tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def machine(profile: str, program: Program, start: int, make: Callable[..., Engine]) -> Machine:
    """A processor in kernel mode at `start`."""
    asm = Assembly()
    registers = program(asm)
    memory = PhysicalMemory(0x10000)
    layout = ">I" if ORDERS[profile] == "big" else "<I"
    for at, word in asm.words.items():
        memory.write(at & 0x1FFFFFFF, struct.pack(layout, word))
    state = ProcessorState()
    state.reset(status=0, pc=start)
    state.enabled = 1
    for register, value in registers.items():
        state.gpr[register] = value
    if profile != "lsi":
        for page in range(16):
            state.tlb_entry_hi[page] = page << 12
            state.tlb_entry_lo[page] = page << 12 | VALID
        for entry in range(16, 64):
            state.tlb_entry_hi[entry] = KERNEL | entry << 12
        state.index, state.entry_hi = 2 << 8, NEXT
    return Machine(make(memory, [state]), memory)


def check(profile: str, tier: str, program: Program, start: int = HERE) -> ProcessorState:
    """Compare the reference and the translator for a while; returns the processor at the end."""
    order = ORDERS[profile]
    shop: CompileQueue = _COMPILE_QUEUE if tier == "compiler" else queue(profile, order)
    tally = TieringStatistics()
    for seed in SEEDS:
        make = translator(profile, order, seed, queue=shop)
        found = machine(profile, program, start, make)
        expected = machine(
            profile,
            program,
            start,
            lambda memory, states: create("reference", profile, order, memory, states),
        )
        compare(expected, found)
        assert isinstance(found.engine, Translator)
        tally.note(found.engine)
    assert 2 * tally.translated >= tally.examples
    return found.engine.processors[0]


def compare(expected: Machine, found: Machine) -> None:
    """Run both; each load from a device has another answer."""
    answers = 0
    while expected.engine.clock < 4000:
        exit_ = expected.engine.run(61)
        assert found.engine.run(61) == exit_
        assert not differences(expected, found)
        if exit_.reason is ExitReason.DEVICE_LOAD:
            answers += 1
            for each in (expected, found):
                each.engine.complete_load(answers)
        elif exit_.reason is ExitReason.DEVICE_STORE:
            for each in (expected, found):
                each.engine.complete_store(True)


def every_64th(asm: Assembly, *words: int) -> None:
    """Execute these instructions in every 64th round of the loop, and begin another round, for that
    is where control comes into a translation."""
    asm.emit(a.addiu(a.S0, a.S0, 1), a.andi(a.T0, a.S0, 63))
    asm.branch(a.bne(a.T0, 0), "on")
    asm.emit(a.NOP, *words)
    asm.branch(a.beq(0, 0), "again")
    asm.emit(a.NOP)
    asm.place("on")


def xor(destination: int, source: int, target: int) -> int:
    return a.register(0x26, source, target, destination)


CHANGE = (xor(a.S5, a.S5, a.S7), a.mtc0(a.S5, a.ENTRY_LO), a.NOP, a.TLBWI, a.NOP, a.NOP)
"""Changes what the second page is mapped to, by the bits in s7."""


def handler(asm: Assembly) -> None:
    """Counts exceptions in s6 with where they were; changes the mapping back."""
    asm.at = HANDLER
    asm.emit(a.mfc0(a.K0, a.EPC), a.mfc0(a.K1, a.CAUSE), a.addiu(a.S6, a.S6, 1), *CHANGE)
    asm.emit(a.addu(a.S4, a.S4, a.K0), a.addu(a.S4, a.S4, a.K1), a.jr(a.K0), a.RFE)


def two_pages(asm: Assembly, *first: int, by_jump: bool = True) -> None:
    """A loop over two pages; `first` is what the second begins with."""
    asm.at = HERE if by_jump else BEFORE_END
    asm.place("again")
    every_64th(asm, *CHANGE)
    if by_jump:
        asm.jump(a.J, "second")
        asm.emit(a.addiu(a.V1, a.V1, 1))
    else:
        while asm.at < NEXT:
            asm.emit(a.addiu(a.V1, a.V1, 1))
    for page, amount in ((OTHER, 2), (NEXT, 1)):
        asm.at = page
        asm.place("second")
        asm.emit(*first, a.addiu(a.V0, a.V0, amount))
        asm.jump(a.J, "again")
        asm.emit(a.addiu(a.A0, a.A0, amount))


@pytest.mark.parametrize("profile", ["mips161", "r3000"])
@pytest.mark.parametrize("by_jump", [True, False])
def test_another_page_comes_into_the_place(profile: str, tier: str, by_jump: bool) -> None:
    def program(asm: Assembly) -> Registers:
        two_pages(asm, by_jump=by_jump)
        return {a.S5: NEXT | VALID, a.S7: NEXT ^ OTHER}

    state = check(profile, tier, program, HERE if by_jump else BEFORE_END)
    assert state.gpr[a.V0] > state.gpr[a.S0]


@pytest.mark.slow("hard")
@pytest.mark.parametrize("profile", ["mips161", "r3000"])
@pytest.mark.parametrize("by_jump", [True, False])
@pytest.mark.parametrize("first", [(), (a.TLBP,)], ids=["easy", "hard"])
def test_a_page_goes(profile: str, tier: str, by_jump: bool, first: tuple[int, ...]) -> None:
    """Where the fault is taken depends on the profile: at the jump or behind its delay slot."""

    def program(asm: Assembly) -> Registers:
        two_pages(asm, *first, by_jump=by_jump)
        handler(asm)
        return {a.S5: NEXT | VALID, a.S7: 0x200}

    state = check(profile, tier, program, HERE if by_jump else BEFORE_END)
    assert state.gpr[a.S6] > 1


@pytest.mark.parametrize("profile", ["mips161", "r3000"])
def test_user_mode_does_not_come_into_the_kernel(profile: str, tier: str) -> None:
    """The same code calls a function of the kernel's in either mode."""

    def program(asm: Assembly) -> Registers:
        asm.at = HERE
        asm.place("again")
        every_64th(asm, a.mtc0(a.S7, a.STATUS))
        asm.emit(a.jalr(a.T9), a.addiu(a.V1, a.V1, 1))
        asm.jump(a.J, "again")
        asm.emit(a.NOP)
        asm.at = KERNEL | OTHER
        asm.place("callee")
        asm.emit(a.jr(a.RA), a.addiu(a.V0, a.V0, 1))
        asm.at = HANDLER
        asm.emit(a.mfc0(a.K0, a.EPC), a.addiu(a.S6, a.S6, 1), a.mtc0(0, a.STATUS))
        asm.emit(a.jr(a.S1), a.NOP)
        return {a.T9: asm.labels["callee"], a.S7: 2, a.S1: HERE}

    state = check(profile, tier, program)
    assert state.gpr[a.S6] > 1


def test_a_jump_to_a_register_leads_where_nothing_is(tier: str) -> None:
    """The fault is at the jump, before the delay slot has executed."""

    def program(asm: Assembly) -> Registers:
        asm.at = HERE
        asm.place("again")
        every_64th(asm, a.addu(a.T9, a.S1, 0))
        asm.emit(a.jr(a.T9), a.addiu(a.V1, a.V1, 1))
        asm.at = OTHER
        asm.place("callee")
        asm.jump(a.J, "again")
        asm.emit(a.addiu(a.V0, a.V0, 1))
        asm.at = HANDLER
        asm.emit(a.mfc0(a.K0, a.EPC), a.addiu(a.S6, a.S6, 1), a.addu(a.T9, a.S2, 0))
        asm.emit(a.addu(a.S4, a.S4, a.K0), a.jr(a.K0), a.RFE)
        return {a.T9: OTHER, a.S2: OTHER, a.S1: OTHER + 2}

    state = check("mips161", tier, program)
    assert state.gpr[a.S6] > 1


def test_a_block_waits_for_the_one_before(tier: str) -> None:
    """HI and LO are occupied at the end of a block, and the next begins by using one."""

    def program(asm: Assembly) -> Registers:
        asm.at = HERE
        asm.place("again")
        asm.emit(a.register(24, a.V0, a.S0, 0))
        asm.place("middle")
        asm.emit(a.register(18, 0, 0, a.V1), a.addiu(a.S0, a.S0, 1), a.andi(a.T0, a.S0, 3))
        asm.branch(a.bne(a.T0, 0), "middle")
        asm.emit(a.NOP)
        asm.branch(a.beq(0, 0), "again")
        asm.emit(a.addu(a.V0, a.V0, a.V1))
        return {a.V0: 3}

    state = check("mips161", tier, program)
    assert state.kernel_stalls > 100


@pytest.mark.slow
@pytest.mark.parametrize("profile", list(ORDERS))
def test_a_branch_whose_slot_leaves_is_executed_once_more(profile: str, tier: str) -> None:
    """It must find what it reads as it was, also where it writes that, or a load brings it."""

    def program(asm: Assembly) -> Registers:
        slot = a.lw(a.V0, 0, a.S1)
        asm.at = KERNEL | HERE
        asm.place("again")
        asm.emit(a.addiu(a.S0, a.S0, 1), a.andi(a.T0, a.S0, 15))
        asm.branch(a.bne(a.T0, 0), "near")
        asm.emit(a.addu(a.S1, a.S2, 0), a.addu(a.S1, a.S3, 0))
        asm.place("near")
        asm.address(a.T9, "callee")
        asm.emit(a.jalr(a.T9, a.T9), slot)
        asm.emit(a.addiu(a.RA, 0, -1))
        asm.branch(a.immediate(1, a.RA, 16, 0), "linked")
        asm.emit(slot, a.addiu(a.A1, a.A1, 1))
        asm.place("linked")
        asm.emit(a.addu(a.T1, 0, 0), a.lw(a.T1, 8, a.S2))
        asm.branch(a.beq(a.T1, 0), "again")
        asm.emit(a.sw(a.V0, 0, a.S1))
        asm.branch(a.beq(0, 0), "again")
        asm.emit(a.addiu(a.A2, a.A2, 1))
        asm.place("callee")
        asm.emit(a.jr(a.T9), a.addiu(a.V1, a.V1, 1))
        asm.at = KERNEL | OTHER | 8
        asm.emit(5)
        return {a.S2: KERNEL | OTHER, a.S3: DEVICE}

    check(profile, tier, program, KERNEL | HERE)
