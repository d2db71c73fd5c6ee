"""In-place rewriting: what has trapped only to move a register of CP0 does not trap again.

KVM on MIPS rewrites `mfc0` and `mtc0` into loads and stores, in the guest's memory. Here nothing
changes but what the engine has decoded of it, so that the guest cannot find out.

This is typed Python (`kseg.engine.codegen.typed`), as `dispatcher` is.
"""

from kseg.engine.codegen.typed import u8
from kseg.engine.interpreter.layout import TRANSLATED, CodePage, Shared
from kseg.monitor.hypervisor.world import World


def rewrite(world: World, shared: Shared) -> None:
    """Let the instruction that has just trapped be executed as one that works on the virtual
    processor's CP0, from now on, if there is such a one. The guest's memory stays as it is: only
    what the engine has decoded from it changes."""
    if not world.hardware_context.code_page:
        return  # an engine that decodes nothing in advance
    page = CodePage.from_address(world.hardware_context.code_page)
    number = (world.virtual_state.pc & 0xFFC) >> 2
    entry = page.entries[number]
    translated = entry.operation == TRANSLATED
    own: u8 = page.originals[number] if translated else entry.operation
    better = shared.rewritten[own]
    if not better:
        return
    if translated:
        page.originals[number] = better
    else:
        entry.operation = better
        entry.handler = shared.handlers[better]
    world.present.rewritten += 1
