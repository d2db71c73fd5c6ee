"""All stencils of a profile and byte order: made once, then kept.

A start that finds them in the cache imports neither the declarations nor LLVM.
"""

from pathlib import Path

import msgspec

from kseg.engine.codegen import cache
from kseg.engine.interpreter.image import source_key
from kseg.engine.translator.stencils.stencil import StencilImage
from kseg.platform.code import NativeCodeError

_FROM_TRANSLATOR = ("effects", "offsets", "llvm/lifter", "side_exits")
"""Modules of the translator that the stencils are made with."""


def load(profile_name: str, byte_order: str, *, or_make: bool = True) -> StencilImage | None:
    """The stencils, from the cache or newly made; None if they are not there and `or_make` is
    false, or LLVM is not there either or makes code of another shape."""
    kind = f"stencils-{profile_name}-{byte_order}"
    key = source_key(_sources())
    kept = cache.read(kind, key)
    if kept is not None:
        return msgspec.msgpack.decode(kept, type=StencilImage)
    if not or_make:
        return None
    try:
        made = make(profile_name, byte_order)
    except (ImportError, NativeCodeError):
        return None
    cache.write(kind, key, msgspec.msgpack.encode(made))
    return made


def _sources() -> list[Path]:
    here = Path(__file__).parent
    return [*here.glob("*.py"), *(here.parent / f"{name}.py" for name in _FROM_TRANSLATOR)]


def make(profile_name: str, byte_order: str) -> StencilImage:
    """The stencils, newly made. ImportError without LLVM; NativeCodeError if its code has anything
    but holes in it that depends on where it lies."""
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
    generator = CodeGenerator(relocation="static")
    module = generator.parse(PRELUDE + declarations(text, entries_and_exits.VARIABLES) + text)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    builder = llvm.create_pass_builder(generator.machine, options)
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)
    return StencilImage(extract(generator.object(module)), families)
