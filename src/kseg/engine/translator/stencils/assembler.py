"""Puts stencils one behind the other, and fills in where control goes."""

import struct
from collections.abc import Mapping

from kseg.engine.translator.stencils.pieces import Piece
from kseg.engine.translator.stencils.stencil import Stencil
from kseg.isa.values import WORD

Label = tuple[str | int, ...]
"""A place in the code: what it is, and which."""

_NUMBER = struct.Struct("<I")
_NOWHERE: Mapping[str, Label] = {}


class Assembler:
    """Native code in the making."""

    def __init__(self, stencils: Mapping[str, Stencil]) -> None:
        self.code = bytearray()
        self._stencils = stencils
        self._labels: dict[Label, int] = {}
        self._wanted: dict[Label, None] = {}
        self._distances: list[tuple[int, Label, int]] = []

    def place(self, label: Label) -> None:
        """What `label` stands for is here."""
        self._labels[label] = len(self.code)

    def is_placed(self, label: Label) -> bool:
        """Is it known where that is?"""
        return label in self._labels

    def missing(self) -> list[Label]:
        """Labels that are referred to, but not placed."""
        return [label for label in self._wanted if label not in self._labels]

    def put(self, name: str, to: Mapping[str, Label] = _NOWHERE, **values: int) -> None:
        """Add the stencil `name` with these numbers and places."""
        stencil = self._stencils[name]
        start = len(self.code)
        self.code += stencil.code
        for offset, hole, addend in stencil.holes:
            _NUMBER.pack_into(self.code, start + offset, values[hole] + addend & WORD)
        for offset, hole, addend in stencil.distances:
            self._refer(start + offset, to[hole], addend)

    def add(self, piece: Piece, to: Mapping[str, Label]) -> None:
        """Add a piece with these places."""
        start = len(self.code)
        self.code += piece.code
        for offset, hole, addend in piece.distances:
            self._refer(start + offset, to[hole], addend)

    def _refer(self, at: int, label: Label, addend: int) -> None:
        self._wanted[label] = None
        self._distances.append((at, label, addend))

    def align(self, size: int) -> None:
        """Go on at a multiple of `size`; what is skipped is not executed."""
        self.code += bytes(-len(self.code) % size)

    def finish(self) -> bytes:
        """The code; every label that was referred to must have been placed."""
        for at, label, addend in self._distances:
            distance = self._labels[label] - at + addend
            _NUMBER.pack_into(self.code, at, distance & WORD)
        return bytes(self.code)
