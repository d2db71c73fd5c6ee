"""The interpreter's runtime, run by CPython: it does what its native code does."""

import ctypes
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine.interpreter.layout import Context, RecordEntry, RegionEntry, Shared
from kseg.engine.interpreter.runtime import address_translation, tlb, trace_records
from kseg.engine.state import ProcessorState
from kseg.isa import registers as r
from kseg.isa.profile import PROFILES, profile_named
from tests.engine.codegen.typed.texts import compiled

PAGES = (0, 1, 0x40000, 0x7FFFF, 0x80000, 0xA0001, 0xC0000, 0xFFFFF)
RECORDS = 8


class Fixture(ctypes.Structure):
    """All memory that the functions work on, but for the tables, where a page's slot is all that
    can be changed."""

    _fields_ = [
        ("context", Context),
        ("engine", Shared),
        ("state", ProcessorState),
        ("regions", RegionEntry * 3),
        ("frames", ctypes.c_uint32 * 16),
        ("records", RecordEntry * RECORDS),
    ]


TABLES = [
    f"{mode}_{table}" for mode in ("kernel", "user") for table in ("reads", "writes", "codes")
]
tables = [(ctypes.c_uint64 * (1 << 20))() for _ in TABLES]


def fixture(rng: Random) -> Fixture:
    """A random state."""
    made = Fixture()
    context, engine, state = made.context, made.engine, made.state
    at = ctypes.addressof(made)
    context.state, context.shared = at + Fixture.state.offset, at + Fixture.engine.offset
    context.regions, context.region_count = at + Fixture.regions.offset, 2
    for name, table in zip(TABLES, tables, strict=True):
        setattr(context, name, ctypes.addressof(table))
    for index in range(64):
        state.tlb_entry_hi[index] = rng.choice(PAGES) << 12 | rng.randrange(3) << 6
        state.tlb_entry_lo[index] = rng.getrandbits(32) & r.ENTRY_LO_MASK
    for number in range(32):
        state.gpr[number] = rng.getrandbits(32)
    state.entry_hi = rng.choice(PAGES) << 12 | rng.randrange(3) << 6
    state.entry_lo, state.index = rng.getrandbits(32), rng.getrandbits(14) & r.INDEX_MASK
    state.status = rng.choice([0, r.STATUS_KUC, r.STATUS_ISC])
    context.asid, context.user_mode = rng.randrange(3) << 6, rng.randrange(2)
    context.window_base, context.window_size = rng.choice([(0x40000000, 1 << 29), (0, 0)])
    made.regions[0] = RegionEntry(0, 0x8000, 0x10000)
    made.regions[1] = RegionEntry(0x10000, 0x18000, 0x20000, 3, 8, at + Fixture.frames.offset)
    engine.tracing = rng.randrange(2)
    engine.trace_kernel = engine.trace_user = 0x7F
    engine.trace_processors, engine.trace_asids = 1, (1 << 64) - rng.choice([1, 2])
    engine.trace_last, engine.trace_limit, engine.trace_room = 900, RECORDS, 5
    engine.trace_records, engine.trace_places = at + Fixture.records.offset, RECORDS - 1
    engine.trace_range_count = rng.randrange(2)
    engine.trace_ranges[0], engine.trace_ranges[1] = 0, 0x80000000
    for number in range(64):
        engine.trace_destinations[number] = rng.randrange(6)
    context.trace_mark = rng.randrange(3)
    return made


CALLS: dict[str, Any] = {
    "translate": lambda rng: [
        rng.choice(PAGES) << 12 | rng.choice([0, 1, 2, 4, 0xFFC]),
        rng.choice([1, 2, 4]),
        rng.getrandbits(32),
        rng.randrange(3),
    ],
    "tlb_write": lambda rng: [rng.randrange(64)],
    "tlb_read": lambda _rng: [],
    "tlb_probe": lambda rng: [rng.getrandbits(32), rng.randrange(1000), rng.randrange(4)],
    "leave_address_space": lambda _rng: [],
    "leave_state": lambda _rng: [],
    "trace_instruction": lambda rng: [
        rng.getrandbits(32),
        rng.getrandbits(32),
        rng.randrange(1000),
        0,
    ],
    "trace_exception": lambda rng: [
        rng.getrandbits(32),
        0,
        rng.randrange(12),
        7,
        rng.randrange(900),
    ],
    "trace_changed": lambda rng: [
        rng.getrandbits(31),
        rng.choice([0x42000010, *range(0x42000001, 0x42000009)]),
        rng.randrange(1000),
        0,
    ],
}
MODULES = (address_translation, tlb, trace_records)


@pytest.fixture(scope="module", params=list(PROFILES))
def native(request: pytest.FixtureRequest) -> Any:
    """The native functions for a profile, for which CPython runs them meanwhile as well."""
    profile = profile_named(request.param)
    functions = [getattr(each, name) for name in CALLS for each in MODULES if hasattr(each, name)]
    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES:
            patch.setattr(module, "PROFILE", profile)
        yield compiled(*dict.fromkeys(functions), PROFILE=profile)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_cpython_and_native_code_do_the_same(native: Any, seed: int) -> None:
    for name, given_ in CALLS.items():
        python = next(getattr(each, name) for each in MODULES if hasattr(each, name))
        outcomes = []
        for form in (python, native[name]):
            rng = Random(seed)
            made = fixture(rng)
            arguments = given_(rng)
            touched = sorted({*(high >> 12 for high in made.state.tlb_entry_hi), *PAGES})
            for table in tables:
                for page in touched:
                    table[page] = 1
            found = form(made.context, *arguments)
            for field in ("state", "shared", "regions"):
                setattr(made.context, field, 0)
            made.engine.trace_records = made.regions[1].frames = 0
            outcomes.append((found, bytes(made), [[t[page] for page in touched] for t in tables]))
        assert outcomes[0] == outcomes[1], name
