"""From a request to a translation, without a compiler: stencils copied and filled in."""

import time

from kseg.engine.interpreter.layout import ENTRY_SIZE
from kseg.engine.translator.compilation.messages import Head, Request, Translation, sources_of
from kseg.engine.translator.discovery import discover
from kseg.engine.translator.region import Region
from kseg.engine.translator.stencils.assembler import Assembler, Label
from kseg.engine.translator.stencils.blocks import BlockWriter, block_label
from kseg.engine.translator.stencils.pieces import NoStencil, Pieces
from kseg.engine.translator.stencils.stencil import StencilImage
from kseg.isa.instruction_set import instruction_set

STENCIL_TIER = 1
_POINTER = 8


class Stencils:
    """Makes translations for a profile."""

    def __init__(self, profile_name: str, image: StencilImage) -> None:
        self._image = image
        self._pieces = Pieces(image, instruction_set(profile_name))

    def translate(self, request: Request) -> Translation | None:
        """The translation of the region around the request's seed, or None if there is none."""
        started = time.perf_counter()
        region = discover(request)
        if region is None:
            return None
        out = Assembler(self._image.stencils)
        try:
            BlockWriter(region, self._pieces, out).write_all()
        except NoStencil:
            return None
        _write_side_exits(out)
        heads = [Head(pc, _write_head(out, region, pc)) for pc in region.heads]
        out.align(_POINTER)
        pages_offset = len(out.code)
        pages = region.pages
        for number in range(len(pages)):
            out.place(("page", number))
            out.code += bytes(_POINTER)
        return Translation(
            code=out.finish(),
            pages_offset=pages_offset,
            pages=pages,
            heads=heads,
            sources=sources_of(request, region.depends_on),
            instructions=len(region.addresses),
            tier=STENCIL_TIER,
            seconds=time.perf_counter() - started,
        )


def _write_head(out: Assembler, region: Region, pc: int) -> int:
    """The entry at a head; returns its offset."""
    offset = len(out.code)
    if pc in region.loops:
        out.put("loop_head", pc=pc)
    else:
        out.put("head", pc=pc, bound=region.bounds[pc])
    out.put("jump", {"taken": block_label(pc)})
    return offset


def _write_side_exits(out: Assembler) -> None:
    """Every side exit that is used, and what they share."""
    while missing := [label for label in out.missing() if label[0] != "page"]:
        for label in missing:
            out.place(label)
            _write_side_exit(out, label)


def _write_side_exit(out: Assembler, label: Label) -> None:
    kind, *which = label
    numbers = [int(number) for number in which]
    if kind == "leave":
        pc, cycles, pending = numbers
        if pending:
            tail = {"taken": ("interpret_loaded",)}
            offset = _entry_offset(pc)
            out.put("leave_loaded", tail, cycles=cycles, offset=offset, register=pending)
        else:
            tail = {"taken": ("interpret",)}
            out.put("leave", tail, cycles=cycles, offset=_entry_offset(pc))
    elif kind == "dispatch":
        out.put("leave", {"taken": ("dispatch_tail",)}, cycles=0, offset=_entry_offset(numbers[0]))
    elif kind == "go":
        out.put("go_to", pc=numbers[0])
    elif kind == "dispatch_tail":
        out.put("dispatch")
    else:
        out.put(str(kind))


def _entry_offset(pc: int) -> int:
    return (pc >> 2 & 1023) * ENTRY_SIZE
