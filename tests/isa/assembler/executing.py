"""Executes assembled programs with the reference engine."""

from kseg.engine import ProcessorState, create
from kseg.isa.assembler import Program
from kseg.isa.registers import GPR_NAMES, GPR_NUMBERS, UNMAPPED_MASK
from kseg.memory.physical import PhysicalMemory


def execute(program: Program, cycles: int, **registers: int) -> dict[str, int]:
    """The general registers by name after so many cycles from the program's entry."""
    memory = PhysicalMemory(0x10000)
    memory.write(program.origin & UNMAPPED_MASK, program.code)
    state = ProcessorState()
    state.reset(status=0, pc=program.entry)
    state.enabled = 1
    for name, value in registers.items():
        state.gpr[GPR_NUMBERS[name]] = value
    create("reference", program.profile, program.byte_order, memory, [state]).run(cycles)
    return dict(zip(GPR_NAMES, state.gpr, strict=True))
