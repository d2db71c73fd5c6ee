"""The shadow TLB lets a guest reach what its own TLB lets it reach, and nothing else."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine import ExitReason
from kseg.isa import registers as r
from kseg.memory.paged import FRAME_WRITABLE
from kseg.memory.pages import PAGE_SIZE
from kseg.monitor.hypervisor import shadow_tlb
from kseg.monitor.hypervisor.shadow_tlb import Fill
from kseg.monitor.hypervisor.virtual_processor import VirtualProcessor
from tests.monitor.hypervisor.shadows import (
    PAGES,
    WINDOW,
    D,
    G,
    Shadow,
    V,
    add,
    hypervisor,
    inconsistencies,
    load,
    shadows,
    world_of,
    write_entry,
)
from tests.monitor.hypervisor.watched import hypervisor_of, use_python
from tests.monitor.observed import booted, run_to
from tests.monitor.random_kernels import random_kernel

PAGE = 0x5000
"""A virtual page of programs."""


def fill(guest: VirtualProcessor, address: int, *, store: bool = False) -> Fill:
    with world_of(guest) as world:
        return shadow_tlb.fill(world, address, store)


def asid(guest: VirtualProcessor) -> int:
    with world_of(guest) as world:
        return shadow_tlb.shadow_asid(world)


def forget(guest: VirtualProcessor) -> None:
    shadow_tlb.forget(guest.hypervisor.world, guest.record)


def mapped(guest: VirtualProcessor) -> dict[int, tuple[int, bool]]:
    """Virtual pages that the hardware lets the guest reach now, with frame and permission."""
    own = asid(guest)
    return {
        each.page: (each.frame, each.dirty)
        for each in shadows(guest.hypervisor)
        if each.guest is guest and own == asid_of(each)
    }


def asid_of(shadow: Shadow) -> int:
    high: int = shadow.guest.hypervisor.engine.processors[1].tlb_entry_hi[shadow.slot]
    return high & r.ASID_MASK


def mode(guest: VirtualProcessor, *, user: bool, space: int = 0) -> None:
    guest.state.status = r.STATUS_KUC if user else 0
    guest.state.entry_hi = space << 6


def frame(guest: VirtualProcessor, page: int) -> int:
    return guest.memory.frame_of(page)


# Fill.


def test_a_page_that_the_guest_has_is_entered() -> None:
    guest = add(hypervisor())
    write_entry(guest, 7, PAGE, 0x3000 | V | D)
    assert fill(guest, PAGE + 0x123) is Fill.FILLED
    assert mapped(guest) == {PAGE: (frame(guest, 3), True)}
    (shadow,) = shadows(guest.hypervisor)
    assert (shadow.user, shadow.space, shadow.origin) == (True, 0, 7)


@pytest.mark.parametrize(
    ("low", "store", "expected"),
    [
        (0x3000 | V | D, True, Fill.FILLED),
        (0x3000 | V, False, Fill.FILLED),
        (0x3000 | V, True, Fill.GUEST),
        (0x3000 | D, False, Fill.GUEST),
        (0x3000, True, Fill.GUEST),
        (PAGES << 12 | V | D, False, Fill.NOT_MEMORY),
        (PAGES << 12 | V, True, Fill.GUEST),
        (0xFFFFF000 | V | D, True, Fill.NOT_MEMORY),
        (PAGES - 1 << 12 | V | D, True, Fill.FILLED),
    ],
)
def test_what_comes_of_a_miss(low: int, store: bool, expected: Fill) -> None:
    guest = add(hypervisor())
    write_entry(guest, 7, PAGE, low)
    assert fill(guest, PAGE, store=store) is expected
    assert len(shadows(guest.hypervisor)) == (expected is Fill.FILLED)


def test_a_page_of_another_space_is_the_guests_own_fault() -> None:
    guest = add(hypervisor())
    write_entry(guest, 7, PAGE | 3 << 6, 0x3000 | V | D)
    assert fill(guest, PAGE) is Fill.GUEST
    mode(guest, user=True, space=3)
    assert fill(guest, PAGE) is Fill.FILLED


def test_a_global_page_is_entered_for_each_space_by_itself() -> None:
    guest = add(hypervisor())
    write_entry(guest, 7, PAGE | 3 << 6, 0x3000 | V | D | G)
    for space in (0, 3, 9):
        mode(guest, user=True, space=space)
        assert mapped(guest) == {}
        assert fill(guest, PAGE) is Fill.FILLED
    assert len(shadows(guest.hypervisor)) == 3


def test_permission_to_write_is_withheld_for_either_reason() -> None:
    guest = add(hypervisor())
    write_entry(guest, 1, PAGE, 0x3000 | V)
    write_entry(guest, 2, PAGE + 0x1000, 0x4000 | V | D)
    guest.memory.frames[4] &= ~FRAME_WRITABLE
    assert fill(guest, PAGE) is Fill.FILLED
    assert fill(guest, PAGE + 0x1000) is Fill.FILLED
    assert [dirty for _, dirty in mapped(guest).values()] == [False, False]
    with world_of(guest) as world:
        assert shadow_tlb.fill(world, PAGE + 0x1004, store=True) is Fill.KEPT
        assert world.virtual_context.exit_address == 4 * PAGE_SIZE
    guest.memory.frames[4] |= FRAME_WRITABLE
    assert fill(guest, PAGE + 0x1000, store=True) is Fill.FILLED
    assert mapped(guest)[PAGE + 0x1000] == (frame(guest, 4), True)
    assert len(shadows(guest.hypervisor)) == 2


# Modes, spaces, guests.


def test_the_window_is_the_kernels() -> None:
    guest = add(hypervisor(), user=False)
    assert fill(guest, WINDOW + 0x2000, store=True) is Fill.FILLED
    assert mapped(guest) == {WINDOW + 0x2000: (frame(guest, 2), True)}
    assert fill(guest, WINDOW + PAGES * PAGE_SIZE) is Fill.NOT_MEMORY
    assert fill(guest, WINDOW + (1 << 29) - 4) is Fill.NOT_MEMORY
    assert fill(guest, WINDOW + (1 << 29)) is Fill.GUEST
    assert fill(guest, WINDOW - 4) is Fill.GUEST
    mode(guest, user=True)
    assert mapped(guest) == {}
    assert fill(guest, WINDOW + 0x2000) is Fill.GUEST


def test_what_the_kernel_reached_is_out_of_the_programs_reach() -> None:
    guest = add(hypervisor(), user=False)
    write_entry(guest, 7, PAGE, 0x3000 | V | D)
    assert fill(guest, PAGE) is Fill.FILLED
    mode(guest, user=True)
    assert mapped(guest) == {}


def test_guests_with_the_same_pages_have_each_their_own() -> None:
    host = hypervisor()
    guests = [add(host) for _ in range(3)]
    for number, guest in enumerate(guests):
        write_entry(guest, 7, PAGE, number << 12 | V | D)
    for guest in guests:
        assert fill(guest, PAGE) is Fill.FILLED
    for number, guest in enumerate(guests):
        assert mapped(guest) == {PAGE: (frame(guest, number), True)}
    write_entry(guests[1], 7, PAGE, 0)
    assert [len(mapped(guest)) for guest in guests] == [1, 0, 1]
    forget(guests[0])
    assert [len(mapped(guest)) for guest in guests] == [0, 0, 1]
    assert fill(guests[0], PAGE) is Fill.FILLED
    assert mapped(guests[0]) == {PAGE: (frame(guests[0], 0), True)}


def test_asids_are_given_to_others_when_there_are_no_more() -> None:
    host = hypervisor()
    guests = [add(host) for _ in range(3)]
    given = {}
    for guest in guests:
        for index in range(8):
            write_entry(guest, index, PAGE + index * 0x1000, index << 12 | V | D | G)
    for round_ in range(3):
        for number, guest in enumerate(guests):
            for space in range(40):
                mode(guest, user=space % 8 != 0, space=space)
                # One of the eight, a different one each time.
                address = PAGE + (space + round_ + number) % 8 * 0x1000
                if address not in mapped(guest):
                    assert fill(guest, address) is Fill.FILLED
                assert address in mapped(guest)
                given[number, space] = asid(guest)
                assert list(inconsistencies(host)) == []
    assert len(given) > 63
    assert set(given.values()) == {asid << 6 for asid in range(1, 64)}


def test_the_kernel_has_the_pages_of_the_present_space() -> None:
    guest = add(hypervisor(), user=False)
    fill(guest, WINDOW)
    for space in (1, 2):
        write_entry(guest, space, PAGE | space << 6, space << 12 | V | D)
    for space in (1, 2, 1):
        mode(guest, user=False, space=space)
        assert PAGE not in mapped(guest)
        assert fill(guest, PAGE) is Fill.FILLED
        assert mapped(guest)[PAGE] == (frame(guest, space), True)
        assert mapped(guest)[WINDOW] == (frame(guest, 0), True)
        assert list(inconsistencies(guest.hypervisor)) == []


# The guest's own writes.


def test_an_entry_that_is_gone_leads_nowhere() -> None:
    guest = add(hypervisor())
    write_entry(guest, 7, PAGE, 0x3000 | V | D)
    write_entry(guest, 8, PAGE + 0x1000, 0x4000 | V | D)
    fill(guest, PAGE)
    fill(guest, PAGE + 0x1000)
    write_entry(guest, 7, 0x80000000, 0)
    assert mapped(guest) == {PAGE + 0x1000: (frame(guest, 4), True)}
    assert fill(guest, PAGE) is Fill.GUEST


def test_a_changed_entry_is_followed_at_once() -> None:
    guest = add(hypervisor())
    write_entry(guest, 7, PAGE, 0x3000 | V | D)
    fill(guest, PAGE)
    write_entry(guest, 7, PAGE, 0x4000 | V)
    assert mapped(guest) == {PAGE: (frame(guest, 4), False)}
    write_entry(guest, 7, PAGE, 0x4000)
    assert mapped(guest) == {}


@pytest.mark.parametrize("low", [V, V | D, V | G, 0, D])
def test_a_lower_entry_for_the_same_page_comes_first(low: int) -> None:
    """As long as the hardware allows two: an r3000's does."""
    guest = add(hypervisor())
    write_entry(guest, 7, PAGE, 0x3000 | V | D)
    fill(guest, PAGE)
    write_entry(guest, 5, PAGE, 0x4000 | low)
    assert list(inconsistencies(guest.hypervisor)) == []
    assert fill(guest, PAGE) is (Fill.FILLED if low & V else Fill.GUEST)
    assert list(inconsistencies(guest.hypervisor)) == []
    write_entry(guest, 5, 0x80000000, 0)
    assert fill(guest, PAGE) is Fill.FILLED
    assert mapped(guest) == {PAGE: (frame(guest, 3), True)}


def test_a_higher_entry_for_the_same_page_changes_nothing() -> None:
    guest = add(hypervisor())
    write_entry(guest, 3, PAGE, 0x3000 | V | D)
    fill(guest, PAGE)
    write_entry(guest, 7, PAGE, 0x4000 | V | D)
    assert list(inconsistencies(guest.hypervisor)) == []
    assert fill(guest, PAGE) is Fill.FILLED
    assert mapped(guest) == {PAGE: (frame(guest, 3), True)}


WRITE_ENTRY = """
        mtc0    s1, $10                 # at the general vector
        mtc0    s2, $2
        mtc0    s3, $0
        mfc0    k0, $14
        tlbwi
        mtc0    zero, $10
        addiu   k0, k0, 4
        jr      k0
        rfe
"""


@pytest.mark.parametrize(
    ("engine", "native"),
    [
        ("reference", False),
        ("interpreter", False),
        ("interpreter", True),
    ],
)
def test_a_higher_entry_is_not_foreseen(engine: str, native: bool) -> None:
    """The same, by a program whose kernel writes the entry."""
    host = hypervisor(engine=engine)
    if not native:
        use_python(host)
    guest = add(host)
    write_entry(guest, 0, 0x1000, 0x1000 | V)
    write_entry(guest, 3, PAGE, 0x3000 | V | D)
    load(guest, WRITE_ENTRY, 0x80)
    load(guest, "lw t0, 0(gp)\n syscall\n lw t1, 0(gp)\n 1: b 1b\n nop\n", 0x1000)
    for page in (3, 4):
        guest.memory.write(page << 12, bytes([page]))
    guest.state.gpr[28] = guest.state.gpr[17] = PAGE
    guest.state.gpr[18], guest.state.gpr[19] = 0x4000 | V | D, 7 << 8
    guest.state.pc = 0x1000
    assert guest.run(30).reason is ExitReason.BUDGET
    assert guest.state.exceptions[8] == 1
    assert guest.state.tlb_entry_lo[7] == 0x4000 | V | D
    assert guest.state.gpr[8:10] == [3, 3]


def test_an_entry_is_foreseen_for_programs_that_have_run() -> None:
    guest = add(hypervisor(), user=False)
    write_entry(guest, 7, PAGE | 2 << 6, 0x3000 | V | D)
    assert shadows(guest.hypervisor) == []
    mode(guest, user=True, space=2)
    assert mapped(guest) == {}
    mode(guest, user=False, space=0)
    write_entry(guest, 7, PAGE | 2 << 6, 0x3000 | V | D)
    write_entry(guest, 8, WINDOW + 0x3000 | 2 << 6, 0x2000 | V)
    write_entry(guest, 9, 0xC0000000 | 2 << 6, 0x2000 | V)
    write_entry(guest, 10, PAGE + 0x1000 | 2 << 6, PAGES << 12 | V)
    assert mapped(guest) == {}
    mode(guest, user=True, space=2)
    assert mapped(guest) == {
        PAGE: (frame(guest, 3), True),
        WINDOW + 0x3000: (frame(guest, 2), False),
    }


# What else changes.


def test_a_frame_that_moved_is_out_of_reach() -> None:
    host = hypervisor()
    guest, other = add(host), add(host)
    for each in (guest, other):
        write_entry(each, 7, PAGE, 0x3000 | V | D)
        fill(each, PAGE)
    host.allocator.share(guest.memory, 3, frame(guest, 3))
    assert (mapped(guest), len(mapped(other))) == ({}, 1)
    assert fill(guest, PAGE) is Fill.FILLED
    assert mapped(guest)[PAGE][1] is False
    host.allocator.make_writable(guest.memory, 3)
    assert mapped(guest) == {}


def test_a_guest_that_is_forgotten_has_nothing() -> None:
    host = hypervisor()
    guest = add(host)
    write_entry(guest, 7, PAGE, 0x3000 | V | D)
    fill(guest, PAGE)
    guest.state_changed()
    assert shadows(host) == []
    assert set(guest.record.asids) == {0}
    assert not any(host.world.asid_holder)


@settings(max_examples=60)
@given(seed=st.integers(0, 1 << 32))
def test_whatever_happens(seed: int) -> None:
    rng = random.Random(seed)
    host = hypervisor()
    guests = [add(host), add(host, window=None, user=False)]
    places = [PAGE + n * 0x1000 for n in range(4)] + [WINDOW + n * 0x1000 for n in range(3)]
    for _ in range(60):
        guest = rng.choice(guests)
        kind = rng.random()
        if kind < 0.4:
            fill(guest, rng.choice(places), store=rng.random() < 0.5)
        elif kind < 0.7:
            high = rng.choice(places) | rng.randrange(3) << 6
            low = rng.randrange(PAGES + 1) << 12 | rng.choice((V | D, V | D, V, D, V | D | G))
            write_entry(guest, rng.randrange(6), high, low)
        elif kind < 0.9:
            mode(guest, user=rng.random() < 0.6, space=rng.randrange(3))
        elif kind < 0.95:
            page = rng.randrange(PAGES)
            if guest.memory.is_writable(page):
                host.allocator.share(guest.memory, page, frame(guest, page))
            else:
                host.allocator.make_writable(guest.memory, page)
        else:
            forget(guest)
        assert list(inconsistencies(host)) == []


@pytest.mark.slow("interpreter")
@pytest.mark.parametrize("engine", ["interpreter", "reference"])
@pytest.mark.parametrize("monitor", ["trap-and-emulate", "hybrid"])
def test_whatever_random_kernels_do(monitor: str, engine: str) -> None:
    """Native code as well keeps to the rules."""
    entries = 0
    for seed in range(10 if engine == "interpreter" else 2):
        window = monitor == "trap-and-emulate" and seed % 2 == 0
        kernel = random_kernel(seed, plain=window)
        with booted(kernel.window_program if window else kernel.program, monitor, engine) as made:
            host = hypervisor_of(made)
            for cycle in range(500, 15_000, 1_009):
                if run_to(made, cycle)[0] != "cycle limit":
                    break
                assert list(inconsistencies(host)) == []
                entries += len(shadows(host))
    assert entries > 20
