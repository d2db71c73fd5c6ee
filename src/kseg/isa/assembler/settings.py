"""What ``.set`` switches: reordering, the use of register at, what the processor waits for."""

import re
from dataclasses import dataclass, replace

from kseg.isa.assembler.problem import SourceError

_WITHOUT_EFFECT = frozenset(
    "macro nomacro bopt nobopt nomips16 nomicromips softfloat hardfloat singlefloat doublefloat"
    " oddspreg nooddspreg nodsp nodspr2 nomips3d nomdmx nosmartmips nomt novirt nomsa noeva nocrc"
    " sym32 nosym32 fp=32 fp=xx fp=default".split()
)
_DEEPEST = 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for a statement."""

    reorder: bool = False
    at: bool = True
    """May macros use register at?"""
    move: bool = True
    """May an instruction be moved into a delay slot?"""
    level: int = 1
    """Of the instruction set that hazards are judged by: mips1 needs nops where others wait."""


@dataclass
class SettingStack:
    """The settings now, and those that ``.set push`` kept."""

    now: Settings
    kept: list[Settings]

    def set(self, option: str) -> None:
        """Do what ``.set OPTION`` says; SourceError for what is not known."""
        if option == "push":
            if len(self.kept) >= _DEEPEST:
                raise SourceError(f".set push more than {_DEEPEST} times")
            self.kept.append(self.now)
        elif option == "pop":
            if not self.kept:
                raise SourceError(".set pop without .set push")
            self.now = self.kept.pop()
        elif option in ("reorder", "noreorder"):
            self.now = replace(self.now, reorder=option == "reorder")
        elif option in ("at", "noat"):
            self.now = replace(self.now, at=option == "at")
        elif option in ("move", "novolatile", "nomove", "volatile"):
            self.now = replace(self.now, move=option in ("move", "novolatile"))
        elif match := re.fullmatch(r"(?:arch=)?(?:mips([0-5]|32|64)(?:r\d)?|r[23]000)", option):
            self.now = replace(self.now, level=max(1, int(match[1] or 1)))
        elif option not in _WITHOUT_EFFECT:
            raise SourceError(f".set does not know {option!r}")
