"""Ways to run R3000 code: plain Python, a compiled interpreter, a translator to native code.

Every engine works on the same `ProcessorState` and `PhysicalMemory`, has the same one method
`run`, and comes back with the same `Exit`: see `kseg.engine.contract`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kseg.engine.contract import Engine, Exit, ExitReason
from kseg.engine.state import ProcessorState

if TYPE_CHECKING:
    from kseg.memory.physical import PhysicalMemory

__all__ = ["ENGINES", "Engine", "Exit", "ExitReason", "ProcessorState", "create"]

ENGINES = ("translator", "interpreter", "reference")
"""The engines by name, the fastest first."""


def create(
    name: str,
    profile_name: str,
    byte_order: str,
    memory: "PhysicalMemory",
    processors: Sequence[ProcessorState],
    quantum: int = 1,
) -> Engine:
    """The engine called `name` for these processors and this memory.

    `byte_order` is "big" or "little" and must be one that the profile has; `quantum` is the
    number of cycles a processor runs before it is the next one's turn. ValueError names what
    does not exist.
    """
    from kseg.isa.profile import profile_named

    profile = profile_named(profile_name)
    if byte_order not in profile.byte_orders:
        orders = " or ".join(profile.byte_orders)
        raise ValueError(f"a {profile_name} is {orders} endian, not {byte_order}")
    if name == "reference":
        from kseg.engine.reference.engine import ReferenceEngine

        return ReferenceEngine(profile_name, byte_order, memory, processors, quantum)
    if name == "interpreter":
        from kseg.engine.interpreter.engine import Interpreter

        return Interpreter(profile_name, byte_order, memory, processors, quantum)
    if name == "translator":
        from kseg.engine.translator.engine import Translator

        return Translator(profile_name, byte_order, memory, processors, quantum)
    raise ValueError(f"no engine {name!r}; there are: {', '.join(ENGINES)}")
