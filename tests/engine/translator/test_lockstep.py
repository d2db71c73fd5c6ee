"""The translator against the reference: the same state after every stretch of random code."""

import os
import random
import struct
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine import Engine, ExitReason, ProcessorState, create
from kseg.engine.translator.compilation.compile_queue import CompileQueue, InlineCompileQueue
from kseg.engine.translator.engine import Translator
from kseg.engine.translator.tiering.policy import BackEnds
from kseg.engine.translator.tiering.thresholds import Thresholds
from kseg.memory.physical import PhysicalMemory
from tests.engine.random_programs import Environment, Machine, machine
from tests.engine.translator.loopy_programs import CODE, loopy_machine

EXAMPLES = max(1, int(os.environ.get("KSEG_LOCKSTEP_EXAMPLES", "25")) // 5)
CYCLES = 6000

KINDS = [
    ("mips161", "big"),
    ("r3000", "little"),
    ("r3000", "big"),
    ("lsi", "little"),
    ("r3000-fpu", "little"),
    ("r3000-r3010", "big"),
]

_COMPILE_QUEUE = InlineCompileQueue()
"""One for all: LLVM gives nothing back."""


def translator(
    profile: str,
    byte_order: str,
    seed: int,
    quantum: int = 1,
    queue: CompileQueue = _COMPILE_QUEUE,
    more: BackEnds | None = None,
) -> Callable[[PhysicalMemory, list[ProcessorState]], Translator]:
    """Makes a translator that is quick to translate, in ways that depend on the seed; `more` are
    back ends besides the queue."""
    rng = random.Random(seed + 2)
    thresholds = Thresholds(
        shortest_interval=rng.choice((20, 40, 150)),
        longest_interval=rng.choice((200, 800)),
        threshold=rng.choice((1, 1, 2)),
        copy_threshold=1,
        recompile_threshold=1,
        patience=0,
        arena=rng.choice((16384, 1 << 20)),
        most_instructions=rng.choice((12, 60, 400)),
    )
    code_pages = rng.choice((3, 6, 2048))
    queue.close()
    return lambda memory, states: Translator(
        profile,
        byte_order,
        memory,
        states,
        quantum,
        code_pages=code_pages,
        thresholds=thresholds,
        back_ends=(more or BackEnds())._replace(queue=lambda: queue),
    )


def differences(expected: Machine, found: Machine) -> list[str]:
    """What is not the same in two machines."""
    said = []
    if expected.engine.clock != found.engine.clock:
        said.append(f"clock {found.engine.clock}, not {expected.engine.clock}")
    pairs = zip(expected.engine.processors, found.engine.processors, strict=True)
    for number, (left, right) in enumerate(pairs):
        right.discard = left.discard
        if bytes(left) == bytes(right):
            continue
        for name, *_ in ProcessorState._fields_:
            one, other = getattr(left, name), getattr(right, name)
            one, other = (list(v) if hasattr(v, "__len__") else v for v in (one, other))
            if one != other:
                said.append(f"cpu{number}.{name}: {other}, not {one}")
    if expected.memory.ram.data != found.memory.ram.data:
        said.append("memory")
    return said


class Interference:
    """What the test, not the guest, does to both machines between two runs."""

    def __init__(self, seed: int, byte_order: str) -> None:
        self.rng = random.Random(seed + 3)
        self._word = struct.Struct(">I" if byte_order == "big" else "<I")

    def cycles(self) -> int:
        """How long to run until the next comparison."""
        return self.rng.choice((1, 1, 2, 3, 5, 17, 60, 60, 200, 500, 500, 1500))

    def happen(self, machines: list[Machine]) -> None:
        """Now and then write a word of code, or a register."""
        rng = self.rng
        if rng.random() < 0.02:
            at = rng.choice(CODE) << 12 | rng.randrange(0x1000) & ~3
            (word,) = self._word.unpack(machines[0].memory.read(at, 4))
            if word >> 26 in (9, 12, 13):
                word ^= 1 << rng.randrange(4)
            for each in machines:
                each.memory.write(at, self._word.pack(word))
                each.engine.memory_changed(at, 4)
        if rng.random() < 0.02:
            number, value = rng.randrange(2, 12), rng.getrandbits(32)
            for each in machines:
                for state in each.engine.processors:
                    state.gpr[number] = value
                each.engine.state_changed()


def run_side_by_side(seed: int, byte_order: str, both: list[Machine], cycles: int) -> None:
    """Run both, comparing everything after every run."""
    around, interference = Environment(seed), Interference(seed, byte_order)
    reference, tested = both
    while reference.engine.clock < cycles:
        length = interference.cycles()
        expected, found = reference.engine.run(length), tested.engine.run(length)
        assert found == expected
        assert not differences(reference, tested)
        if expected.reason is ExitReason.FATAL:
            break
        if not around.answer(both, expected):
            around.disturb(both, expected.reason is ExitReason.IDLE)
            interference.happen(both)


def side_by_side(
    seed: int,
    profile: str,
    byte_order: str,
    processors: int = 1,
    quantum: int = 1,
    queue: CompileQueue = _COMPILE_QUEUE,
    more: BackEnds | None = None,
) -> Translator:
    """Run a seed's loopy program on the reference and on a translator; returns the latter."""

    def reference(memory: PhysicalMemory, states: list[ProcessorState]) -> Engine:
        return create("reference", profile, byte_order, memory, states, quantum)

    engine: list[Translator] = []

    def tested(memory: PhysicalMemory, states: list[ProcessorState]) -> Engine:
        engine.append(translator(profile, byte_order, seed, quantum, queue, more)(memory, states))
        return engine[0]

    both = [
        loopy_machine(make, profile, byte_order, seed, processors) for make in (reference, tested)
    ]
    run_side_by_side(seed, byte_order, both, CYCLES // processors)
    return engine[0]


class TieringStatistics:
    """Counts in how many examples translations really ran."""

    def __init__(self) -> None:
        self.examples = self.translated = 0

    def note(self, engine: Translator) -> None:
        """An example is over."""
        self.examples += 1
        self.translated += engine.statistics.translated_cycles > 0


@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
def test_loops(profile: str, byte_order: str) -> None:
    tally = TieringStatistics()

    @settings(max_examples=EXAMPLES)
    @given(seed=st.integers(0, 1 << 32))
    def check(seed: int) -> None:
        tally.note(side_by_side(seed, profile, byte_order))

    check()
    assert 2 * tally.translated >= tally.examples


@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32), processors=st.integers(1, 2))
def test_loops_on_the_interpreter(
    profile: str, byte_order: str, seed: int, processors: int
) -> None:
    """What a translation leaves to it, it must do right."""
    both = [
        loopy_machine(
            partial(create, name, profile, byte_order), profile, byte_order, seed, processors
        )
        for name in ("reference", "interpreter")
    ]
    run_side_by_side(seed, byte_order, both, CYCLES // processors)


@pytest.mark.parametrize(("quantum", "least"), [(1, 0), (4, 0), (60, 0.1), (1000, 0.25)])
def test_loops_on_several_processors(quantum: int, least: float) -> None:
    """A turn that is shorter than what a translation may take is the interpreter's."""
    tally = TieringStatistics()

    @settings(max_examples=EXAMPLES)
    @given(seed=st.integers(0, 1 << 32), processors=st.integers(2, 4))
    def check(seed: int, processors: int) -> None:
        tally.note(side_by_side(seed, "mips161", "big", processors, quantum))

    check()
    assert tally.translated >= least * tally.examples


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 1 << 32))
def test_straight_programs(profile: str, byte_order: str, seed: int) -> None:
    """The programs that the interpreter is tested with: few loops, but all instructions."""
    reference = machine("reference", profile, byte_order, seed)
    other = machine("reference", profile, byte_order, seed)
    make = translator(profile, byte_order, seed)
    tested = Machine(make(other.memory, list(other.engine.processors)), other.memory)
    run_side_by_side(seed, byte_order, [reference, tested], 500)
