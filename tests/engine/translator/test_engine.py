"""What only the translator as an engine has: looks between turns, and what becomes of requests."""

import struct

import pytest

from kseg.engine import Engine, ProcessorState, create
from kseg.engine.translator.engine import Policy, Translator
from kseg.engine.translator.workshop import InlineWorkshop
from kseg.memory.physical import PhysicalMemory
from tests.engine.translator import assembly as a
from tests.engine.translator.assembly import Assembly

KSEG0 = 0x80000000
CODE, DATA = 0x1000, 0x3000
EAGER = Policy(shortest_look=50, longest_look=400, threshold=1)


def board(program: Assembly, processors: int = 1) -> tuple[PhysicalMemory, list[ProcessorState]]:
    """Memory with a program, and processors that begin at its label `main`."""
    memory = PhysicalMemory(64 * 1024)
    for at, word in program.words.items():
        memory.write(at & 0x1FFFFFFF, struct.pack(">I", word))
    states = []
    for number in range(processors):
        state = ProcessorState()
        state.reset(status=0, pc=program.labels["main"])
        state.enabled, state.identity = 1, number
        states.append(state)
    return memory, states


def eager(program: Assembly, processors: int = 1, quantum: int = 1) -> Translator:
    """A translator that translates at once."""
    memory, states = board(program, processors)
    return Translator(
        "mips161", "big", memory, states, quantum, policy=EAGER, workshop=InlineWorkshop
    )


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
