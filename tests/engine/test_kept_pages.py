"""Pages that are not to be written where they lie, and pages that move."""

import pytest

from kseg.engine import ExitReason
from kseg.engine.contract import Exit
from kseg.isa import registers as r
from kseg.memory.paged import FRAME_WRITABLE
from kseg.memory.pages import PAGE_SIZE
from tests.engine.supervised import CODE, KERNEL, KINDS, NUMBER, Guest, host, snapshot

Kind = tuple[str, str, str]

every_kind = pytest.mark.parametrize("kind", KINDS, ids="-".join)
BUDGET = Exit(ExitReason.BUDGET, NUMBER)


STORES = {
    "sw t0, 4(s1)": (4, 0x11223344),
    "sh t0, 6(s1)": (2, None),
    "sb t0, 5(s1)": (1, None),
    "swl t0, 5(s1)": (4, None),
    "swr t0, 6(s1)": (4, None),
}


def kept(kind: Kind, instruction: str) -> Guest:
    """A guest whose page 3, at CLEAN, is kept; it has a word in it."""
    source = f"start: lw t8, 4(s1)\nfault: {instruction}\n lw t9, 4(s1)\n nop\n nop\n"
    guest = Guest(host(kind), kind, 16, source)
    guest.state.tlb_entry_lo[2] |= r.ENTRY_LO_D
    guest.state.gpr[8] = 0x11223344
    guest.put(0x3004, 0xA1B2C3D4)
    guest.memory.frames[3] &= ~FRAME_WRITABLE
    guest.enter()
    return guest


@every_kind
@pytest.mark.parametrize("instruction", STORES)
def test_a_store_to_a_kept_page_asks_and_completes(kind: Kind, instruction: str) -> None:
    guest = kept(kind, instruction)
    assert guest.run(1) == BUDGET
    expected, frame = snapshot(guest.state), guest.memory.frame_of(3)
    for _ in range(2):
        found = guest.run(10)
        assert (found.reason, found.processor) == (ExitReason.PAGE_STORE, NUMBER)
        assert (found.address >> 12, found.size) == (3, STORES[instruction][0])
        assert snapshot(guest.state) == expected
    guest.moves(3, 48, writable=True)
    assert guest.run(4) == BUDGET
    assert guest.state.clock == 5
    # What a machine without such pages has.
    other = kept(kind, instruction)
    other.memory.frames[3] |= FRAME_WRITABLE
    other.enter()
    assert other.run(5) == BUDGET
    assert snapshot(guest.state) == snapshot(other.state)
    assert guest.memory.read(0x3000, 64) == other.memory.read(0x3000, 64)
    assert guest.word(0x3004) != 0xA1B2C3D4
    assert guest.made.memory.read(frame + 4, 4) == (0xA1B2C3D4).to_bytes(4, guest.order)


@pytest.mark.parametrize("engine", ["reference", "interpreter", "translator"])
def test_sc_to_a_kept_page(engine: str) -> None:
    guest = kept((engine, "mips161", "big"), "ll t1, 4(s1)\n sc t0, 4(s1)\n")
    assert guest.run(2) == BUDGET
    expected = snapshot(guest.state)
    found = guest.run(10)
    assert (found.reason, found.address, found.size) == (ExitReason.PAGE_STORE, 0x3004, 4)
    assert snapshot(guest.state) == expected
    guest.moves(3, 48, writable=True)
    assert guest.run(3) == BUDGET
    assert (guest.state.gpr[8], guest.state.sc_success, guest.state.sc_failure) == (1, 1, 0)
    assert guest.word(0x3004) == 0x11223344


@pytest.mark.parametrize("engine", ["reference", "interpreter", "translator"])
def test_an_sc_without_ll_stores_nothing_and_asks_nothing(engine: str) -> None:
    guest = kept((engine, "mips161", "big"), "sc t0, 4(s1)\n")
    assert guest.run(4) == BUDGET
    assert (guest.state.gpr[8], guest.state.sc_failure) == (0, 1)


@every_kind
def test_a_store_in_a_delay_slot_to_a_kept_page(kind: Kind) -> None:
    guest = kept(kind, "b away\n sw t0, 4(s1)\n nop\naway: nop\n")
    assert guest.run(2) == BUDGET
    expected = snapshot(guest.state)
    assert expected["in_delay_slot"] == 1
    assert guest.run(5).reason is ExitReason.PAGE_STORE
    assert snapshot(guest.state) == expected
    guest.moves(3, 48, writable=True)
    assert guest.run(1) == BUDGET
    assert (guest.word(0x3004), guest.state.pc) == (0x11223344, guest.symbols["away"])


@every_kind
def test_a_page_that_is_kept_again(kind: Kind) -> None:
    guest = kept(kind, "1: sw t0, 4(s1)\n lw t9, 4(s1)\n b 1b\n addiu t0, t0, 1\n")
    guest.moves(3, 48, writable=True)
    assert guest.run(21) == BUDGET
    assert guest.word(0x3004) == 0x11223344 + 4
    guest.moves(3, 48, writable=False)
    assert guest.run(10).reason is ExitReason.PAGE_STORE
    assert guest.state.clock == 21
    guest.moves(3, 49, writable=True)
    # The former frame is another page's by now.
    guest.made.memory.write(48 * PAGE_SIZE, b"\xff" * PAGE_SIZE)
    assert guest.run(9) == BUDGET
    assert guest.state.gpr[25] == guest.word(0x3004) - 1 or kind[1] == "mips161"
    assert guest.word(0x3004) == 0x11223344 + 7
    assert set(guest.made.memory.read(48 * PAGE_SIZE, PAGE_SIZE)) == {0xFF}


@every_kind
@pytest.mark.parametrize("kernel", [False, True])
def test_code_that_moved_is_executed_where_it_is(kind: Kind, kernel: bool) -> None:
    base = KERNEL + 0x1000 if kernel else CODE
    guest = Guest(
        host(kind), kind, 16, "1: addiu t0, t0, 1\n b 1b\n nop\n", base=base, user=not kernel
    )
    guest.enter()
    assert guest.run(9) == BUDGET
    old = guest.memory.frame_of(1)
    guest.moves(1, 48, writable=True)
    guest.made.memory.write(old, bytes(PAGE_SIZE))
    guest.put(0x1000, 0x25080010)  # addiu t0, t0, 16
    assert guest.run(9) == BUDGET
    assert guest.state.gpr[8] == 3 + 48


@every_kind
def test_code_that_is_kept_and_stored_to(kind: Kind) -> None:
    """The store comes where the page is written next, and what is executed is the new word."""
    source = """
start:  addiu   t0, t0, 1
        sw      t9, 0(s1)
        b       start
        nop
"""
    guest = Guest(host(kind), kind, 16, source)
    guest.state.tlb_entry_lo[2] = 0x1000 | r.ENTRY_LO_D | r.ENTRY_LO_V | r.ENTRY_LO_G
    guest.state.gpr[25] = 0x25080010  # addiu t0, t0, 16
    guest.memory.frames[1] &= ~FRAME_WRITABLE
    guest.enter()
    found = guest.run(20)
    assert (found.reason, found.address) == (ExitReason.PAGE_STORE, 0x1000)
    guest.moves(1, 48, writable=True)
    assert guest.run(8) == BUDGET
    assert guest.state.gpr[8] == 1 + 2 * 16
    assert guest.memory.read(0x1000, 4) == (0x25080010).to_bytes(4, guest.order)
