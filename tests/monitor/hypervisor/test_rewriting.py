"""Instructions that trap only to move a register of CP0 are rewritten where the guest cannot see
it."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kseg import Machine
from kseg.engine.interpreter.layout import ENTRY_OPERATION, ENTRY_SIZE, TRANSLATED
from kseg.engine.translator.compilation.compile_queue import InlineCompileQueue
from kseg.engine.translator.engine import Translator
from kseg.engine.translator.tiering.policy import BackEnds
from kseg.engine.translator.tiering.thresholds import Thresholds
from kseg.isa import cp0
from kseg.isa.profile import MIPS161
from kseg.monitor.hypervisor.world import ExitKind
from tests.monitor.hypervisor.watched import exits, hypervisor_of, record_of, running
from tests.monitor.observed import Visible, differences, run_to, visible

PRIVILEGED = ExitKind.PRIVILEGED
STARTED = 1
"""Privileged instructions before the body, which write Status."""
ROUNDS = 9
CYCLES = 600

SIDE_EFFECTS = {(9, 0), (10, 0), (11, 0), (12, 0), (13, 0)}
"""Registers that change more than themselves when they are written."""
UNREADABLE = {(16, select) for select in range(2, 8)}
REGISTERS = sorted(cp0.distinguished(MIPS161))


def move(name: str, general: int, register: tuple[int, int]) -> str:
    """MFC0 or MTC0, as a word."""
    number, select = register
    operation = {"mfc0": 0x40000000, "mtc0": 0x40800000}[name]
    return f".word {operation | general << 16 | number << 11 | select:#x}"


def loop(text: str) -> str:
    """Do it ROUNDS times; t9 has the sum of t0, which is set before each."""
    return f"""
        li      s0, {ROUNDS}
again:  li      t0, 0x1234f00
        sll     t0, t0, 3
site:   {text}
        addu    t9, t9, t0
        addiu   s0, s0, -1
        bnez    s0, again
        nop
"""


@contextmanager
def kernel(
    body: str, *, rewriting: bool = True, engine: str = "interpreter", program: str = ""
) -> Iterator[Machine]:
    with running(body, program, monitor="trap-and-emulate", engine=engine) as machine:
        hypervisor_of(machine).world.rewrites = rewriting
        yield machine


def compared(body: str, program: str = "", engine: str = "interpreter") -> tuple[Any, int]:
    """Run it with and without rewriting, which must not be seen; the machine's first processor and
    the privileged instructions that trapped with rewriting."""
    found: list[tuple[Visible, Any, int]] = []
    for rewriting in (False, True):
        with kernel(body, rewriting=rewriting, engine=engine, program=program) as machine:
            for cycle in (50, 77, CYCLES):
                assert run_to(machine, cycle)[0] == "cycle limit"
            assert (record_of(machine).rewritten > 0) == rewriting
            state = machine.board.processors[0]
            summary = {"gpr": list(state.gpr), "exceptions": list(state.exceptions)}
            found.append((visible(machine), summary, exits(machine)[PRIVILEGED]))
    assert differences(found[0][0], found[1][0]) == []
    assert found[1][2] < found[0][2]
    return found[1][1], found[1][2]


READ = [register for register in REGISTERS if register not in UNREADABLE]
WRITTEN = [register for register in REGISTERS if register not in SIDE_EFFECTS]


@pytest.mark.parametrize("register", READ, ids=str)
def test_reading_a_register_traps_once(register: tuple[int, int]) -> None:
    _, trapped = compared(loop(move("mfc0", 8, register)))
    assert trapped == STARTED + 1


@pytest.mark.parametrize("register", WRITTEN, ids=str)
def test_writing_a_register_traps_once(register: tuple[int, int]) -> None:
    body = loop(move("mtc0", 8, register))
    if register not in UNREADABLE:
        body += move("mfc0", 10, register)
    _, trapped = compared(body)
    assert trapped == STARTED + 1 + (register not in UNREADABLE)


@pytest.mark.parametrize("register", sorted(SIDE_EFFECTS), ids=str)
def test_writing_what_matters_traps_each_time(register: tuple[int, int]) -> None:
    with kernel(loop("move t0, zero\n" + move("mtc0", 8, register))) as machine:
        run_to(machine, CYCLES)
        assert exits(machine)[PRIVILEGED] == STARTED + ROUNDS
        assert record_of(machine).rewritten == 0


def test_values_are_the_virtual_processors() -> None:
    body = (
        "li t0, 0x4321f00\n mtc0 t0, $4\n"
        + loop("mfc0 t0, $4")
        + loop("mfc0 t1, $12").replace("again", "again2").replace("site", "site2")
    )
    found, _ = compared(body)
    assert found["gpr"][9] == 0
    assert found["gpr"][8] == 0x1234F00 << 3


def test_register_zero_stays_zero() -> None:
    found, trapped = compared(loop("mfc0 zero, $15") + "addu t3, zero, zero")
    assert trapped == STARTED + 1
    assert (found["gpr"][0], found["gpr"][11]) == (0, 0)


@pytest.mark.parametrize("name", ["mfc0", "mtc0"])
def test_an_instruction_in_a_delay_slot(name: str) -> None:
    body = loop(f"b 1f\n {name} t0, $4\n nop\n1:")
    _, trapped = compared(body)
    assert trapped == STARTED + 1


def test_a_delay_slot_in_the_next_page() -> None:
    body = f"""
        li      s0, {ROUNDS}
        move    t9, zero
        j       last
        nop
        .org    KBASE + 0xff8
        nop
last:   jal     routine
slot:   mfc0    t0, $15
        addu    t9, t9, t0
        addiu   s0, s0, -1
        bnez    s0, last
        nop
        b       done
        nop
routine: jr     ra
        nop
"""
    found, trapped = compared(body)
    assert trapped == STARTED + 1
    assert found["gpr"][25] == 0xA1 * ROUNDS


def test_memory_reads_as_it_was() -> None:
    body = loop("mfc0 t0, $12") + "la t1, site\n lw t2, 0(t1)\n li t1, 0x80000000\n"
    with kernel(body) as machine:
        before = machine.board.memory.read(0, 4096)
        run_to(machine, CYCLES)
        assert record_of(machine).rewritten == 1
        assert machine.board.memory.read(0, 4096) == before
        assert machine.board.processors[0].gpr[10] == 0x40086000


@pytest.mark.parametrize(
    ("word", "total"),
    [
        (0x24080005, 5),  # addiu t0, zero, 5
        (0x40087800, 0xA1),  # mfc0 t0, $15
        (0x40086000, 0),  # as it was
    ],
)
def test_what_the_guest_writes_there_is_executed(word: int, total: int) -> None:
    body = (
        loop("mfc0 t0, $12")
        + f"""
        lui     t1, {word >> 16:#x}
        ori     t1, t1, {word & 0xFFFF:#x}
        bnez    s7, done
        li      s7, 1
        la      t2, site
        sw      t1, 0(t2)
        li      s0, {ROUNDS}
        move    t9, zero
        b       again
        nop
"""
    )
    found, _ = compared(body)
    assert found["gpr"][25] == total * ROUNDS


ENTER_SAME_PAGE = """
        li      t0, 0x1000
        mtc0    t0, $10
        li      t0, 0x0200
        mtc0    t0, $2
        mtc0    zero, $0
        tlbwi
        li      t0, 8
        mtc0    t0, $12
        li      s0, 5
        la      k0, site - KBASE + 0x1000
        jr      k0
        rfe
"""


@pytest.mark.parametrize("engine", ["interpreter", "translator"])
def test_a_program_in_the_same_page_may_not(engine: str) -> None:
    """What is privileged for it is not done, although it is rewritten."""
    body = loop("mfc0 t0, $15\n mtc0 t0, $4") + "bnez s6, done\n li s6, 1\n" + ENTER_SAME_PAGE
    found, _ = compared(body.replace("bnez    s0, again", "bnez    s0, site"), engine=engine)
    assert found["exceptions"][11] >= 10


POLICY = Thresholds(
    shortest_interval=300,
    longest_interval=2_000,
    threshold=1,
    copy_threshold=1 << 60,
    recompile_threshold=1 << 60,
    patience=0,
)
_COMPILE_QUEUE = InlineCompileQueue()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Translators that translate at once."""

    def create(_name: str, *given: Any, **_options: Any) -> Translator:
        _COMPILE_QUEUE.close()
        return Translator(
            *given, thresholds=POLICY, back_ends=BackEnds(queue=lambda: _COMPILE_QUEUE)
        )

    monkeypatch.setattr("kseg.engine.create", create)


ENDLESS = """
again:  {site}
        addu    t9, t9, t0
        addiu   s0, s0, 1
        addiu   s1, s1, 3
        xor     s2, s1, s0
        bnez    s0, again
        addu    s3, s3, s2
"""


CONSTANT = "mfc0 t0, $15"
"""What the translator takes into a translation, and begins one with."""


def begins_translation(machine: Machine) -> bool:
    """Does one begin at the instruction that is rewritten?"""
    engine: Any = hypervisor_of(machine).engine
    page = engine._contexts[1].code_page
    entry = page + 0x204 // 4 * ENTRY_SIZE
    return ctypes.c_uint8.from_address(entry + ENTRY_OPERATION).value == TRANSLATED


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("site", [CONSTANT, "mtc0 s1, $4", "mfc0 t0, $1", "mfc0 t0, $9"])
@pytest.mark.parametrize("first", [0, 8_000])
def test_where_a_translation_begins(site: str, first: int) -> None:
    """Whether it is rewritten before there is a translation, or when there is one already."""
    found = []
    for engine, rewriting in (("interpreter", False), ("translator", True)):
        with kernel(ENDLESS.format(site=site), rewriting=False, engine=engine) as machine:
            run_to(machine, first)
            hypervisor_of(machine).world.rewrites = rewriting
            before = exits(machine).get(PRIVILEGED, 0)
            run_to(machine, 30_000)
            found.append(visible(machine))
            trapped = exits(machine)[PRIVILEGED] - before
            if rewriting:
                assert trapped <= STARTED + 1
                statistics = machine.engine.statistics
                assert statistics.translations > 0
                assert begins_translation(machine) == (site == CONSTANT)
                # That one leaves at once, in user mode.
                assert (statistics.translated_cycles > 10_000) == (site != CONSTANT)
            else:
                assert trapped > 1_000
    assert differences(*found) == []
