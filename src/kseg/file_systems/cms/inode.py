"""An inode in memory."""

from __future__ import annotations

from dataclasses import dataclass

from .layout import (
    DIRECT_BLOCKS,
    FREE,
)


@dataclass
class Inode:
    """One inode in memory; `number` says where it is stored."""

    number: int
    kind: int = FREE
    size: int = 0
    modified: int = 0
    direct: tuple[int, ...] = (0,) * DIRECT_BLOCKS
    indirect: int = 0
    double_indirect: int = 0
