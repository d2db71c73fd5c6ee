"""What can make translations on this host: the back ends."""

from kseg.engine.translator.tiering.policy import BackEnds, BaselineCompiler


def standard_back_ends(profile_name: str, byte_order: str) -> BackEnds:
    """A compiler in a process of its own, stencils where the host has them, the cache on disk."""
    from kseg.engine.translator.compilation.compile_queue import ProcessCompileQueue
    from kseg.engine.translator.compilation.store import Store

    def stencils() -> BaselineCompiler | None:
        from kseg.engine.translator.stencils import load
        from kseg.engine.translator.stencils.background import make_in_background

        found = load(profile_name, byte_order, or_make=False)
        if found is None:
            make_in_background(profile_name, byte_order)
        return found

    return BackEnds(ProcessCompileQueue, stencils, lambda: Store(profile_name, byte_order))
