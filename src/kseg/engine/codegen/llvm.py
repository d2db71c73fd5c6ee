"""LLVM: from the text of a module to machine code for a target."""

from typing import Any

import llvmlite.binding as llvm

from kseg.engine.codegen import targets
from kseg.engine.codegen.builder import HANDLER_CONVENTION
from kseg.engine.codegen.linker import link
from kseg.engine.codegen.native import Blob
from kseg.engine.codegen.targets.target import Target
from kseg.platform import host


class CodeGenerator:
    """Makes code for one target; `machine` is LLVM's object for it."""

    def __init__(
        self,
        target: Target | None = None,
        *,
        cpu: str = "",
        relocation: str = "pic",
    ) -> None:
        """For this kind of host unless a target is named; code for `cpu` "host" may run on this
        very one only. `relocation` is LLVM's relocation model. NativeCodeError if there is no
        native code for this host."""
        self.target = target = target or targets.native()
        if target.name == host.PROCESSOR:
            llvm.initialize_native_target()
            llvm.initialize_native_asmprinter()
        else:  # which takes some milliseconds more
            llvm.initialize_all_targets()
            llvm.initialize_all_asmprinters()
        features = target.features
        if cpu == "host":
            cpu = llvm.get_host_cpu_name()
            features = ",".join(filter(None, (llvm.get_host_cpu_features().flatten(), features)))
        self.machine: Any = llvm.Target.from_triple(target.triple).create_target_machine(
            cpu=cpu, features=features, opt=2, reloc=relocation, codemodel="small"
        )

    def parse(self, text: str) -> Any:
        """A module of LLVM IR."""
        module = llvm.parse_assembly(
            text.replace(HANDLER_CONVENTION, self.target.handler_convention)
        )
        module.triple = self.target.triple
        module.data_layout = str(self.machine.target_data)
        # LLVM ends the process when it stumbles over code that is not well-formed; this raises.
        module.verify()
        return module

    def object(self, module: Any) -> bytes:
        """A module's object file."""
        made: bytes = self.machine.emit_object(module)
        return made

    def blob(self, module: Any) -> Blob:
        """A module's machine code; NativeCodeError if it cannot stand by itself."""
        return link(self.object(module), self.target)


def compile_module(text: str, target: Target | None = None) -> Blob:
    """Compile LLVM IR to machine code, for this kind of host unless a target is named, as well as
    LLVM can; NativeCodeError if it cannot stand by itself. The text may call what the
    target's prelude defines."""
    generator = CodeGenerator(target)
    module = generator.parse(generator.target.prelude + text)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = False
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(generator.machine, options)
    builder.getModulePassManager().run(module, builder)
    return generator.blob(module)
