"""Random programs and processors, for running two engines side by side.

Everything is a function of one seed. Programs are biased towards trouble: few registers, near
branches, branches in delay slots, stores into code, CP0 and TLB writes, unmapped pages.
"""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from kseg.engine import Engine, Exit, ExitReason, ProcessorState, create
from kseg.isa.floating_point import USABLE
from kseg.isa.instruction_set import InstructionSet, instruction_set
from kseg.isa.profile import profile_named
from kseg.memory.physical import PhysicalMemory

RAM_SIZE = 64 * 1024
CODE_PAGES = (0, 3, 6, 9)
ROM = 0x1FC00000
FAVOURITES = (0, 1, 2, 3, 4, 8, 9, 31)
"""Registers that most operands name, so that instructions depend on each other."""


def random_word(rng: random.Random, instructions: InstructionSet) -> int:
    """A random instruction, now and then a reserved one."""
    if rng.random() < 0.02:
        return rng.getrandbits(32)
    encoding = rng.choice(instructions.encodings)
    pattern = encoding.pattern
    word = (rng.getrandbits(32) & ~pattern.mask) | pattern.match
    if rng.random() < 0.3:
        return word
    for letter, field in pattern.fields.items():
        cleared = word & ~(((1 << field.width) - 1) << field.low)
        if letter in "stdvw" and rng.random() < 0.8:
            word = cleared | field.insert(rng.choice(FAVOURITES))
        elif letter in "ib" and rng.random() < 0.8:
            near = rng.randrange(-16, 16) * rng.choice((1, 1, 4))
            word = cleared | field.insert(near & 0xFFFF)
        elif letter == "r":
            word = cleared | field.insert(rng.choice((0, 2, 4, 8, 9, 10, 11, 12, 13, 14)))
        elif letter == "e":
            word = cleared
    return word


HIGH_WORDS = (
    0, 0x80000000, 0x3F800000, 0xBF800001, 0x3FF00000, 0x40000000, 0xC1E00000, 0x41DFFFFF,
    0x4F000000,
    0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FBFFFFF, 0x7FC00000, 0x7FF00000, 0x7FEFFFFF, 0x7FF7FFFF,
    0x7FF80000, 0x00800000, 0x007FFFFF, 0x00000001, 0x00100000, 0x000FFFFF, 0x00200000, 0x4B800000,
)  # fmt: skip
"""Singles, and high halves of doubles, at the borders of what floating-point units distinguish."""


def random_floating_point(rng: random.Random, state: ProcessorState) -> None:
    """Numbers of all kinds, mostly such that something comes of them, in any rounding mode."""
    if rng.random() < 0.9:
        state.status |= USABLE
    for register in range(32):
        near_one = rng.choice((0x3F000000, 0x40000000, 0xBF800000, 0xC0000000))
        state.fpr[register] = rng.choice(
            (
                rng.getrandbits(32),
                near_one | rng.getrandbits(23),
                near_one | rng.getrandbits(4) << 19,
                rng.choice(HIGH_WORDS),
                rng.choice((0, 0, 1, 0xFFFFFFFF)),
            )
        )
    state.fcsr = rng.choice((0, 0, 1, 2, 3)) | rng.getrandbits(5) << 2
    if rng.random() < 0.3:
        state.fcsr |= rng.getrandbits(5) << 7


def random_processor(rng: random.Random, profile: str, number: int) -> ProcessorState:
    """A processor somewhere in the program, in either mode, with a TLB that maps some of it."""
    state = ProcessorState()
    pc = 0x80000000 + (rng.choice(CODE_PAGES) << 12) + 4 * rng.randrange(1024)
    state.reset(
        status=rng.choice((0x1040FF01, 0x0040FF03, 0x1000FF01, 0x0000FF0F, 0x10000000)), pc=pc
    )
    state.enabled = 1
    state.identity = number
    for register in range(1, 32):
        kernel = 0x80000000 | rng.randrange(RAM_SIZE) & ~3
        state.gpr[register] = rng.choice(
            (rng.getrandbits(32), kernel, rng.randrange(0x8000) & ~3, rng.randrange(16))
        )
    if profile_named(profile).has_floating_point:
        random_floating_point(rng, state)
    state.interrupt_lines = rng.choice((0, 0, 0x400))
    if profile != "lsi":
        for entry in range(64):
            page = entry if entry <= 8 else rng.choice((0, 0xC0000)) + entry * 16
            state.tlb_entry_hi[entry] = page << 12 | rng.choice((0, 0, 0x40))
            frame = rng.choice((0, 3, 6, 9, 4, 5, 7, 15, 40))
            state.tlb_entry_lo[entry] = frame << 12 | rng.choice((0xF00, 0x700, 0x600, 0x300, 0))
        state.entry_hi = 0
        if state.status & 2:
            state.pc = rng.choice((0, 1, 2, 3)) << 12 | 4 * rng.randrange(1024)
    return state


@dataclass
class Machine:
    """One engine with its own memory and processors."""

    engine: Engine
    memory: PhysicalMemory

    @property
    def processors(self) -> list[dict[str, object]]:
        """Every field of every processor that the architecture defines."""
        return [
            {
                name: list(value) if hasattr(value, "__len__") else value
                for name, value in ((f[0], getattr(state, f[0])) for f in state._fields_)
                if name != "discard"
            }
            for state in self.engine.processors
        ]

    @property
    def contents(self) -> bytes:
        """RAM."""
        return bytes(self.memory.ram.data)


def machine(
    engine: str, profile: str, byte_order: str, seed: int, processors: int = 1, quantum: int = 1
) -> Machine:
    """The machine of a seed, on an engine: the same for every engine."""
    rng = random.Random(seed)
    instructions = instruction_set(profile)
    order = ">" if byte_order == "big" else "<"
    memory = PhysicalMemory(RAM_SIZE)
    memory.add_region("rom", ROM, 4096, writable=False, executable=True)
    for place in (*(page << 12 for page in CODE_PAGES), ROM):
        words = [random_word(rng, instructions) for _ in range(1024)]
        memory.write(place, struct.pack(f"{order}1024I", *words))
    states = [random_processor(rng, profile, number) for number in range(processors)]
    return Machine(create(engine, profile, byte_order, memory, states, quantum), memory)


class Environment:
    """What happens around the machines: device answers, interrupts, the lengths of runs."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed + 1)

    def cycles(self) -> int:
        """How long to run until the next comparison."""
        return self.rng.choice((1, 1, 1, 2, 3, 5, 17, 60))

    def answer(self, machines: list[Machine], exit_: object) -> bool:
        """Answer a device exit on every machine; False if it was none."""
        reason = exit_.reason  # type: ignore[attr-defined]
        if reason is ExitReason.DEVICE_LOAD:
            value = self.rng.choice((None, self.rng.getrandbits(8 * exit_.size)))  # type: ignore[attr-defined]
            steady = False
            for each in machines:
                each.engine.complete_load(value, steady=steady and value is not None)
        elif reason is ExitReason.DEVICE_STORE:
            accepted = self.rng.random() < 0.7
            for each in machines:
                each.engine.complete_store(accepted)
        else:
            return False
        return True

    def disturb(self, machines: list[Machine], idle: bool) -> None:
        """Change the interrupt lines now and then; always when every processor waits for one."""
        if idle:
            cycles = self.rng.randrange(1, 50)
            for each in machines:
                each.engine.skip(cycles)
        if idle or self.rng.random() < 0.1:
            lines = 0x400 if idle else self.rng.choice((0, 0x400, 0x800, 0x2000))
            for each in machines:
                for state in each.engine.processors:
                    state.interrupt_lines = lines


def run_side_by_side(
    seed: int,
    reference: Machine,
    tested: Machine,
    cycles: int,
    before: Callable[[list[Machine]], None] = lambda _machines: None,
    after: Callable[[Exit], None] = lambda _exit: None,
) -> None:
    """Run both for so many cycles in all, comparing everything after every run; `before` each run
    something may be done to both, and `after` it is given the exit."""
    around = Environment(seed)
    both = [reference, tested]
    while reference.engine.clock <= cycles:
        before(both)
        length = around.cycles()
        expected, found = reference.engine.run(length), tested.engine.run(length)
        after(expected)
        assert found == expected
        assert tested.engine.clock == reference.engine.clock
        assert tested.processors == reference.processors
        if expected.reason is ExitReason.FATAL:
            break
        if not around.answer(both, expected):
            around.disturb(both, expected.reason is ExitReason.IDLE)
    assert tested.contents == reference.contents
