"""The translator's first tier: native code copied together from stencils (copy-and-patch).

A *stencil* is native code for one operation with holes for its operands. Stencils are made from
the declarations by LLVM, once for a profile and byte order, and kept on disk; a translation is a
row of copies with the holes filled in, which takes microseconds per instruction and no compiler.
Guest registers stay in memory, so the code is slower than the compiler's, but it is there at once.
Only for x86-64; other hosts do without. Method: Xu and Kjolstad, "Copy-and-Patch Compilation"
(OOPSLA 2021).

Reading order: `stencil` (what one is), `holes`, `operations` and `entries_and_exits` (the
declarations and what is between instructions, as LLVM IR with holes), `extract` (native code of
it), `image` (kept), `pieces` (an instruction), `assembler`, `blocks` (a region's blocks),
`translate`; `background` (a process that makes the stencils while the machine runs).
"""

from kseg.engine.codegen import targets
from kseg.engine.translator.stencils.translate import Stencils

_found: dict[tuple[str, str], Stencils] = {}
"""By profile and byte order: one for all machines."""


def load(profile_name: str, byte_order: str, *, or_make: bool = True) -> Stencils | None:
    """The stencils of a profile and byte order; None if this host's kind of processor has none, or
    they are not in the cache and `or_make` is false or LLVM cannot make them."""
    if not targets.native().has_stencils:
        return None
    from kseg.engine.translator.stencils import image

    kind = profile_name, byte_order
    if kind not in _found:
        loaded = image.load(profile_name, byte_order, or_make=or_make)
        if loaded is None:  # so far: they may be in the making
            return None
        _found[kind] = Stencils(profile_name, loaded)
    return _found[kind]


__all__ = ["Stencils", "load"]
