"""Several guests on one machine: each as if it were alone, and out of the others' reach."""

import random
from functools import cache
from typing import Any

import pytest

from kseg import Machine
from kseg.boards.system161.configuration import parse_configuration
from kseg.errors import KsegError
from kseg.isa.assembler import Program, assemble
from kseg.memory.pages import PAGE_SIZE
from kseg.monitor.hypervisor.hypervisor import MOST_MEMORY, Hypervisor
from kseg.monitor.stop import Stop, StopReason
from tests.monitor.hypervisor.machines import Guest, Host
from tests.monitor.hypervisor.shadows import inconsistencies
from tests.monitor.hypervisor.watched import RUN_PROGRAM, kernel_source
from tests.monitor.observed import CONFIGURATION, booted, differences, run_to, visible
from tests.monitor.random_kernels import random_kernel

MONITORS = ("trap-and-emulate", "hybrid")
ENGINES = ("interpreter", "reference", "translator")
WINDOW, KSEG0 = 0x40000000, 0x80000000
CYCLES = 4_000


def guest_of(host: Host, program: Program, **options: Any) -> Guest:
    return Guest(
        host, program, configuration=parse_configuration(CONFIGURATION), at_once=True, **options
    )


@cache
def programs() -> list[tuple[Program, bool]]:
    """Kernels of all sorts, and whether a hybrid monitor is to run them."""
    found = []
    for seed in range(5):
        kernel = random_kernel(seed, plain=seed % 2 == 0)
        found.append((kernel.window_program if seed % 2 == 0 else kernel.program, seed > 2))
    return found


def outcome(guest: Guest) -> tuple[str, str, int]:
    return guest.output, guest.digest, guest.engine.clock


def run_all(guests: list[Guest], host: Host, rng: random.Random) -> list[Stop | None]:
    """Let them take turns of random lengths until CYCLES have passed for each, or its end."""
    stops: list[Stop | None] = [None] * len(guests)
    left = [CYCLES] * len(guests)
    while any(left):
        number = rng.choice([n for n, cycles in enumerate(left) if cycles])
        cycles = min(left[number], rng.choice((1, 3, 17, 100, 1_000, 3_000)))
        stop = guests[number].monitor.run(max_cycles=cycles)
        left[number] -= cycles
        if stop.reason is not StopReason.CYCLE_LIMIT:
            stops[number], left[number] = stop, 0
        if rng.random() < 0.2:
            assert list(inconsistencies(host.hypervisor)) == []
    return stops


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(2))
def test_taking_turns_changes_nothing_for_anybody(engine: str, seed: int) -> None:
    alone = []
    for program, hybrid in programs():
        host = Host("interpreter")
        guest = guest_of(host, program, hybrid=hybrid)
        stop = guest.monitor.run(max_cycles=CYCLES)
        alone.append((None if stop.reason is StopReason.CYCLE_LIMIT else stop, outcome(guest)))
    host = Host(engine)
    guests = [guest_of(host, program, hybrid=hybrid) for program, hybrid in programs()]
    stops = run_all(guests, host, random.Random(seed))
    assert [(stop, outcome(guest)) for stop, guest in zip(stops, guests, strict=True)] == alone
    assert host.hypervisor.switches > 20
    host.check()


REACHING = """
        li      t0, {page:#x} << 12 | 0x600
        li      t1, 0x2000
        mtc0    t1, $10
        mtc0    t0, $2
        li      t2, 0x200
        mtc0    t2, $0
        tlbwi
        lw      s0, 0(t1)
        sw      t1, 4(t1)
        lui     t3, 0x8000
        lui     t4, {page:#x} >> 4
        or      t3, t3, t4
        lw      s1, 0(t3)
"""


@pytest.mark.parametrize("engine", ENGINES[:2])
@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("page", [64, 65, 127, 128, 4095, 0x1FFF0, 0xFFFFF])
def test_what_is_beyond_a_guests_memory_is_no_memory(engine: str, hybrid: bool, page: int) -> None:
    """Another guest's lies there, in the hardware's."""
    source = kernel_source(REACHING.format(page=page), window=False)
    program = assemble(source, KSEG0)
    host = Host(engine)
    victims = [guest_of(host, assemble(kernel_source("nop"), WINDOW)) for _ in range(3)]
    pattern = bytes(range(1, 251)) * 4
    for victim in victims:
        for number in range(0, 64, 7):
            victim.memory.write(0x10000 + number * 1000, pattern)
    before = [victim.digest for victim in victims]
    guest = guest_of(host, program, hybrid=hybrid)
    guest.monitor.run(max_cycles=200)
    with booted(program, "bare", "interpreter") as bare:
        run_to(bare, 200)
        expected = bare.board.processors[0]
        state = guest.board.processors[0]
        assert list(state.gpr) == list(expected.gpr)
        assert list(state.exceptions) == list(expected.exceptions)
    assert state.exceptions[7] >= 1
    assert [victim.digest for victim in victims] == before


@pytest.mark.parametrize("engine", ENGINES[:2])
def test_a_guest_is_removed(engine: str) -> None:
    host = Host(engine, sharing=False)
    program = assemble(kernel_source(RUN_PROGRAM + "nop"), WINDOW)
    first, second = guest_of(host, program), guest_of(host, program)
    free = host.allocator.available
    for guest in (first, second, first):
        guest.monitor.run(max_cycles=100)
    host.hypervisor.remove(first.engine)
    host.hypervisor.remove(first.engine)
    assert host.hypervisor.guests == [second.engine]
    assert host.allocator.available == free + 64
    assert list(inconsistencies(host.hypervisor)) == []
    second.monitor.run(max_cycles=100)
    third = guest_of(host, assemble(kernel_source("li s0, 77"), WINDOW))
    third.monitor.run(max_cycles=100)
    assert third.board.processors[0].gpr[16] == 77
    assert second.engine.clock == 200
    host.check()


@pytest.mark.slow("reference")
@pytest.mark.parametrize(("monitor", "engine"), [*((m, e) for m in MONITORS for e in ENGINES[:2])])
@pytest.mark.parametrize("seed", [3, 8])
def test_a_state_is_gone_on_with(monitor: str, engine: str, seed: int) -> None:
    """One that another machine has saved, bare or not, whatever was there before."""
    program = random_kernel(seed).program
    with booted(program, "bare", "interpreter") as machine:
        run_to(machine, 4_000)
        state = machine.save()
        run_to(machine, 7_000)
        expected = visible(machine)
    for before in (0, 5_000):
        with booted(program, monitor, engine) as machine:
            if before:
                run_to(machine, before)
            machine.load(state)
            run_to(machine, 7_000)
            found = visible(machine)
            for name in ("console", "messages"):
                found[name] = expected[name]
            assert differences(expected, found) == []


@pytest.mark.parametrize("monitor", MONITORS)
def test_a_monitors_state_is_gone_on_with_on_the_bare_machine(monitor: str) -> None:
    program = random_kernel(3).program
    with booted(program, "bare", "interpreter") as machine:
        run_to(machine, 7_000)
        expected = visible(machine)
    with booted(program, monitor, "interpreter") as machine:
        run_to(machine, 4_321)
        state = machine.save()
    with booted(program, "bare", "interpreter") as machine:
        machine.load(state)
        run_to(machine, 7_000)
        found = visible(machine)
    for name in ("console", "messages"):
        found[name] = expected[name]
    assert differences(expected, found) == []


def test_a_processor_without_tlb_keeps_nobody_apart() -> None:
    with pytest.raises(ValueError, match="lsi has no TLB"):
        Hypervisor("lsi", "little", 64 * PAGE_SIZE, "reference")


@pytest.mark.parametrize("size", [0, -PAGE_SIZE, MOST_MEMORY + PAGE_SIZE])
def test_memory_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="at most 4095M"):
        Hypervisor("mips161", "big", size, "reference")


def test_a_machine_that_is_closed_runs_no_more() -> None:
    with Machine("cms", "halt", monitor="hybrid") as machine:
        machine.run(cycles=100)
    with pytest.raises(KsegError, match="closed"):
        machine.run()


ENDING = """
        li      t0, DEVICES + 0x1f7e00
        li      t1, 1
        sw      t1, 8(t0)
1:      b       1b
        nop
"""


@pytest.mark.parametrize("engine", ENGINES[:2])
@pytest.mark.parametrize("hybrid", [False, True])
def test_an_answer_is_for_the_guest_that_asked(engine: str, hybrid: bool) -> None:
    """One does what its hardware does not survive; the other is about to store to a device."""
    host = Host(engine)
    ending = guest_of(host, assemble(kernel_source(ENDING, window=False), KSEG0), hybrid=hybrid)
    body = "li t0, DEVICES\n li t1, 'x'\n sw t1, 0(t0)\n"
    other = guest_of(host, assemble(kernel_source(body, window=False), KSEG0), hybrid=hybrid)
    other.monitor.run(max_cycles=4)
    assert other.board.processors[0].pc == KSEG0 + 0x210
    assert ending.monitor.run(max_cycles=100).reason is StopReason.FATAL
    other.monitor.run(max_cycles=3_000)
    assert other.output == "x"


@pytest.mark.parametrize("engine", ["reference", "interpreter", "translator"])
@pytest.mark.parametrize("monitor", ["bare", "hybrid"])
def test_a_guest_that_is_settled_is_all_there_and_can_go_on(monitor: str, engine: str) -> None:
    with Machine("cms", monitor=monitor, engine=engine) as machine:
        machine.console.expect("cms> ")
        before = machine.save()
        machine.engine.settle()
        assert machine.save().regions["ram"].whole() == before.regions["ram"].whole()
        machine.console.sendline("halt")
        assert machine.run().reason is StopReason.POWER_OFF
