"""Processors that are now one and now another, each with its own memory, in pages."""

import pytest

from kseg.engine import ExitReason
from kseg.engine.contract import Exit
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode as Code
from kseg.memory.paged import PagedMemory
from kseg.memory.pages import PAGE_SIZE
from tests.engine.supervised import (
    CODE,
    KERNEL,
    KINDS,
    NUMBER,
    PAGES,
    Guest,
    host,
    snapshot,
)

Kind = tuple[str, str, str]

every_kind = pytest.mark.parametrize("kind", KINDS, ids="-".join)
BUDGET = Exit(ExitReason.BUDGET, NUMBER)
WINDOW = 0x40000000


def counting(step: int) -> str:
    """Adds a step to a register and to a word of memory, for ever."""
    return f"""
start:  lw      t1, 0(gp)
        addiu   t0, t0, {step}
        addu    t1, t1, s6
        sw      t1, 0(gp)
        jal     more
        addiu   t2, t2, 1
        b       start
        nop
more:   jr      ra
        addiu   t0, t0, {step}
"""


@every_kind
def test_two_processors_take_turns(kind: Kind) -> None:
    """With other code and data at the same addresses, virtual and physical."""
    made = host(kind)
    alone = []
    for number in range(2):
        guest = Guest(made, kind, 16 + 8 * number, counting(3 + number))
        guest.state.gpr[22] = 5 + number
        guest.enter()
        assert guest.run(200) == BUDGET
        alone.append((snapshot(guest.state), guest.memory.read(0, PAGES * PAGE_SIZE)))
    guests = [Guest(made, kind, 32 + 8 * number, counting(3 + number)) for number in range(2)]
    for number, guest in enumerate(guests):
        guest.state.gpr[22] = 5 + number
    while guests[0].state.clock < 200:
        for guest in guests:
            guest.enter()
            assert guest.run(min(7, 200 - guest.state.clock)) == BUDGET
            assert made.engine.processors[NUMBER] is guest.state
    for guest, (state, memory) in zip(guests, alone, strict=True):
        assert snapshot(guest.state) == state
        assert guest.memory.read(0, PAGES * PAGE_SIZE) == memory
        assert state["gpr"][8] >= 60


@every_kind
def test_kernel_segments_are_the_present_ones_memory(kind: Kind) -> None:
    made = host(kind)
    source = "1: lw t0, 0(s4)\n lw t1, 0(s5)\n addiu t2, t2, 1\n b 1b\n nop\n"
    guests = []
    for number in range(2):
        guest = Guest(made, kind, 16 + 8 * number, source, base=KERNEL + 0x1000, user=False)
        guest.state.gpr[20], guest.state.gpr[21] = KERNEL + 0x2000, 0xA0003000
        guest.put(0x2000, 0x1110 + number)
        guest.put(0x3000, 0x2220 + number)
        guests.append(guest)
    for _ in range(3):
        for number, guest in enumerate(guests):
            guest.enter()
            assert guest.run(10) == BUDGET
            assert guest.state.gpr[8:10] == [0x1110 + number, 0x2220 + number]
            guest.state.gpr[8] = guest.state.gpr[9] = 0
    assert [guest.state.gpr[10] for guest in guests] == [6, 6]


@every_kind
def test_a_memory_with_more_pages_leaves_nothing_behind(kind: Kind) -> None:
    """What one guest has and another has not is a device's address to the other."""
    made = host(kind)
    source = "1: lw t0, 0(s4)\n b 1b\n nop\n"
    first = Guest(made, kind, 16, source, base=KERNEL + 0x1000, user=False)
    first.state.gpr[20] = KERNEL + 7 * PAGE_SIZE
    first.enter()
    assert first.run(10) == BUDGET
    second = Guest(made, kind, 32, source, base=KERNEL + 0x1000, user=False)
    small = PagedMemory(4 * PAGE_SIZE, made.memory)
    small.frames[:] = second.memory.frames[:4]
    second.memory = small
    second.state.gpr[20] = KERNEL + 7 * PAGE_SIZE
    second.enter()
    found = second.run(10)
    assert (found.reason, found.address) == (ExitReason.DEVICE_LOAD, 7 * PAGE_SIZE)
    first.enter()
    assert first.run(10) == BUDGET


IN_WINDOW = """
start:  lw      t0, 0(s4)
        nop
        addiu   t0, t0, 1
        sw      t0, 4(s4)
        syscall
"""


@every_kind
def test_a_window_leads_the_kernel_to_physical_memory(kind: Kind) -> None:
    guest = Guest(host(kind), kind, 16, IN_WINDOW, base=WINDOW + 0x1000, user=False)
    guest.state.supervised = 0
    guest.state.gpr[20] = WINDOW + 0x2000
    guest.put(0x2000, 41)
    guest.put(0x80, 0x24080007)  # addiu t0, zero, 7
    guest.enter(WINDOW)
    assert guest.run(6) == BUDGET
    state = guest.state
    assert (state.pc, state.epc) == (WINDOW + 0x84, WINDOW + 0x1010)
    assert (guest.word(0x2004), state.gpr[8]) == (42, 7)


@every_kind
def test_its_end_is_not_the_windows(kind: Kind) -> None:
    guest = Guest(host(kind), kind, 16, IN_WINDOW, base=WINDOW + 0x1000, user=False)
    guest.enter(WINDOW)
    for address in (WINDOW - 4, WINDOW + (1 << 29)):
        guest.state.pc, guest.state.gpr[20] = WINDOW + 0x1000, address
        found = guest.run(4)
        assert (found.reason, found.value) == (ExitReason.TRAP, Code.TLB_LOAD)
        assert found.address == address
    guest.state.gpr[20] = WINDOW + (1 << 29) - 4
    found = guest.run(4)
    assert (found.reason, found.address) == (ExitReason.DEVICE_LOAD, (1 << 29) - 4)


@every_kind
def test_user_mode_has_no_window(kind: Kind) -> None:
    guest = Guest(host(kind), kind, 16, IN_WINDOW)
    guest.put(0x80, 0)
    guest.state.gpr[20] = WINDOW + 0x2000
    guest.enter(WINDOW)
    found = guest.run(4)
    assert (found.reason, found.value) == (ExitReason.TRAP, Code.TLB_LOAD)
    assert found.address == WINDOW + 0x2000


@every_kind
@pytest.mark.parametrize(
    ("status", "instruction", "vector"),
    [
        (0, "syscall", 0x80),
        (0, "lw t0, 0(s3)", 0),
        (0, "lw t0, 0(s2)", 0x80),
        (r.STATUS_BEV, "syscall", 0x1FC00180),
        (r.STATUS_BEV, "lw t0, 0(s3)", 0x1FC00100),
    ],
)
@pytest.mark.parametrize("window", [None, WINDOW])
@pytest.mark.parametrize("user", [False, True])
def test_exceptions_lead_into_the_window(
    kind: Kind, status: int, instruction: str, vector: int, window: int | None, user: bool
) -> None:
    base = CODE if user else 0x1000 + (KERNEL if window is None else window)
    guest = Guest(host(kind), kind, 16, instruction + "\nnop\n", base=base, user=user)
    guest.state.supervised = 0
    guest.state.status |= status
    guest.enter(window)
    assert guest.run(1) == BUDGET
    input_port = r.KSEG1 if status & r.STATUS_BEV else KERNEL
    assert guest.state.pc == vector + (input_port if window is None else window)


@every_kind
def test_an_interrupt_leads_into_the_window(kind: Kind) -> None:
    guest = Guest(host(kind), kind, 16, "1: b 1b\n nop\n")
    guest.state.supervised, guest.state.interrupt_lines = 0, 0x400
    guest.state.status |= r.STATUS_IEC | 0x400
    guest.enter(WINDOW)
    assert guest.run(1) == BUDGET
    assert (guest.state.pc, guest.state.epc) == (WINDOW + 0x84, CODE)


@every_kind
def test_an_answer_is_not_the_next_ones(kind: Kind) -> None:
    made = host(kind)
    source = "lw t0, 0(s4)\n addiu t1, t1, 1\n nop\n"
    guests = [
        Guest(made, kind, 8 + 8 * n, source, base=KERNEL + 0x1000, user=False) for n in (0, 1)
    ]
    # Answers are for the first processor.
    for guest in guests:
        guest.state.gpr[20] = 0xBFE00000
        made.engine.replace_processor(0, guest.state, guest.memory, None)
        found = made.engine.run_processor(0, 5)
        assert (found.reason, found.address) == (ExitReason.DEVICE_LOAD, 0x1FE00000)
        made.engine.complete_load(7)
    assert made.engine.run_processor(0, 2).reason is ExitReason.BUDGET
    assert guests[1].state.gpr[8] == 7
    assert guests[0].state.clock == 0


@pytest.mark.parametrize(
    "engine",
    ["reference", "interpreter"],
)
def test_code_of_a_guests_own_that_is_not_in_ram(engine: str) -> None:
    """Such as a boot ROM. No board that runs under a monitor has any that can be executed."""
    kind = (engine, "r3000", "little")
    made = host(kind)
    guest = Guest(made, kind, 0, "1: addiu t0, t0, 1\n b 1b\n nop\n", base=KERNEL, user=False)
    rom = guest.memory.add_region("rom", 0x1FC00000, PAGE_SIZE, writable=False, executable=True)
    rom.data[:12] = guest.memory.read(0x1000, 12)
    rom.data[:2] = (16).to_bytes(2, "little")  # addiu t0, t0, 16
    guest.memory.write(0, guest.memory.read(0x1000, 12))
    guest.state.pc = 0xBFC00000
    if engine == "interpreter":
        with pytest.raises(ValueError, match="only RAM can hold code"):
            guest.enter()
        return
    guest.enter()
    assert guest.run(9) == BUDGET
    guest.state.pc, guest.state.in_delay_slot = KERNEL, 0
    assert guest.run(9) == BUDGET
    assert guest.state.gpr[8] == 3 * 16 + 3
