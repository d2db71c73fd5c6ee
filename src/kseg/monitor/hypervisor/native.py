"""The dispatcher as machine code: made once, then kept, so that a start need not import LLVM."""

import ctypes
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kseg import progress
from kseg.engine.codegen.generated import Generated
from kseg.engine.codegen.native import Blob, MappedCode
from kseg.engine.interpreter.layout import Shared
from kseg.monitor.hypervisor.world import World

if TYPE_CHECKING:
    from kseg.engine.codegen.targets.target import Target

_FUNCTION = "supervise"
_ENTRY_BYTES = 4
_TEXTS = ("dispatcher", "native", "rewriting", "shadow_tlb", "world")
"""The modules here on which the machine code depends."""


def load() -> MappedCode:
    """The machine code, ready-made or newly compiled; NativeCodeError where the host allows
    none."""
    packed = GENERATED.load()
    entry = int.from_bytes(packed[:_ENTRY_BYTES], "little")
    return MappedCode(Blob(packed[_ENTRY_BYTES:], {_FUNCTION: entry}))


def _compile(target: "Target") -> bytes:
    from kseg.engine.codegen.llvm import compile_module
    from kseg.engine.codegen.typed.compiler import build
    from kseg.monitor.hypervisor.dispatcher import supervise

    progress.report("compiling the monitor, once for all runs", long=True)
    blob = compile_module(build([supervise]), target)
    return blob.symbols[_FUNCTION].to_bytes(_ENTRY_BYTES, "little") + blob.code


GENERATED = Generated(
    "dispatcher", _compile, lambda: [Path(__file__).with_name(f"{name}.py") for name in _TEXTS]
)
"""The dispatcher, packed."""


def connect(code: MappedCode, world: World, functions: Mapping[str, int], shared: int) -> int:
    """Let the code work on this world and this engine; returns the function's address."""
    engine = Shared.from_address(shared)
    world.virtual, world.hardware = engine.contexts[0], engine.contexts[1]
    for name in ("run_processor", "resynchronise", "tlb_find", "tlb_place"):
        setattr(world, name, functions[name])
    engine.monitor = ctypes.addressof(world)
    return code.address(_FUNCTION)
