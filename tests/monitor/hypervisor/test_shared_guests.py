"""Guests whose pages are shared all the time run as they would with all memory to themselves."""

import os
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.boards.system161.configuration import parse_configuration
from kseg.isa.assembler import Program, assemble
from kseg.isa.registers import KSEG0
from kseg.machine.elf import WINDOW
from kseg.memory.pages import PAGE_SIZE
from kseg.monitor.stop import StopReason
from tests.monitor.hypervisor.machines import Guest, Host, take_turns
from tests.monitor.observed import CONFIGURATION
from tests.monitor.random_kernels import random_kernel

EXAMPLES = max(int(os.environ.get("KSEG_LOCKSTEP_EXAMPLES", "25")) // 5, 2)
ENGINES = ("reference", "interpreter")
END = 20_000
"""Cycles of a random kernel that are looked at."""

Seen = tuple[str, int, StopReason, str]


def run(
    host: Host, guests: list[Guest], between: Callable[[], None], slice_: int, rounds: int = 100_000
) -> list[Seen]:
    """What is to be seen of guests at their end: output, cycles, why, digest of the state."""
    stops = take_turns(guests, between, slice_, rounds)
    host.check()
    return [
        (guest.output, guest.engine.clock, stop.reason, guest.digest)
        for guest, stop in zip(guests, stops, strict=True)
    ]


def nothing() -> None:
    """Between slices."""


def sharing(host: Host, seed: int = 0) -> Callable[[], None]:
    """Scans of some pages, or everything that can be shared at once."""
    rng = random.Random(seed)

    def between() -> None:
        if rng.random() < 0.5:
            host.sharing.reclaim()
        else:
            host.sharing.scan(rng.randrange(1, 100))

    return between


def alone(engine: str, make: Callable[[Host], Guest], slice_: int, rounds: int = 100_000) -> Seen:
    """What a guest does that has a machine to itself and nothing shared."""
    host = Host(engine, sharing=False)
    found = run(host, [make(host)], nothing, slice_, rounds)[0]
    assert host.allocator.statistics.shared == 0
    return found


# A whole operating system.


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
def test_two_with_different_commands(engine: str, hybrid: bool) -> None:
    kernel = "cms" if hybrid else "cms-kuseg"
    commands = ["echo one; halt", "memory; halt"]
    rounds = 2
    if engine != "reference":
        commands += ["echo one; halt", "vmtest 60; spawn 2; halt", "crc 20000; halt"]
        rounds = 100_000

    def maker(command: str) -> Callable[[Host], Guest]:
        return lambda host: Guest(host, kernel, command, hybrid=hybrid, at_once="one" in command)

    expected = [alone(engine, maker(command), 20_011, rounds) for command in commands]
    host = Host(engine)
    guests = [maker(command)(host) for command in commands]
    assert run(host, guests, sharing(host), 20_011, rounds) == expected
    usages = [host.allocator.usage(guest.memory) for guest in guests]
    # Their kernels and programs, at the least.
    assert all(usage.shared > 40 for usage in usages)
    assert host.allocator.statistics.saved > 40 * (len(guests) - 1)
    for guest in guests:
        guest.engine.close()
        host.check()
    assert host.allocator.statistics.used == 0


# Random kernels, which write into code, change their TLB and page tables, and do what is risky.


@pytest.mark.slow
@pytest.mark.parametrize("engine", [*ENGINES, "translator"])
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32), slice_=st.sampled_from([211, 1009, 9001]))
def test_random_kernels(engine: str, seed: int, slice_: int) -> None:
    rng = random.Random(seed)
    slice_ = slice_ if engine != "reference" else slice_ + 900
    rounds = (END if engine != "reference" else 6_000) // slice_ + 1
    kernels = [random_kernel(seed, plain=True), random_kernel(seed + 1, plain=True)]
    configuration = parse_configuration(CONFIGURATION)
    makers = []
    for kernel, window in zip([*kernels, *kernels], [False, True, True, True], strict=True):
        program = kernel.window_program if window else kernel.program
        hybrid, at_once = rng.random() < 0.4, rng.random() < 0.3

        def make(
            host: Host, program: Program = program, hybrid: bool = hybrid, at_once: bool = at_once
        ) -> Guest:
            return Guest(host, program, hybrid=hybrid, at_once=at_once, configuration=configuration)

        makers.append(make)
    expected = [alone(engine, make, slice_, rounds) for make in makers]
    host = Host(engine)
    found = run(host, [make(host) for make in makers], sharing(host, seed), slice_, rounds)
    assert found == expected


@pytest.mark.parametrize("engine", ["interpreter", "translator"])
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32))
def test_states_are_loaded(engine: str, seed: int) -> None:
    rng = random.Random(seed)
    kernel = random_kernel(seed, plain=True)
    window, hybrid = rng.random() < 0.5, rng.random() < 0.5
    program = kernel.window_program if window else kernel.program
    host = Host(engine)
    configuration = parse_configuration(CONFIGURATION)
    guest = Guest(host, program, hybrid=hybrid, configuration=configuration)
    guest.monitor.run(max_cycles=rng.randrange(20_000))
    state = guest.board.save()
    before, clock = guest.output, guest.engine.clock
    expected = [(guest.monitor.run(max_cycles=30_000).reason, guest.digest)]
    expected.append((guest.monitor.run(max_cycles=30_000).reason, guest.digest))
    for end in (0, 1):
        host.sharing.reclaim()
        guest.board.load(state)
        guest.monitor.state_loaded()
        guest.output = before
        host.sharing.scan(20)
        assert guest.engine.clock == clock
        for reason, digest in expected[: end + 1]:
            assert (guest.monitor.run(max_cycles=30_000).reason, guest.digest) == (reason, digest)
        host.check()


# Programs for one purpose.


def program(text: str, base: int) -> Program:
    """Code at physical 0x2000, started with a stack; `off` switches the machine off."""
    devices = base if base == WINDOW else 0xA0000000
    return assemble(
        f"""
        .equ BASE, {base:#x}
        .equ POWER, {devices + 0x1FFF7E08:#x}
        .equ RAM, {64 * PAGE_SIZE:#x}
        .org {base:#x}
        j start
        nop
        .org {base + 0x2000:#x}
        start:
        {text}
        off: li t0, POWER
        sw zero, 0(t0)
        end: wait
        j end
        nop
        """,
        base,
    )


COUNTER = """
        la t2, counts         # how often, and how far a step goes: not in the page of the code
        lw s0, 0(t2)
        again: la t0, patched
        lw t1, 0(t0)
        lw t3, 4(t2)
        addu t1, t1, t3
        sw t1, 0(t0)          # into the page that is being executed
        patched: addiu v0, zero, 0
        addu s1, s1, v0
        addiu s0, s0, -1
        bnez s0, again
        nop
        sw s1, 8(t2)
        b off
        nop
        .org BASE + 0x5000
        counts: .word {count}, {step}, 0
        .org BASE + 0x6000
"""


@pytest.mark.parametrize("base", [WINDOW, KSEG0])
@pytest.mark.parametrize("engine", [*ENGINES, "translator"])
@pytest.mark.parametrize("slice_", [1, 7, 113])
def test_code_that_changes_in_shared_pages(engine: str, base: int, slice_: int) -> None:
    host = Host(engine)
    wanted = [(40, 1), (40, 2), (25, 3), (40, 1)]
    guests = [
        Guest(host, program(COUNTER.format(count=count, step=step), base), ram=64 * PAGE_SIZE)
        for count, step in wanted
    ]
    host.sharing.reclaim()
    code = {guest.memory.frame_of(2) for guest in guests}
    assert len(code) == 1
    stops = take_turns(guests, host.sharing.reclaim, slice_)
    assert {stop.reason for stop in stops} == {StopReason.POWER_OFF}
    for guest, (count, step) in zip(guests, wanted, strict=True):
        total = int.from_bytes(guest.memory.read(0x5008, 4), "big")
        assert total == step * count * (count + 1) // 2
    host.check()


WRITER = """
        la t2, what
        lw s2, 0(t2)          # what to write; and how much it grows from page to page
        lw s3, 4(t2)
        la s0, BASE + 0x8000
        li s1, RAM - 0x9000   # the last page has the boot string
        page: sw s2, 12(s0)
        addu s2, s2, s3
        addiu s1, s1, -4096
        addiu s0, s0, 4096
        bgtz s1, page
        nop
        b off
        nop
        .org BASE + 0x6000
        what: .word {what}, {growth}
        .org BASE + 0x7000
"""


def writer(host: Host, base: int, what: int, growth: int) -> Guest:
    text = WRITER.format(what=what, growth=growth)
    return Guest(host, program(text, base), ram=64 * PAGE_SIZE)


@pytest.mark.parametrize("base", [WINDOW, KSEG0])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_page_is_written(engine: str, base: int) -> None:
    """On half of the memory that the guests have: as long as pages are alike, that suffices."""
    host = Host(engine, frames=64, overcommit=2.0)
    guests = [writer(host, base, 5, 0), writer(host, base, 6, 0)]
    stops = take_turns(guests, nothing, 200)
    assert {stop.reason for stop in stops} == {StopReason.POWER_OFF}
    assert host.allocator.statistics.saved > 30
    host.check()


@pytest.mark.parametrize("base", [WINDOW, KSEG0])
@pytest.mark.parametrize("engine", ENGINES)
def test_who_exhausts_memory_stops_alone(engine: str, base: int) -> None:
    expected = alone(engine, lambda host: writer(host, base, 1 << 20, 0), 200)
    host = Host(engine, frames=80, overcommit=3.0)
    modest = writer(host, base, 1 << 20, 0)
    modest.monitor.run(max_cycles=300)  # it has nearly all that it wants
    greedy = [writer(host, base, 1 << 8, 1), writer(host, base, 1 << 10, 1)]
    other, first, second = take_turns([modest, *greedy], nothing, 20)
    assert (modest.output, modest.engine.clock, other.reason, modest.digest) == expected
    assert first.reason is StopReason.FATAL
    assert first.message == (
        "out of memory: the machine's 320K are in use, and no page is like another"
    )
    host.check()
    # A guest that is taken off the machine leaves room for those that come after it.
    for guest in greedy:
        guest.engine.close()
    late = writer(host, base, 1 << 8, 1)
    assert take_turns([late], nothing, 200)[0].reason is StopReason.POWER_OFF
    assert second.reason is StopReason.FATAL
    host.check()


@pytest.mark.parametrize("engine", ENGINES)
def test_guests_come_and_go(engine: str) -> None:
    """Frames of guests that are gone are decoded anew for those that come."""
    host = Host(engine)
    earlier: list[Guest] = []
    for step in range(1, 5):
        guests = [
            Guest(host, program(COUNTER.format(count=5, step=step), base), ram=64 * PAGE_SIZE)
            for base in (KSEG0, WINDOW)
        ]
        take_turns(guests, host.sharing.reclaim, 31)
        for guest in guests:
            assert int.from_bytes(guest.memory.read(0x5008, 4), "big") == 15 * step
        for old in earlier:  # not before: with the last guest the machine ends
            old.engine.close()
        earlier = guests
        host.check()
