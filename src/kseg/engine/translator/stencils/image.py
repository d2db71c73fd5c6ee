"""All stencils of a profile and byte order: made once, then kept.

A start that finds them imports neither the declarations nor LLVM.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kseg.engine.codegen.generated import Generated
from kseg.engine.translator.stencils.stencil import StencilImage
from kseg.platform.code import NativeCodeError

if TYPE_CHECKING:
    from kseg.engine.codegen.targets.target import Target

_FROM_TRANSLATOR = ("effects", "offsets", "llvm/lifter", "side_exits")
"""Modules of the translator that the stencils are made with."""


def generated(profile_name: str, byte_order: str) -> Generated:
    """The stencils of a profile and byte order, packed."""
    return Generated(
        f"stencils-{profile_name}-{byte_order}",
        lambda target: msgspec.msgpack.encode(make(profile_name, byte_order, target)),
        _sources,
    )


def load(profile_name: str, byte_order: str, *, or_make: bool = True) -> StencilImage | None:
    """The stencils, ready-made or newly made; None if they are not there and `or_make` is
    false, or LLVM is not there either or makes code of another shape."""
    wanted = generated(profile_name, byte_order)
    try:
        found = wanted.load() if or_make else wanted.find()
    except (ImportError, NativeCodeError):
        return None
    return None if found is None else msgspec.msgpack.decode(found, type=StencilImage)


def _sources() -> list[Path]:
    here = Path(__file__).parent
    return [*here.glob("*.py"), *(here.parent / f"{name}.py" for name in _FROM_TRANSLATOR)]


def make(profile_name: str, byte_order: str, target: "Target") -> StencilImage:
    """The stencils, newly made for a target that has any. ImportError without LLVM; NativeCodeError
    if its code has anything but holes in it that depends on where it lies."""
    import llvmlite.binding as llvm

    from kseg.engine.codegen.llvm import CodeGenerator
    from kseg.engine.translator.side_exits import PRELUDE
    from kseg.engine.translator.stencils import entries_and_exits, operations
    from kseg.engine.translator.stencils.extract import extract
    from kseg.engine.translator.stencils.holes import declarations
    from kseg.isa.instruction_set import instruction_set

    instructions = instruction_set(profile_name)
    families = {}
    texts = list(entries_and_exits.functions(instructions.profile))
    for name, family, functions in operations.families(instructions, byte_order == "big"):
        families[name] = family
        texts += functions
    text = "".join(texts)
    generator = CodeGenerator(target, relocation="static")
    module = generator.parse(PRELUDE + declarations(text, entries_and_exits.VARIABLES) + text)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    builder = llvm.create_pass_builder(generator.machine, options)
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)
    return StencilImage(extract(generator.object(module)), families)
