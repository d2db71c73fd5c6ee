"""What only the translator as an engine has: samples between turns, and what becomes of
requests."""

from typing import Literal

import pytest

from kseg.engine import Engine, ProcessorState, create
from kseg.engine.translator.compilation.compile_queue import InlineCompileQueue
from kseg.engine.translator.engine import Translator
from kseg.engine.translator.tiering.policy import BackEnds
from kseg.engine.translator.tiering.thresholds import Thresholds
from kseg.memory.physical import PhysicalMemory
from tests.engine.translator import assembly as a
from tests.engine.translator.assembly import Assembly

KSEG0 = 0x80000000
CODE, DATA = 0x1000, 0x3000
EAGER = Thresholds(
    shortest_interval=50, longest_interval=400, threshold=1, copy_threshold=1, patience=0
)


def board(
    program: Assembly, processors: int = 1, byte_order: Literal["big", "little"] = "big"
) -> tuple[PhysicalMemory, list[ProcessorState]]:
    """Memory with a program, and processors that begin at its label `main`."""
    memory = PhysicalMemory(64 * 1024)
    for at, word in program.words.items():
        memory.write(at & 0x1FFFFFFF, word.to_bytes(4, byte_order))
    states = []
    for number in range(processors):
        state = ProcessorState()
        state.reset(status=0, pc=program.labels["main"])
        state.enabled, state.identity = 1, number
        states.append(state)
    return memory, states


def eager(
    program: Assembly,
    processors: int = 1,
    quantum: int = 1,
    profile: str = "mips161",
    byte_order: Literal["big", "little"] = "big",
) -> Translator:
    """A translator that translates at once."""
    memory, states = board(program, processors, byte_order)
    return Translator(
        profile,
        byte_order,
        memory,
        states,
        quantum,
        thresholds=EAGER,
        back_ends=BackEnds(InlineCompileQueue),
    )


def as_reference(program: Assembly, profile: str, cycles: int) -> Translator:
    """Run a program on both; every state must be the same at its end."""
    tested = eager(program, profile=profile, byte_order="little")
    memory, states = board(program, byte_order="little")
    reference = create("reference", profile, "little", memory, states)
    for engine in (tested, reference):
        engine.run(cycles)
    tested.processors[0].discard = 0
    assert bytes(tested.processors[0]) == bytes(states[0])
    return tested


def counting() -> Assembly:
    """A loop that counts in memory."""
    asm = Assembly()
    asm.at = KSEG0 | CODE
    asm.place("main")
    asm.value(a.T0, KSEG0 | DATA)
    asm.place("again")
    asm.emit(a.lw(a.T1, 0, a.T0), a.addiu(a.T1, a.T1, 1), a.sw(a.T1, 0, a.T0))
    asm.branch(a.beq(0, 0), "again")
    asm.emit(a.addiu(a.V0, a.V0, 1))
    return asm


@pytest.mark.parametrize("quantum", [1, 7, 64, 1000])
def test_looks_do_not_shorten_turns(quantum: int) -> None:
    engines: list[Engine] = [eager(counting(), 3, quantum)]
    memory, states = board(counting(), 3)
    engines.append(create("reference", "mips161", "big", memory, states, quantum))
    for cycles in (5000, 333, 1, 2048):
        for engine in engines:
            engine.run(cycles)
        tested, reference = (
            [(state.pc, state.gpr[a.V0], state.gpr[a.T1]) for state in engine.processors]
            for engine in engines
        )
        assert tested == reference


def test_user_mode_does_not_go_where_the_kernel_went() -> None:
    asm = Assembly()
    asm.at = CODE  # in kuseg, as both modes see it
    asm.place("main")
    asm.value(a.T9, KSEG0 | 0x2000)
    asm.emit(a.addiu(a.S0, 0, 300))
    asm.place("again")
    asm.emit(a.jalr(a.T9), a.addiu(a.S0, a.S0, -1))
    asm.place("returned")
    asm.branch(a.bne(a.S0, 0), "again")
    asm.emit(a.NOP)
    asm.emit(a.addiu(a.S0, 0, 300))
    asm.emit(a.addiu(a.T0, 0, 8), a.mtc0(a.T0, a.STATUS))  # user mode after the next RFE
    asm.jump(a.J, "returned")
    asm.emit(a.RFE)
    asm.at = KSEG0 | 0x2000
    asm.emit(a.jr(a.RA), a.addiu(a.V0, a.V0, 1))
    asm.at = KSEG0 | 0x80
    asm.place("stay")
    asm.jump(a.J, "stay")
    asm.emit(a.addiu(a.V1, a.V1, 1))
    engine = as_reference(asm, "lsi", 6000)
    assert engine.statistics.translated_cycles > 1000
    assert engine.processors[0].gpr[a.V0] == 300
    assert engine.processors[0].gpr[a.V1] > 0


@pytest.mark.parametrize("stop", range(2990, 3010))
def test_a_load_is_on_its_way_at_every_stop(stop: int) -> None:
    asm = Assembly()
    asm.at = KSEG0 | CODE
    asm.place("main")
    asm.value(a.T8, KSEG0 | DATA)
    asm.place("again")
    asm.emit(a.lw(a.T0, 0, a.T8), a.addiu(a.V0, a.T0, 1), a.sw(a.V0, 0, a.T8))
    asm.branch(a.bne(a.V0, 0), "next")
    asm.emit(a.lw(a.T1, 4, a.T8))
    asm.place("next")
    asm.emit(a.addiu(a.V1, a.V1, 1), a.addu(a.T2, a.T1, a.V0))
    asm.branch(a.beq(0, 0), "again")
    asm.emit(a.lw(a.T1, 0, a.T8))
    assert as_reference(asm, "r3000", stop).statistics.translated_cycles > 0
