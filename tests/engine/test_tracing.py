"""Tracing: every engine records the same events, and executes the same with and without it."""

import os
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine import Exit, ExitReason
from kseg.engine.tracing import (
    DELAY_SLOT,
    KINDS,
    MOST_RANGES,
    RECORD,
    REFILL,
    USER,
    TraceFilter,
    TraceKind,
    TraceRecord,
    destination,
    unpack,
)
from kseg.isa.assembler import assemble
from tests.engine.random_programs import Machine, machine, run_side_by_side
from tests.engine.test_debugging import START, program

CYCLES = 250
EXAMPLES = int(os.environ.get("KSEG_LOCKSTEP_EXAMPLES", "25"))
ENGINES = ("reference", "interpreter", "translator")
KINDS_OF_PROCESSORS = [
    ("mips161", "big"),
    ("r3000", "little"),
    ("r3000-fpu", "little"),
    ("lsi", "little"),
]

seen: Counter[TraceKind] = Counter()


def random_filter(rng: random.Random, vm: Machine) -> TraceFilter | None:
    """A filter: half of the time, all that there is."""
    if rng.random() < 0.1:
        return None
    if rng.random() < 0.5:
        return TraceFilter()

    def some() -> frozenset[TraceKind]:
        return frozenset(rng.sample(list(TraceKind), rng.randrange(len(TraceKind) + 1)))

    ranges = []
    for _ in range(rng.choice((0, 0, 1, MOST_RANGES))):
        near = (rng.choice(vm.engine.processors).pc + 4 * rng.randrange(-9, 9)) & 0xFFFFFFFF
        ranges.append((near, min(near + rng.choice((0, 64, 4096, 1 << 31)), 0xFFFFFFFF)))
    numbers = range(len(vm.engine.processors))
    clock = vm.engine.clock
    return TraceFilter(
        kernel=some(),
        user=some(),
        processors=rng.choice((None, frozenset(rng.sample(numbers, 1)))),
        ranges=tuple(ranges),
        asids=rng.choice((None, None, frozenset((0, 1)), frozenset((1, 63)))),
        first_cycle=rng.choice((0, 0, clock + 9)),
        last_cycle=rng.choice((1 << 62, clock + 60)),
    )


def run_traced(seed: int, reference: Machine, tested: Machine, points: bool = False) -> None:
    """Run both side by side, with filters that change now and then; `points`: also with
    breakpoints."""
    rng = random.Random(seed + 3)
    both = [reference, tested]
    wanted: TraceFilter | None = TraceFilter()
    for each in both:
        each.engine.set_trace(wanted)

    def before(machines: list[Machine]) -> None:
        if rng.random() < 0.1:
            changed = random_filter(rng, machines[0])
            for each in machines:
                each.engine.set_trace(changed)
        if points and rng.random() < 0.3:
            places = {state.pc + 4 & 0xFFFFFFFC for state in machines[0].engine.processors}
            for each in machines:
                each.engine.set_breakpoints(places)

    def after(_exit: Exit) -> None:
        if rng.random() < 0.5:
            compare()

    def compare() -> None:
        expected, found = (each.engine.take_trace() for each in both)
        assert list(unpack(found)) == list(unpack(expected))
        seen.update(TraceKind(record.kind) for record in unpack(found))

    run_side_by_side(seed, reference, tested, CYCLES, before, after)
    compare()


@pytest.mark.parametrize(("profile", "byte_order"), KINDS_OF_PROCESSORS)
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32), points=st.booleans())
def test_random_programs(profile: str, byte_order: str, seed: int, points: bool) -> None:
    run_traced(
        seed,
        machine("reference", profile, byte_order, seed),
        machine("interpreter", profile, byte_order, seed),
        points,
    )


@pytest.mark.parametrize("quantum", [1, 4])
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32), processors=st.integers(2, 5))
def test_several_processors(quantum: int, seed: int, processors: int) -> None:
    run_traced(
        seed,
        machine("reference", "mips161", "big", seed, processors, quantum),
        machine("interpreter", "mips161", "big", seed, processors, quantum),
    )


def test_random_programs_have_every_kind_of_event() -> None:
    """What the tests above compare is not mostly nothing."""
    seen.clear()
    for profile, byte_order in KINDS_OF_PROCESSORS:
        for seed in range(25):
            run_traced(
                seed,
                machine("reference", profile, byte_order, seed),
                machine("interpreter", profile, byte_order, seed),
            )
    assert all(seen[kind] > 10 for kind in KINDS - {TraceKind.ADDRESS_SPACE}), seen


def collect(vm: Machine, wanted: TraceFilter, cycles: int) -> list[TraceRecord]:
    """Run for so many cycles, taking the records whenever the engine wants it."""
    found = b""
    vm.engine.set_trace(wanted)
    end = vm.engine.clock + cycles
    while vm.engine.clock < end:
        exit_ = vm.engine.run(end - vm.engine.clock)
        if exit_.reason is ExitReason.TRACE_FULL:
            found += vm.engine.take_trace()
        elif exit_.reason is ExitReason.IDLE:
            vm.engine.skip(end - vm.engine.clock)
        elif exit_.reason is ExitReason.DEVICE_LOAD:
            vm.engine.complete_load(0)
        elif exit_.reason is ExitReason.DEVICE_STORE:
            vm.engine.complete_store(True)
        elif exit_.reason is not ExitReason.BUDGET:
            break
    return list(unpack(found + vm.engine.take_trace()))


@pytest.mark.parametrize("processors", [1, 3])
@pytest.mark.parametrize("quantum", [1, 5, 2000])
@pytest.mark.parametrize("capacity", [1, 3, 50])
def test_leaving_to_have_records_taken_changes_nothing(
    capacity: int, quantum: int, processors: int
) -> None:
    kinds = kinds_for(capacity)
    for seed in range(5):
        expected, found = (
            machine(engine, "mips161", "big", seed, processors, quantum)
            for engine in ("reference", "interpreter")
        )
        whole = TraceFilter(kernel=kinds, user=KINDS, capacity=1 << 20)
        small = TraceFilter(
            kernel=kinds, user=KINDS, capacity=capacity, leave_at_calls=capacity > 3
        )
        assert collect(found, small, 200) == collect(expected, whole, 200)
        assert found.processors == expected.processors
        assert found.contents == expected.contents
        again = machine("reference", "mips161", "big", seed, processors, quantum)
        assert collect(again, small, 200) == collect(
            machine("reference", "mips161", "big", seed, processors, quantum), whole, 200
        )
        assert again.processors == expected.processors


CALLING = f"""
        li      t1, {START & 0x1FFFF000 | 0x600:#x}
        mtc0    zero, c0_entryhi
        mtc0    t1, c0_entrylo
        tlbwr
        li      t1, 0x08
        mtc0    t1, c0_status
        la      t0, user
        andi    t0, t0, 0xfff
        li      v0, 16
        jr      t0
        rfe
user:   li      v0, 17
        syscall
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_leaving_at_calls_shows_the_registers_that_go_over_the_border(engine: str) -> None:
    vm = program(engine, CALLING)
    vm.engine.set_trace(
        TraceFilter(
            kernel=frozenset([TraceKind.RETURN]),
            user=frozenset([TraceKind.EXCEPTION]),
            leave_at_calls=True,
        )
    )
    found = []
    for _ in range(2):
        assert vm.engine.run(100).reason is ExitReason.TRACE_FULL
        (record,) = unpack(vm.engine.take_trace())
        state = vm.engine.processors[0]
        found.append((TraceKind(record.kind), int(state.gpr[2]), state.pc & 0xFFF))
    user = assemble(CALLING, origin=START).symbols["user"] & 0xFFF
    assert found == [(TraceKind.RETURN, 16, user), (TraceKind.EXCEPTION, 17, 0x80)]


def kinds_for(number: int) -> frozenset[TraceKind]:
    """Without instructions and jumps, or with one of them, or all."""
    runtime = KINDS - {TraceKind.INSTRUCTION, TraceKind.JUMP}
    return {1: runtime, 3: runtime | {TraceKind.JUMP}}.get(number, KINDS)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("capacity", [1, 2, 7, 64, 100])
def test_the_last_records_are_kept(engine: str, capacity: int) -> None:
    for seed in range(8):
        whole = collect(machine(engine, "mips161", "big", seed, 2), TraceFilter(), 300)
        last = TraceFilter(capacity=capacity, keep_last=True)
        kept = collect(machine(engine, "mips161", "big", seed, 2), last, 300)
        assert kept == whole[-capacity:]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_untraced_run_is_the_same(engine: str) -> None:
    for seed in range(8):
        traced, plain = (machine(engine, "mips161", "big", seed) for _ in range(2))
        collect(traced, TraceFilter(capacity=5), 300)
        collect(plain, TraceFilter(kernel=frozenset(), user=frozenset()), 300)
        assert traced.processors == plain.processors


LOOP = """
        li      t1, 3
1:      addiu   t0, t0, 1
        bne     t0, t1, 1b
        addiu   t2, t2, 2
        mult    t0, t2
        mflo    t3
        lw      t4, 0(zero)
        nop
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_records_say(engine: str) -> None:
    vm = program(engine, LOOP)
    kinds = frozenset({TraceKind.INSTRUCTION, TraceKind.JUMP, TraceKind.EXCEPTION})
    found = collect(vm, TraceFilter(kernel=kinds), 14)
    words = [int.from_bytes(vm.memory.read(0x1000 + 4 * n, 4), "big") for n in range(8)]
    first = found[0]
    assert (first.cycle, first.pc, first.word, first.third) == (0, START, words[0], 3)
    jumps = [record for record in found if record.kind == TraceKind.JUMP]
    assert [(jump.cycle, jump.pc, jump.first) for jump in jumps] == [
        (2, START + 8, START + 4),
        (5, START + 8, START + 4),
    ]
    slot = found[4]
    assert (slot.pc, slot.flags, slot.third) == (START + 12, DELAY_SLOT, 2)
    # The interlock takes a cycle; the instruction is there once, when it executes.
    product = [record for record in found if record.word == words[5]]
    assert [(record.cycle, record.third) for record in product] == [(12, 18)]
    (exception,) = [record for record in found if record.kind == TraceKind.EXCEPTION]
    assert (exception.cycle, exception.pc) == (13, START + 24)
    assert (exception.first & 0x7C, exception.second, exception.third) == (8, START + 24, 0)
    assert (exception.fifth, exception.flags) == (0xFFFFFFFF, REFILL)


TLB = """
        li      t0, 0x5000 | 7 << 6
        mtc0    t0, $10
        li      t1, 0x3000 | 0x700
        mtc0    t1, $2
        li      t2, 3 << 8
        mtc0    t2, $0
        tlbwi
        tlbp
        tlbr
        mtc0    zero, $10
        tlbp
        li      t3, 0xc
        mtc0    t3, $12
        rfe
        nop
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_address_spaces_and_the_tlb(engine: str) -> None:
    vm = program(engine, TLB)
    kinds = frozenset({TraceKind.TLB, TraceKind.ADDRESS_SPACE, TraceKind.RETURN})
    found = collect(vm, TraceFilter(kernel=kinds, user=frozenset()), 30)
    assert [
        (record.kind, record.first, record.second, record.third)
        for record in found
        if record.kind != TraceKind.RETURN
    ] == [
        (TraceKind.ADDRESS_SPACE, 0, 7, 0),
        (TraceKind.TLB, 3, 0x51C0, 0x3700),
        (TraceKind.TLB, 3, 0x51C0, 0x3700),
        (TraceKind.TLB, 3, 0x51C0, 0x3700),
        (TraceKind.ADDRESS_SPACE, 7, 0, 0),
        (TraceKind.TLB, 0xFFFFFFFF, 0, 0),
    ]
    assert found[1].fourth == 0x81003000
    assert found[-1].kind == TraceKind.RETURN
    assert found[-1].first == 3
    assert not found[-1].flags & USER


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "wanted",
    [
        TraceFilter(capacity=0),
        TraceFilter(capacity=1 << 40),
        TraceFilter(ranges=((0, 1 << 32),)),
        TraceFilter(ranges=((4, 0),)),
        TraceFilter(ranges=((0, 4),) * (MOST_RANGES + 1)),
        TraceFilter(processors=frozenset({-1})),
        TraceFilter(processors=frozenset({32})),
        TraceFilter(asids=frozenset({64})),
        TraceFilter(first_cycle=-1),
        TraceFilter(last_cycle=1 << 64),
    ],
)
def test_impossible_filters(engine: str, wanted: TraceFilter) -> None:
    vm = program(engine, LOOP)
    with pytest.raises(ValueError, match=r"[a-z]"):
        vm.engine.set_trace(wanted)
    assert vm.engine.run(5).reason is ExitReason.BUDGET
    assert vm.engine.take_trace() == b""


def test_destinations() -> None:
    for text, register in {
        "addu v0, a0, a1": 2,
        "lui t0, 5": 8,
        "lw t1, 0(sp)": 9,
        "sw t1, 0(sp)": 0,
        "mult t0, t1": 0,
        "jal 0x80001000": 31,
        "jalr t2, t3": 10,
        "bltzal t0, .": 31,
        "bltz t0, .": 0,
        "beq t0, t1, .": 0,
        "mfc0 k0, $12": 26,
        "mtc0 k0, $12": 0,
        "sll t4, t5, 2": 12,
    }.items():
        word = int.from_bytes(assemble(text, origin=START).code[:4], "big")
        assert destination(word) == register, text
    assert RECORD.size == 40
