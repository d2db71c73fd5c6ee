"""One processor of several runs by itself: `run_processor`, and when it comes back."""

import pytest

from kseg.engine import ExitReason, create
from kseg.engine.contract import Exit
from kseg.isa import registers as r
from tests.engine.supervised import (
    CODE,
    KERNEL,
    KINDS,
    MISSING,
    NUMBER,
    machine,
    snapshot,
)

Kind = tuple[str, str, str]

every_kind = pytest.mark.parametrize("kind", KINDS, ids="-".join)
with_wait = pytest.mark.parametrize("kind", KINDS[::2], ids="-".join)

BUDGET, IDLE = Exit(ExitReason.BUDGET, NUMBER), Exit(ExitReason.IDLE, NUMBER)
LOOP = """
start:  addiu   t0, t0, 1
        mult    t0, t0
        mflo    t1
        bnez    t0, start
        lw      t2, 0(gp)
"""


@every_kind
def test_a_budget_is_used_up_to_the_cycle(kind: Kind) -> None:
    whole, cut = machine(kind, LOOP), machine(kind, LOOP)
    assert whole.engine.run_processor(NUMBER, 97) == BUDGET
    for clock in (0, 1, 2, 3, 5, 5, 8, 30, 31, 97):
        assert cut.engine.run_processor(NUMBER, clock) == BUDGET
        assert cut.state.clock == clock
    assert snapshot(cut.state) == snapshot(whole.state)
    assert whole.state.user_cycles == 97
    # A round takes six cycles where MFLO waits for MULT, else five.
    cycles = 6 if kind[1] == "mips161" else 5
    assert whole.state.gpr[8] == 97 // cycles + 1
    assert whole.state.user_stalls == (97 // 6 if kind[1] == "mips161" else 0)


@every_kind
def test_the_other_processor_stands_still(kind: Kind) -> None:
    made = machine(kind, LOOP)
    other = made.engine.processors[0]
    expected = snapshot(other)
    made.run(50)
    assert snapshot(other) == expected
    assert (made.engine.clock, made.state.clock) == (0, 50)


WAITING = """
start:  addiu   t0, t0, 1
        wait
        addiu   t0, t0, 16
        wait
        b       start
        nop
"""


@with_wait
def test_waiting_ends_with_a_line(kind: Kind) -> None:
    made = machine(kind, WAITING, kernel=True)
    assert made.run(100) == IDLE
    assert (made.state.clock, made.state.gpr[8], made.state.pc) == (2, 1, KERNEL + 0x1008)
    assert made.run(100) == IDLE
    assert made.state.clock == 2
    made.state.interrupt_lines = r.WAKING_LINES & 0x400
    assert made.run(3) == BUDGET
    assert (made.state.clock, made.state.gpr[8]) == (5, 17)
    made.state.interrupt_lines = 0
    assert made.run(100) == IDLE


RETURN = """
start:  lw      k0, 0(gp)
        nop
        jr      k0
        rfe
"""
USER, PREVIOUS_USER, OLD_USER = r.STATUS_KUC, r.STATUS_KUC << 2, r.STATUS_KUC << 4


def returning(kind: Kind, status: int, target: int, source: str = RETURN):
    """A kernel that returns to an address, with a Status before."""
    made = machine(kind, source, kernel=True)
    made.memory.write(0x2000, target.to_bytes(4, "big" if kind[2] == "big" else "little"))
    made.state.status = status
    made.engine.state_changed()
    return made


@every_kind
def test_leaving_for_user_mode_is_right_after_rfe(kind: Kind) -> None:
    made = returning(kind, PREVIOUS_USER, CODE + 0x40)
    assert made.run(100, leave_for_user=True) == BUDGET
    state = made.state
    assert (state.clock, state.pc, state.in_delay_slot) == (4, CODE + 0x40, 0)
    assert (state.kernel_cycles, state.user_cycles) == (4, 0)
    assert state.status & 0x3F == USER
    # From there on it is in user mode, and nothing is left.
    assert made.run(20, leave_for_user=True) == BUDGET
    assert (state.clock, state.user_cycles) == (24, 20)


@every_kind
def test_otherwise_it_goes_on_in_user_mode(kind: Kind) -> None:
    made = returning(kind, PREVIOUS_USER, CODE + 0x40)
    assert made.run(100) == BUDGET
    assert (made.state.clock, made.state.user_cycles) == (100, 96)


@every_kind
def test_a_return_to_the_kernel_does_not_leave(kind: Kind) -> None:
    made = returning(kind, OLD_USER, KERNEL + 0x1000)
    assert made.run(4, leave_for_user=True) == BUDGET
    assert made.state.status & 0x3F == OLD_USER | PREVIOUS_USER
    assert made.run(3, leave_for_user=True) == BUDGET
    assert made.state.clock == 7


@every_kind
def test_leaving_for_user_mode_is_before_an_interrupt(kind: Kind) -> None:
    made = returning(kind, PREVIOUS_USER | r.STATUS_IEC << 2 | 0x400, CODE + 0x40)
    made.state.interrupt_lines = 0x400
    assert made.run(100, leave_for_user=True) == BUDGET
    assert (made.state.clock, made.state.pc, made.state.exceptions[0]) == (4, CODE + 0x40, 0)


@every_kind
def test_user_mode_by_way_of_an_exception_from_user_mode(kind: Kind) -> None:
    made = machine(kind, "start: nop\nnop\nsyscall\nnop\n", supervised=False)
    put = made.memory.write
    # At the general vector: skip the system call.
    order = "big" if kind[2] == "big" else "little"
    words = (0x401A7000, 0, 0x275A0004, 0x03400008, 0x42000010)  # mfc0 k0, epc; ...; rfe
    put(0x80, b"".join(word.to_bytes(4, order) for word in words))
    assert made.run(100, leave_for_user=True) == BUDGET
    assert (made.state.clock, made.state.pc) == (8, CODE + 12)


@every_kind
def test_user_mode_where_nothing_can_be_fetched(kind: Kind) -> None:
    """On mips161 the fetch fails at the RFE, so that user mode is not reached."""
    made = returning(kind, PREVIOUS_USER, MISSING)
    assert made.run(100, leave_for_user=True) == BUDGET
    if kind[1] == "mips161":
        assert (made.state.clock, made.state.tlb_refills) == (100, 1)
        assert made.state.user_cycles == 0
    else:
        assert (made.state.clock, made.state.tlb_refills) == (4, 0)


@every_kind
def test_status_written_with_user_mode(kind: Kind) -> None:
    made = returning(kind, 0, 0, f"start: li t0, {USER}\n mtc0 t0, $12\n nop\n")
    assert made.run(100, leave_for_user=True) == BUDGET
    assert (made.state.clock, made.state.pc) == (2, KERNEL + 0x1008)


@pytest.mark.parametrize(
    "engine",
    [
        "reference",
        "interpreter",
    ],
)
def test_user_mode_that_may_use_cp0_is_not_left(engine: str) -> None:
    """Only an instruction that was begun in kernel mode leads to user mode."""
    made = machine((engine, "r3000", "little"), "1: mtc0 s1, $10\n b 1b\n nop\n")
    made.state.status |= 1 << r.STATUS_CU_SHIFT
    made.engine.state_changed()
    made.run(10, leave_for_user=True)
    assert made.state.clock == 10


@every_kind
@pytest.mark.parametrize("store", [False, True])
def test_what_has_its_answer_completes_before_an_interrupt(kind: Kind, store: bool) -> None:
    """Only then is the line looked at that the device has raised."""
    name = "sw" if store else "lw"
    source = f"start: lui t9, 0xbfe0\n {name} t0, 4(t9)\n addiu t0, t0, 3\n addiu t1, t1, 3\n"
    made = machine(kind, source, kernel=True)
    state = made.state
    state.status = r.STATUS_IEC | 0x400
    # Answers are for processor 0.
    engine = create(*kind, made.memory, [state])
    assert engine.run_processor(0, 10).reason in (
        ExitReason.DEVICE_LOAD,
        ExitReason.DEVICE_STORE,
    )
    if store:
        engine.complete_store(True)
    else:
        engine.complete_load(0x55)
    state.interrupt_lines = 0x400
    assert engine.run_processor(0, 2).reason is ExitReason.BUDGET
    assert (state.clock, state.pc, state.exceptions[0]) == (2, KERNEL + 0x1008, 0)
    assert engine.run_processor(0, 3).reason is ExitReason.BUDGET
    assert (state.epc, state.exceptions[0]) == (KERNEL + 0x1008, 1)
    assert state.gpr[8] == (0 if store else 0x55)
