"""Who makes translations on this host."""

from kseg.engine.translator.director import Means, Quick


def standard_means(profile_name: str, byte_order: str) -> Means:
    """A compiler in a process of its own, stencils where the host has them, the cache on disk."""
    from kseg.engine.translator.store import Store
    from kseg.engine.translator.workshop import ProcessWorkshop

    def stencils() -> Quick | None:
        from kseg.engine.translator.stencils import load
        from kseg.engine.translator.stencils.maker import make_beside

        found = load(profile_name, byte_order, or_make=False)
        if found is None:
            make_beside(profile_name, byte_order)
        return found

    return Means(ProcessWorkshop, stencils, lambda: Store(profile_name, byte_order))
