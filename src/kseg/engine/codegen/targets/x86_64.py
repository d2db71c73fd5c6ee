"""x86-64: the System V ABI's relocations. Instruction fetches see what was written."""

from kseg.engine.codegen.targets.target import Target
from kseg.platform.code import NativeCodeError

PC32, PLT32 = 2, 4
"""R_X86_64_PC32, R_X86_64_PLT32: a distance of 32 bits."""


def relocate(image: bytearray, kind: int, place: int, to: int) -> None:
    """See `target.Relocate`. Source: System V ABI, AMD64 supplement, 4.4."""
    if kind not in (PC32, PLT32):
        raise NativeCodeError(f"the code has a relocation that kseg does not know ({kind})")
    image[place : place + 4] = (to - place).to_bytes(4, "little", signed=True)


TARGET = Target(
    "x86_64",
    "x86_64-unknown-linux-gnu",
    "EM_X86_64",
    relocate,
    handler_convention="preserve_nonecc",
    prelude="define internal void @enter_code() alwaysinline { ret void }\n"
    "declare i64 @llvm.readcyclecounter()\n"
    "define internal i64 @host_ticks() alwaysinline {\n"
    "  %now = call i64 @llvm.readcyclecounter()\n  ret i64 %now\n}\n",
    has_stencils=True,
)
