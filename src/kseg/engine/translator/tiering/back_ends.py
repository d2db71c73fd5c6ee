"""What can make translations on this host: the back ends."""

from typing import TYPE_CHECKING

from kseg.engine.translator.tiering.policy import BackEnds, BaselineCompiler

if TYPE_CHECKING:
    from kseg.engine.translator.compilation.compile_queue import CompileQueue


def standard_back_ends(profile_name: str, byte_order: str, share: float) -> BackEnds:
    """A compiler in a process of its own that gets a `share` of the processor
    time, stencils where the host has them, the cache on disk."""
    from kseg.engine.translator.compilation.account import account_for
    from kseg.engine.translator.compilation.budget import Budget
    from kseg.engine.translator.compilation.store import Store
    from kseg.engine.translator.tiering.recurrence import Recurrence

    def queue() -> "CompileQueue":
        from kseg.engine.translator.compilation.compile_queue import ProcessCompileQueue

        return ProcessCompileQueue()

    def stencils() -> BaselineCompiler | None:
        from kseg.engine.translator.stencils import load
        from kseg.engine.translator.stencils.background import make_in_background

        found = load(profile_name, byte_order, or_make=False)
        if found is None:
            make_in_background(profile_name, byte_order)
        return found

    def recurrence() -> Recurrence:
        return Recurrence(account_for(profile_name, byte_order), share)

    return BackEnds(
        queue, stencils, lambda: Store(profile_name, byte_order), Budget(share), recurrence
    )
