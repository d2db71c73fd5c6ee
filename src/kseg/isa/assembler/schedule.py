"""Instructions at their addresses, in the order that GNU as gives them.

Where ``.set reorder`` holds, an instruction may move into the delay slot of the branch behind it,
a nop goes there otherwise, and nops keep hazards apart. Where it does not hold, instructions stay
as they are written; between the two, nops are put down for the worst case and taken back as the
instructions that follow show that they are not needed.

The rules are those of gas (tc-mips.c: append_insn, can_swap_branch_p, nops_for_insn).
"""

from collections import deque
from dataclasses import dataclass, field

from kseg.isa.assembler.expansion import Operation
from kseg.isa.assembler.hazards import ANYTHING, NOTHING, Use, nops_between, use_of
from kseg.isa.assembler.problem import SourceLocation
from kseg.isa.assembler.section import Piece
from kseg.isa.assembler.settings import Settings

NOP_BYTES = bytes(4)
_REMEMBERED = 4
_REACH = 2
"""How many instructions a hazard can span."""


@dataclass(slots=True)
class Placed:
    """One instruction in a section. Operation None is a nop of the assembler's own."""

    operation: Operation | None
    piece: Piece
    offset: int
    place: SourceLocation
    name: str = "nop"
    """The mnemonic that was written."""

    @property
    def address(self) -> int:
        return self.piece.base + self.offset

    @property
    def is_branch(self) -> bool:
        """Has it a delay slot?"""
        return self.operation is not None and self.operation.instruction.is_branch

    @property
    def is_nop(self) -> bool:
        return self.operation is None or self.operation.word(self.address) == 0


@dataclass(slots=True)
class _Past:
    """An instruction that came before."""

    use: Use
    placed: Placed | None = None
    fixed: bool = True
    """It cannot move."""
    literal: bool = False
    """It was written where instructions are left alone."""


@dataclass(slots=True)
class _Doubtful:
    """Nops that may be taken back."""

    piece: Piece
    end: int
    """The offset behind them."""
    held: int
    needed: int = 0
    since: int = 0
    """Instructions since."""
    first: int = 0
    """How many instructions had been placed before."""


@dataclass(slots=True)
class Label:
    """A name's place in a section."""

    piece: Piece
    offset: int

    @property
    def address(self) -> int:
        return self.piece.base + self.offset


@dataclass
class Schedule:
    """Places instructions; `fresh` are labels that stand directly before the next one."""

    profile: str
    placed: list[Placed] = field(default_factory=list)
    fresh: list[Label] = field(default_factory=list)
    moving: list[Label] = field(default_factory=list)
    """Labels that move when nops are taken back."""
    _past: deque[_Past] = field(default_factory=deque)
    _doubtful: _Doubtful | None = None

    def __post_init__(self) -> None:
        self._forget()

    def add_label(self, label: Label) -> None:
        """A label before whatever comes next."""
        self.fresh.append(label)
        if self._doubtful:
            self.moving.append(label)

    def flush(self, piece: Piece, settings: Settings, place: SourceLocation) -> None:
        """Something that is no instruction follows: whatever was loaded must be there."""
        if settings.reorder:
            self._nops(self._needed(0, ANYTHING, settings), piece, place)
        self._forget()

    def begin_literal(self, piece: Piece, settings: Settings, place: SourceLocation) -> None:
        """From here on instructions are left alone."""
        for past in self._past:
            past.fixed = True
        count = self._needed(0, ANYTHING, settings)
        if count:
            self._nops(count, piece, place)
            self._doubtful = _Doubtful(piece, len(piece.data), count, first=len(self.placed))
            self.moving = list(self.fresh)
        self.fresh.clear()

    def end_literal(self) -> None:
        """Instructions may be moved again."""
        doubtful = self._doubtful
        if doubtful:
            for _ in range(doubtful.held - doubtful.needed):
                self._take_back(doubtful)
            self._insert(doubtful.since, doubtful.needed)
            self._doubtful = None

    def add(
        self,
        operation: Operation,
        piece: Piece,
        settings: Settings,
        place: SourceLocation,
        name: str,
    ) -> None:
        """The next instruction; `settings.reorder` says whether it is left alone."""
        use = use_of(operation, self.profile)
        if settings.reorder:
            self._nops(self._needed_before(0, use, settings), piece, place, remember=True)
        elif self._doubtful:
            self._settle(self._doubtful, use, settings)
        now = Placed(operation, piece, len(piece.data), place, name)
        piece.data += NOP_BYTES
        past = _Past(use, now, fixed=not settings.reorder, literal=not settings.reorder)
        if "branch" in use.traits and settings.reorder:
            if self._can_swap(use, piece, settings):
                self._swap(past)
            else:
                self.placed.append(now)
                self._remember(past)
                self._remember(self._nop(piece, place))
        else:
            self.placed.append(now)
            self._remember(past)
        if self._past[1].use.traits >= {"branch", "always"}:
            self._forget()
        self.fresh.clear()

    # Nops.

    def _nop(self, piece: Piece, place: SourceLocation) -> _Past:
        self.placed.append(Placed(None, piece, len(piece.data), place))
        piece.data += NOP_BYTES
        return _Past(NOTHING)

    def _nops(
        self, count: int, piece: Piece, place: SourceLocation, remember: bool = False
    ) -> None:
        """Nops before what comes next, with which the labels before it move."""
        for _ in range(count):
            nop = self._nop(piece, place)
            if remember:
                self._remember(nop)
        if count:
            for label in self.fresh:
                label.offset = len(piece.data)

    def _needed(self, ignored: int, use: Use, settings: Settings, before: int = 0) -> int:
        """Nops that must come before `use`, which follows `_past[before:]`."""
        past = list(self._past)[before:]
        return _needed([each.use for each in past], ignored, use, settings)

    def _needed_before(self, ignored: int, use: Use, settings: Settings) -> int:
        count = self._needed(ignored, use, settings)
        if "branch" in use.traits:
            # Whatever is at its target follows a nop in the slot.
            behind = [NOTHING, use, *(each.use for each in self._past)]
            count = max(count, _needed(behind, ignored + 2 if ignored else 0, ANYTHING, settings))
        return count

    def _settle(self, doubtful: _Doubtful, use: Use, settings: Settings) -> None:
        count = self._needed_before(doubtful.since, use, settings)
        doubtful.needed = max(doubtful.needed, count)
        if doubtful.held == doubtful.needed:
            self._insert(doubtful.since, doubtful.held)
            self._doubtful = None
            return
        self._take_back(doubtful)
        doubtful.since += 1

    def _take_back(self, doubtful: _Doubtful) -> None:
        piece, end = doubtful.piece, doubtful.end
        del piece.data[end - 4 : end]
        del self.placed[doubtful.first - 1]
        doubtful.first -= 1
        for placed in self.placed[doubtful.first :]:
            placed.offset -= 4
        for label in self.moving:
            label.offset -= 4
        doubtful.end -= 4
        doubtful.held -= 1

    # What came before.

    def _remember(self, past: _Past) -> None:
        self._insert(0, 1, past)

    def _insert(self, index: int, count: int, past: _Past | None = None) -> None:
        for _ in range(count):
            self._past.insert(index, past or _Past(NOTHING))
        while len(self._past) > _REMEMBERED:
            self._past.pop()

    def _forget(self) -> None:
        self._past = deque(_Past(NOTHING) for _ in range(_REMEMBERED))
        self._doubtful = None
        self.fresh.clear()

    # Delay slots.

    def _can_swap(self, branch: Use, piece: Piece, settings: Settings) -> bool:
        """May the instruction before a branch go into its delay slot?"""
        last = self._past[0]
        if (
            not settings.move
            or self.fresh
            or last.fixed
            or last.placed is None
            or last.placed.piece is not piece
            or self._past[1].literal
            or "stays" in last.use.traits
        ):
            return False
        if self._needed(0, branch, settings, before=1) > 0:
            return False
        behind = [last.use, branch, *(each.use for each in list(self._past)[1:])]
        if _needed(behind, 0, ANYTHING, settings) > 0:
            return False
        return not (
            branch.reads & last.use.writes
            or branch.writes & last.use.writes
            or branch.writes & last.use.reads
        )

    def _swap(self, branch: _Past) -> None:
        last = self._past[0]
        assert last.placed is not None
        assert branch.placed is not None
        branch.placed.offset -= 4
        last.placed.offset += 4
        self.placed.insert(len(self.placed) - 1, branch.placed)
        last.fixed = True
        self._past[0] = branch
        self._remember(last)


def _needed(past: list[Use], ignored: int, use: Use, settings: Settings) -> int:
    count = 0
    for distance in range(ignored, min(_REACH, len(past))):
        count = max(count, nops_between(past[distance], use, settings.level) - distance)
    return count
