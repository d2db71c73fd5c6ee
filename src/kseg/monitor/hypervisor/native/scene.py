"""What native code of the monitor works on, and words for it."""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.structure import Structure
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter.layout import Context
from kseg.engine.state import ProcessorState
from kseg.isa import registers as r
from kseg.monitor.hypervisor.world import GuestRecord, World

WORLD = ("ptr", "world")
"""The first parameter of most functions."""


def u32(b: FunctionBuilder, operand: Operand) -> Symbol:
    """An i32 operand as a value."""
    return Symbol.of_i32(b, operand)


def is_user(state: Structure) -> Symbol:
    """Is a processor in user mode?"""
    return (state["status"] & r.STATUS_KUC) != 0


class Scene:
    """The world, the guest in it, the hardware and the virtual processor."""

    def __init__(self, b: FunctionBuilder, world: Operand = "%world") -> None:
        self.world = Structure(b, world, World)
        self.guest = Structure(b, self.world.pointer("guest"), GuestRecord)
        self.hardware_context = Structure(b, self.world.pointer("hardware"), Context)
        self.virtual_context = Structure(b, self.world.pointer("virtual"), Context)
        self.hardware = Structure(b, self.hardware_context.pointer("state"), ProcessorState)
        self.virtual = Structure(b, self.virtual_context.pointer("state"), ProcessorState)
