"""From a request to a translation: find the region, emit it, let LLVM make native code of it."""

import time
from typing import TYPE_CHECKING, Any

from kseg.engine.translator.compilation.messages import (
    Answer,
    Head,
    Request,
    Translation,
    sources_of,
)
from kseg.engine.translator.discovery import discover
from kseg.engine.translator.llvm.emitter import emit, head_name
from kseg.platform.code import NativeCodeError

if TYPE_CHECKING:
    from kseg.engine.codegen.llvm import CodeGenerator

REGION_TIER = 2


class Compiler:
    """Makes translations. What it needs of LLVM is made once, since LLVM does not give it back."""

    def __init__(self) -> None:
        self._generator: CodeGenerator | None = None
        self._passes: Any = None
        self._builder: Any = None

    def _prepare(self) -> "CodeGenerator":
        import llvmlite.binding as llvm

        from kseg.engine.codegen.llvm import CodeGenerator

        generator = CodeGenerator(cpu="host")
        self._builder = llvm.create_pass_builder(
            generator.machine, llvm.create_pipeline_tuning_options(speed_level=1)
        )
        self._passes = llvm.create_new_module_pass_manager()
        self._passes.add_sroa_pass()
        self._passes.add_instruction_combine_pass()
        self._passes.add_simplify_cfg_pass()
        self._passes.add_loop_rotate_pass()
        self._passes.add_simplify_cfg_pass()
        return generator

    def answer(self, request: Request) -> Answer:
        """Translate; whatever goes wrong is in the answer."""
        try:
            return Answer(request.number, self.translate(request))
        except (NativeCodeError, RuntimeError, ValueError) as error:
            return Answer(request.number, None, f"{type(error).__name__}: {error}")

    def translate(self, request: Request) -> Translation | None:
        """The translation of the region around the request's seed, or None if there is none."""
        started = time.perf_counter()
        region = discover(request)
        if region is None:
            return None
        if self._generator is None:
            self._generator = self._prepare()
        text = emit(region, request.byte_order == "big")
        module = self._generator.parse(text)
        self._passes.run(module, self._builder)
        blob = self._generator.blob(module)
        return Translation(
            code=blob.code,
            pages_offset=blob.symbols["pages"],
            pages=region.pages,
            heads=[
                Head(pc, blob.symbols[head_name(number)]) for number, pc in enumerate(region.heads)
            ],
            sources=sources_of(request, region.depends_on),
            instructions=len(region.addresses),
            tier=REGION_TIER,
            seconds=time.perf_counter() - started,
        )
