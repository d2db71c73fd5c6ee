"""What a translation covers, as plain data: blocks of instructions, and how control goes on after
each. `discovery` finds them; it may be entered at its *heads*. Nothing here emits code."""

from dataclasses import dataclass, field
from functools import cached_property

from kseg.engine.translator.effects import Effects
from kseg.isa.profile import Profile


@dataclass(frozen=True)
class Step:
    """One instruction of a block."""

    pc: int
    word: int
    effects: Effects


@dataclass
class Block:
    """Instructions that execute one after the other, and how it goes on after them."""

    pc: int
    steps: list[Step] = field(default_factory=list)
    branch: Step | None = None
    """The branch that ends it, which `slot` follows."""
    slot: Step | None = None
    hard: int | None = None
    """The address of an instruction that the interpreter must execute, where one ends it."""
    following: int | None = None
    """Where control goes when it just runs out, or when the branch is not taken."""
    targets: tuple[int, ...] = ()
    """Where the branch may go: its target, or those that were seen."""

    @property
    def successors(self) -> list[int]:
        """Every address in the list of what may come next."""
        rest = [] if self.following is None else [self.following]
        return [*self.targets, *rest]

    @cached_property
    def writes(self) -> frozenset[int]:
        """The registers written, HI and LO included."""
        found: set[int] = set()
        for step in self.all_steps:
            found |= step.effects.writes
        return frozenset(found)

    @property
    def all_steps(self) -> list[Step]:
        """Its instructions, branch and delay slot included."""
        return self.steps + [step for step in (self.branch, self.slot) if step is not None]

    @cached_property
    def cycles(self) -> int:
        """No path through it takes more cycles, stalls included."""
        stalls = sum(step.effects.uses_hi or step.effects.uses_lo for step in self.all_steps)
        return len(self.all_steps) + stalls


@dataclass
class Region:
    """The blocks of a translation, by address, in the order in which they were found."""

    profile: Profile
    blocks: dict[int, Block]
    heads: list[int]
    """Where it may be entered."""
    loops: set[int]
    """Blocks at which the budget is looked at: every cycle of control has one."""
    bounds: dict[int, int]
    """For every head and loop: the most cycles from there to the next look at the budget."""
    looked_at: frozenset[int] = frozenset()
    """Addresses of instructions that it depends on without covering them."""

    @cached_property
    def dirty(self) -> dict[int, frozenset[int]]:
        """For every block, the registers that may have been written when control comes to it."""
        return _dirty(self.blocks)

    @property
    def registers(self) -> list[int]:
        """Every register that it reads or writes, HI and LO included."""
        found: set[int] = set()
        for block in self.blocks.values():
            for step in block.all_steps:
                found |= step.effects.reads | step.effects.writes
        return sorted(found)

    @property
    def pages(self) -> list[int]:
        """The virtual page numbers of its instructions."""
        return sorted({step.pc >> 12 for block in self.blocks.values() for step in block.all_steps})

    @property
    def addresses(self) -> list[int]:
        """The addresses of its instructions."""
        return sorted({step.pc for block in self.blocks.values() for step in block.all_steps})

    @property
    def depends_on(self) -> list[int]:
        """The addresses of all instructions that must stay what they are."""
        return sorted({*self.addresses, *self.looked_at})


def _dirty(blocks: dict[int, Block]) -> dict[int, frozenset[int]]:
    """The registers that may have been written before each block."""
    before: dict[int, frozenset[int]] = dict.fromkeys(blocks, frozenset())
    queue = list(blocks)
    while queue:
        pc = queue.pop()
        after = before[pc] | blocks[pc].writes
        for following in blocks[pc].successors:
            if following in blocks and not after <= before[following]:
                before[following] |= after
                queue.append(following)
    return before
