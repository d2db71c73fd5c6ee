"""In-place rewriting: what has trapped only to move a register of CP0 does not trap again.

KVM on MIPS rewrites `mfc0` and `mtc0` into loads and stores, in the guest's memory. Here nothing
changes but what the engine has decoded of it, so that the guest cannot find out.
"""

from kseg.engine.codegen.builder import FunctionBuilder
from kseg.engine.codegen.structure import Structure
from kseg.engine.interpreter.layout import (
    CODE_PAGE_ORIGINALS,
    ENTRY_OPERATION,
    TRANSLATED,
    Shared,
)
from kseg.monitor.hypervisor.native.scene import WORLD, Scene


def rewrite() -> str:
    """Let the instruction that has just trapped be executed as one that works on the virtual
    processor's CP0, from now on, if there is such a one. The guest's memory stays as it is: only
    what the engine has decoded from it changes."""
    b = FunctionBuilder("rewrite", "void", [WORLD, ("ptr", "shared")], "internal")
    scene, shared = Scene(b), Structure(b, "%shared", Shared)
    code_page = scene.hardware_context.pointer("code_page")
    number = ((scene.virtual["pc"] & 0xFFC) >> 2).i64()
    entry = b.offset(code_page, b.emit(f"shl i64 {number}, 4"))
    operation = b.load("i8", entry, ENTRY_OPERATION)
    begins = b.emit(f"icmp eq i8 {operation}, {TRANSLATED}")
    originals = b.offset(b.offset(code_page, CODE_PAGE_ORIGINALS), number)
    own = b.emit(f"select i1 {begins}, i8 {b.load('i8', originals)}, i8 {operation}")
    table = shared.address("rewritten")
    better = b.load("i8", table, b.emit(f"zext i8 {own} to i64"))
    with b.if_(b.emit(f"icmp ne i8 {better}, 0")):
        with b.if_(begins):
            b.store("i8", better, originals)
        with b.if_(b.emit(f"xor i1 {begins}, true")):
            b.store("i8", better, entry, ENTRY_OPERATION)
            at = b.emit(f"shl i64 {b.emit(f'zext i8 {better} to i64')}, 3")
            b.store("ptr", b.load("ptr", shared.address("handlers"), at), entry)
        scene.guest.add("rewritten", "1")
    b.do("ret void")
    return b.text("noinline")
