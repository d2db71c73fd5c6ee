"""Ways to run R3000 code: plain Python, a compiled interpreter, a translator to native code.

Every engine works on the same `ProcessorState` and `PhysicalMemory`, has the same one method
`run`, and returns the same VM exits (`Exit`): see `kseg.engine.contract`.
"""

import functools
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kseg.engine.contract import COMPILER_SHARE, Engine, Exit, ExitReason, Hardware
from kseg.engine.state import ProcessorState
from kseg.errors import EngineError
from kseg.platform.code import NativeCodeError

if TYPE_CHECKING:
    from kseg.engine.interpreter.engine import Interpreter
    from kseg.memory.physical import PhysicalMemory

__all__ = [
    "AUTOMATIC",
    "CHOICES",
    "COMPILER_SHARE",
    "ENGINES",
    "Engine",
    "Exit",
    "ExitReason",
    "Hardware",
    "ProcessorState",
    "create",
]

ENGINES = ("translator", "interpreter", "reference")
"""The engines by name, the fastest first."""
AUTOMATIC = "auto"
"""Instead of a name: the fastest that this host has."""
CHOICES = (AUTOMATIC, *ENGINES)
"""What a user may choose."""


def create(
    name: str,
    profile_name: str,
    byte_order: str,
    memory: "PhysicalMemory",
    processors: Sequence[ProcessorState],
    quantum: int = 1,
    like: Engine | None = None,
    compiler_share: int = COMPILER_SHARE,
) -> Hardware:
    """The engine called `name`, one of CHOICES, for these processors and this memory.

    `byte_order` is "big" or "little" and must be one that the profile has; `quantum` is the
    number of cycles a processor runs before it is the next one's turn. An engine that is `like`
    another of this name and profile has its native code in common with that. `compiler_share` is
    COMPILER_SHARE unless the user has another wish. ValueError names what
    does not exist; EngineError says what this host lacks for the engine. AUTOMATIC warns, once,
    where this host can have the reference only.
    """
    from kseg.isa.profile import profile_named

    if name not in CHOICES:
        raise ValueError(f"no engine {name!r}; there are: {', '.join(CHOICES)}")
    profile = profile_named(profile_name)
    if byte_order not in profile.byte_orders:
        orders = " or ".join(profile.byte_orders)
        raise ValueError(f"a {profile_name} is {orders} endian, not {byte_order}")
    if name == "reference":
        return _reference(profile_name, byte_order, memory, processors, quantum)
    try:
        # The translator goes on as an interpreter where it cannot translate.
        kind = _native_engine("translator" if name == AUTOMATIC else name)
        twin = like if isinstance(like, kind) else None
        return kind(
            profile_name,
            byte_order,
            memory,
            processors,
            quantum,
            like=twin,
            compiler_share=compiler_share,
        )
    except (NativeCodeError, ImportError, OSError) as error:
        if name == AUTOMATIC:
            _warn(f"{error}: engine reference runs the guest, slowly")
            return _reference(profile_name, byte_order, memory, processors, quantum)
        raise EngineError(
            f"engine {name}: {error}; the engine called reference can do without, slowly"
        ) from error


def _reference(
    profile_name: str,
    byte_order: str,
    memory: "PhysicalMemory",
    processors: Sequence[ProcessorState],
    quantum: int,
) -> Hardware:
    from kseg.engine.reference.engine import ReferenceEngine

    return ReferenceEngine(profile_name, byte_order, memory, processors, quantum)


@functools.cache
def _warn(text: str) -> None:
    """Once: of the many machines that a process may have, none is worth a second warning."""
    warnings.warn(text, RuntimeWarning, stacklevel=3)


def _native_engine(name: str) -> "type[Interpreter]":
    from kseg.engine.codegen import targets

    targets.check()  # before anything is compiled
    if name == "translator":
        from kseg.engine.translator.engine import Translator

        return Translator
    from kseg.engine.interpreter.engine import Interpreter

    return Interpreter
