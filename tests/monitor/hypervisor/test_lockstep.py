"""The dispatcher's one text, run by CPython and compiled, against a frozen copy of the one before.

All three have the same random states, and an engine that does the same random things to them.
"""

import ctypes
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from kseg.engine.codegen.native import MappedCode
from kseg.engine.contract import Exit, ExitReason
from kseg.engine.interpreter.layout import Context, Shared
from kseg.engine.state import ProcessorState
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.monitor.hypervisor import native
from kseg.monitor.hypervisor.supervision import HARDWARE, GuestSupervisor
from kseg.monitor.hypervisor.world import WINDOW_ORIGIN, GuestRecord, World
from tests.monitor.hypervisor.oracle import dispatcher as oracle
from tests.monitor.hypervisor.oracle.shadow_tlb import ShadowTlb

PAGES = 16
ADDRESSES = [n << 12 for n in range(4)] + [0x40000000 + (n << 12) for n in range(4)]
ADDRESSES += [0x80002000]
LOWS = [
    r.ENTRY_LO_V,
    r.ENTRY_LO_V | r.ENTRY_LO_D,
    0,
    r.ENTRY_LO_D,
    r.ENTRY_LO_V | r.ENTRY_LO_D | r.ENTRY_LO_G,
]
TRAPS = [*range(1, 6), 2, 3, 3, *range(8, 13)]
DIRECT = [ExitReason.TRAP] * 18 + [ExitReason.BUDGET, ExitReason.BREAKPOINT, ExitReason.WATCHPOINT]
EMULATED = [ExitReason.BUDGET] * 18 + [
    ExitReason.DEVICE_LOAD,
    ExitReason.PAGE_STORE,
    ExitReason.IDLE,
    ExitReason.BREAKPOINT,
]


class Fixture(ctypes.Structure):
    """All memory that a dispatcher works on, so that it can be compared and put back."""

    _fields_ = [
        ("guest", GuestRecord),
        ("virtual", ProcessorState),
        ("hardware", ProcessorState),
        ("frames", ctypes.c_uint32 * PAGES),
    ]


class RandomEngine:
    """An engine that does anything."""

    def __init__(self, fixture: Fixture) -> None:
        self.processors = [fixture.virtual, fixture.hardware]
        self.random = random.Random()
        self.passed: list[Any] = []

    def run_processor(self, number: int, until: int, *, leave_for_user: bool = False) -> Exit:
        rng, state = self.random, self.processors[number]
        left = until - state.clock
        state.clock += rng.randint(0, min(left, 50)) if number == HARDWARE else min(left, 1)
        state.gpr[rng.randrange(32)] = rng.getrandbits(32)
        state.hi_ready = rng.getrandbits(64)
        state.pc = rng.choice(ADDRESSES)
        if number == HARDWARE:
            state.user_stalls = rng.randrange(9)
            reason = rng.choice(DIRECT)
            address = rng.choice([*ADDRESSES, state.pc])
            return Exit(reason, number, address, 4, ExceptionCode(rng.choice(TRAPS)))
        state.status = rng.choice([0, 2, 0x402, 0x403, 0x10000])
        state.entry_hi = rng.randrange(3) << 6
        state.interrupt_lines = rng.choice([0, 0, 0x400])
        state.waiting = rng.random() < 0.05
        if rng.random() < 0.3:
            for index in rng.sample(range(6), rng.choice([1, 1, 3])):
                write_entry(rng, state, index)
        reason = rng.choice(EMULATED)
        if reason in (ExitReason.BUDGET, ExitReason.IDLE):
            return Exit(reason, number)
        return Exit(reason, number, rng.choice(ADDRESSES), 4, leave_for_user)

    def write_tlb_entry(self, number: int, index: int, high: int, low: int) -> None:
        state = self.processors[number]
        state.tlb_entry_hi[index], state.tlb_entry_lo[index] = high, low

    def pass_stop(self, number: int, reason: ExitReason | None) -> None:
        self.passed.append((number, reason))


def write_entry(rng: random.Random, state: ProcessorState, index: int) -> None:
    state.tlb_entry_hi[index] = rng.choice(ADDRESSES) | rng.randrange(3) << 6
    state.tlb_entry_lo[index] = rng.randrange(PAGES + 2) << 12 | rng.choice(LOWS)


class Trial:
    """One state, on which each form can be run from the beginning."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.fixture, self.world = Fixture(), World()
        self.engine: Any = RandomEngine(self.fixture)
        self.supervisor = GuestSupervisor(self.engine, self.world)
        self.shadow = ShadowTlb(self.engine, self.world)

    def prepare(self) -> bool:
        """The state; has a device answered?"""
        rng, fixture, world = random.Random(self.seed), self.fixture, self.world
        ctypes.memset(ctypes.addressof(fixture), 0, ctypes.sizeof(fixture))
        self.engine.random.seed(self.seed)
        self.engine.passed.clear()
        guest, virtual, hardware = fixture.guest, fixture.virtual, fixture.hardware
        world.guest = ctypes.addressof(guest)
        guest.number, guest.hybrid = rng.randint(1, 2), rng.randrange(2)
        guest.window_base, guest.window_size = rng.choice([(0x40000000, 1 << 29), (0, 0)])
        guest.frames, guest.pages = ctypes.addressof(fixture.frames), rng.randint(1, PAGES)
        guest.kernel_space = rng.randrange(3) << 6
        for page in range(PAGES):
            fixture.frames[page] = page + 32 << 12 | rng.randrange(2)
        for asid in range(64):
            world.asid_holder[asid] = 0
            place = rng.randrange(65)
            if asid and rng.random() < 0.7 and not guest.asids[place]:
                guest.asids[place] = asid
                first = ctypes.addressof(guest) + GuestRecord.asids.offset
                world.asid_holder[asid] = first + place
        for slot in range(64):
            world.slot_guest[slot] = rng.randrange(3) if rng.random() < 0.9 else 0
            world.slot_origin[slot] = rng.choice([rng.randrange(6), WINDOW_ORIGIN])
            hardware.tlb_entry_hi[slot] = rng.choice(ADDRESSES) | rng.randrange(64) << 6
            hardware.tlb_entry_lo[slot] = rng.getrandbits(32)
            virtual.tlb_entry_hi[slot] = 0x81000000 + (slot << 12)
        for _ in range(8):
            write_entry(rng, virtual, rng.randrange(64))
        world.next_slot, world.next_asid = rng.randrange(64), rng.randrange(64)
        virtual.clock = rng.choice([0, 1 << 33, (1 << 62) + 5])
        virtual.timer_armed = rng.randrange(2)
        virtual.compare = rng.choice([0, 1, 40, 0xFFFFFFFF, rng.getrandbits(32)])
        virtual.count_origin = virtual.clock - rng.choice([0, 1, 30, 41, 1 << 32])
        virtual.status = rng.choice([0, 2, 0x402, 0x403, 0x20000])
        virtual.entry_hi = rng.randrange(64) << 6
        virtual.cause, virtual.enabled = rng.choice([0, 0x400]), 1
        virtual.interrupt_lines = rng.choice([0, 0x400])
        return rng.random() < 0.3

    def outcome(self, form: Callable[[bool, int], Exit]) -> dict[str, Any]:
        """What a form makes of it."""
        answered = self.prepare()
        found = form(answered, self.fixture.virtual.clock + 200)
        world = self.world
        arrays = (world.slot_guest, world.slot_origin, world.asid_holder)
        parts = {name: bytes(getattr(self.fixture, name)) for name, _ in Fixture._fields_}
        return parts | {
            "exit": found,
            "slots": [*map(bytes, arrays), world.next_slot, world.next_asid],
            "engine": (self.engine.passed[:], self.engine.random.getstate()),
        }

    def as_before(self, answered: bool, limit: int) -> Exit:
        form = oracle.Dispatcher(self.world, self.shadow)
        form.answered = answered
        return form.run(self.engine, limit)

    def in_cpython(self, answered: bool, limit: int) -> Exit:
        self.supervisor.answered = answered
        return self.supervisor.run(self.engine, limit)

    def compiled(self, answered: bool, limit: int) -> Exit:
        """The native code, on an engine whose functions are Python's."""
        world, supervisor = self.world, self.supervisor
        supervisor.answered = answered
        supervisor.connect()

        def run(context: int, until: int) -> int:
            return supervisor.run_processor(Context.from_address(context), until)

        def find(state: int, entry_hi: int) -> int:
            return world.find(ProcessorState.from_address(state), entry_hi)

        def place(_context: int, index: int, high: int, low: int) -> None:
            self.engine.write_tlb_entry(HARDWARE, index, high, low)

        u32, u64, pointer = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p
        functions = {
            "run_processor": ctypes.CFUNCTYPE(ctypes.c_int32, pointer, u64)(run),
            "resynchronise": ctypes.CFUNCTYPE(None, pointer, u64)(lambda _context, _clock: None),
            "tlb_find": ctypes.CFUNCTYPE(ctypes.c_int32, pointer, u32)(find),
            "tlb_place": ctypes.CFUNCTYPE(None, pointer, u64, u32, u32)(place),
        }
        for name, function in functions.items():
            setattr(world, name, ctypes.cast(function, pointer).value)
        shared = Shared(monitor=ctypes.addressof(world))
        supervise = ctypes.CFUNCTYPE(ctypes.c_int32, pointer, u64)(code().address("supervise"))
        reason = ExitReason(supervise(ctypes.addressof(shared), limit))
        return supervisor.exit_of(reason)


@cache
def code() -> MappedCode:
    return native.load()


def check(seeds: range) -> Iterator[Exit]:
    for seed in seeds:
        trial = Trial(seed)
        before = trial.outcome(trial.as_before)
        for form in (trial.in_cpython, trial.compiled):
            now = trial.outcome(form)
            wrong = [name for name in before if before[name] != now[name]]
            assert not wrong, f"{form.__name__}, seed {seed}: {wrong}"
        yield before["exit"]


def test_all_forms_do_the_same() -> None:
    assert len({found.reason for found in check(range(40))}) > 2


@pytest.mark.slow
def test_all_forms_do_the_same_with_many_states() -> None:
    reasons = {found.reason for found in check(range(1_000, 4_000))}
    assert reasons >= {ExitReason.BUDGET, ExitReason.IDLE, *EMULATED, ExitReason.WATCHPOINT}
