"""One block of a region after the other, as stencils.

The rules are those of `translator.llvm.block_emitter`; what is simpler here is that registers are
in memory between any two instructions. A block's cycles are taken off the budget at its beginning,
and a side exit gives back what was not executed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from kseg.engine.translator.discovery import LAST_BUT_ONE
from kseg.engine.translator.offsets import register_offset
from kseg.engine.translator.region import Block, Region, Step
from kseg.engine.translator.stencils.assembler import Assembler, Label
from kseg.engine.translator.stencils.pieces import UNCHANGED, Pieces
from kseg.engine.translator.timing import OCCUPIED, occupied_by, stall, used_by


@dataclass
class _BlockState:
    """What holds at a point of a block."""

    ahead: int
    """Cycles taken off the budget for what has not been executed."""
    accumulator: int = 0
    """The register whose value is in the accumulator; 0: none."""
    pending: int = 0
    """The register that a load has yet to arrive in; 0: none."""


def block_label(pc: int) -> Label:
    """Where the block at `pc` begins."""
    return "block", pc


class BlockWriter:
    """Writes the blocks of a region, each once, in an order that saves jumps."""

    def __init__(self, region: Region, pieces: Pieces, assembler: Assembler) -> None:
        self.region, self.pieces, self.out = region, pieces, assembler
        self.profile = region.profile
        self._page_numbers = {page: index for index, page in enumerate(region.pages)}
        self._paths: list[tuple[Label, Callable[[], int | None]]] = []
        """Code to be written when the run of blocks ends, and what follows it."""
        self._path_count = 0

    def write_all(self) -> None:
        """Every block."""
        for pc in self.region.blocks:
            self._write_run(pc)
            while self._paths:
                label, path = self._paths.pop()
                self.out.place(label)
                following = path()
                if following is not None:
                    self._write_run(following, comes_from_before=True)

    def _write_run(self, pc: int, comes_from_before: bool = False) -> None:
        """The block at `pc` and whatever just follows."""
        following: int | None = pc
        while following is not None:
            label = block_label(following)
            if self.out.is_placed(label):
                if comes_from_before:
                    self.out.put("jump", {"taken": label})
                return
            self.out.place(label)
            block = self.region.blocks[following]
            self.block, self.page = block, block.pc >> 12
            following = self._block()
            comes_from_before = True

    # Blocks. What writes the end of one returns the address of the block that follows, if any.

    def _block(self) -> int | None:
        block = self.block
        plan = self._plan(block)
        state = _BlockState(sum(1 + wait for _, wait in plan))
        state.ahead += 2 if block.branch is not None else 0
        if block.pc in self.region.loops:
            leave = self._leave(block.pc, _BlockState(0))
            bound = self.region.bounds[block.pc]
            self.out.put("loop", {"leave": leave}, bound=bound, cycles=-state.ahead)
        else:
            self._count(-state.ahead)
        for number, (step, wait) in enumerate(plan):
            self._step(step, wait, state, is_first=number == 0)
        if block.branch is not None and block.slot is not None:
            return self._branch(block.branch, block.slot, state)
        if block.hard is not None:
            self.out.put("jump", {"taken": self._leave(block.hard, state)})
        elif block.following is not None:
            return self._edge(block.following, state)
        return None

    def _plan(self, block: Block) -> list[tuple[Step, int]]:
        """The instructions before the branch, and how long each waits for HI or LO."""
        if not self.profile.hi_lo_interlock:
            return [(step, 0) for step in block.steps]
        plan: list[tuple[Step, int]] = []
        occupied: dict[str, int] = {}
        cycle = 0
        for step in block.steps:
            used, wait = used_by(step.effects), 0
            if used and cycle:
                wait = stall(used, occupied, cycle)
                cycle += wait
            for name in occupied_by(step.effects):
                occupied[name] = cycle
            cycle += 1
            plan.append((step, wait))
        return plan

    def _count(self, cycles: int) -> None:
        if cycles:
            self.out.put("count", cycles=cycles)

    def _leave(self, pc: int, state: _BlockState) -> Label:
        """The side exit before the instruction at `pc`."""
        return "leave", pc, state.ahead, state.pending

    # Instructions.

    def _step(self, step: Step, wait: int, state: _BlockState, is_first: bool) -> None:
        leave = self._leave(step.pc, state)
        self._look_ahead(step, leave)
        if self.profile.hi_lo_interlock and is_first:
            for name in used_by(step.effects):
                self.out.put(f"wait_{name}", cycles=state.ahead)
        if wait:
            self.out.put("stall", cycles=wait)
            state.ahead -= wait
        self._execute(step, state, leave)

    def _look_ahead(self, step: Step, leave: Label) -> None:
        """Early fetch faults: the last instruction but one looks at the next page."""
        if self.profile.early_fetch_faults and step.pc & 0xFFF == LAST_BUT_ONE:
            following = (step.pc >> 12) + 1 & 0xFFFFF
            self.out.put("unknown", {"leave": leave}, slot=8 * following)

    def _execute(self, step: Step, state: _BlockState, leave: Label) -> None:
        """An instruction that is no branch; where it cannot complete, to `leave`."""
        does = step.effects
        piece = self.pieces.piece(step.word, does, state.accumulator, state.pending)
        self.out.add(piece, {"leave": leave})
        if self.profile.hi_lo_interlock:
            for name in occupied_by(does):
                self.out.put(f"occupy_{name}", cycles=state.ahead - OCCUPIED)
        if piece.accumulator != UNCHANGED:
            state.accumulator = piece.accumulator
        if piece.loads:
            if state.pending == state.accumulator:
                state.accumulator = 0
            state.pending = next(iter(does.loads), 0)
        elif state.pending in does.writes:
            state.pending = 0
        else:
            self._arrive(state)
        state.ahead -= 1

    def _arrive(self, state: _BlockState) -> None:
        """Let the load that is pending arrive."""
        if state.pending:
            self.out.put("arrive", p=register_offset(state.pending))
            if state.pending == state.accumulator:
                state.accumulator = 0
            state.pending = 0

    # Branches.

    def _branch(self, branch: Step, slot: Step, state: _BlockState) -> int | None:
        does, target = branch.effects, branch.effects.target
        before = self._leave(branch.pc, state)
        if does.reads & (does.writes | {state.pending}) and _may_leave(slot):
            # Where the slot cannot complete, the branch is executed once more, and must find
            # what it reads as it was.
            self.out.put("jump", {"taken": before})
            return None
        self._look_ahead(branch, before)
        if target is None:
            self._decide(branch, state, {"leave": before})
            return self._jump(branch, slot, state, before)
        if not does.is_conditional:
            if does.may_trap:
                self._decide(branch, state, {"leave": before})
            return self._through(target, slot, state, before)
        taken = self._later(target, slot, state, before)
        self._decide(branch, state, {"leave": before, "taken": taken})
        following = self.block.following
        assert following is not None
        if self.profile.untaken_branch_has_slot:
            return self._through(following, slot, state, before)
        self._complete(branch, state)
        return self._edge(following, state)

    def _decide(self, branch: Step, state: _BlockState, to: dict[str, Label]) -> None:
        piece = self.pieces.piece(branch.word, branch.effects, state.accumulator, 0)
        self.out.add(piece, to)

    def _later(self, target: int, slot: Step, state: _BlockState, before: Label) -> Label:
        """Where `_through` will be written, which begins in the same place."""
        label: Label = ("path", self._path_count)
        self._path_count += 1
        block, copy = self.block, replace(state)

        def write() -> int | None:
            self.block, self.page = block, block.pc >> 12
            return self._through(target, slot, copy, before)

        self._paths.append((label, write))
        return label

    def _complete(self, branch: Step, state: _BlockState) -> None:
        """Make the writes of a branch."""
        for register, value in branch.effects.constants.items():
            self.out.put("constant", p=register_offset(register), value=value)
            state.accumulator = register
            if register == state.pending:
                state.pending = 0
        self._arrive(state)
        state.ahead -= 1

    def _through(self, target: int, slot: Step, state: _BlockState, before: Label) -> int | None:
        """Complete the branch, execute the delay slot, then go to `target`."""
        branch = self.block.branch
        assert branch is not None
        checked = self.profile.early_fetch_faults and target >> 12 != self.page
        if checked:
            # The target is translated at the jump, before its delay slot.
            self._check(target, before)
        self._complete(branch, state)
        self._execute(slot, state, before)
        return self._edge(target, state, checked=checked)

    def _check(self, target: int, before: Label) -> None:
        """Leave a jump to another page to the interpreter if that page is not as it was."""
        page = target >> 12
        if target not in self.region.blocks:
            self.out.put("unknown", {"leave": before}, slot=8 * page)
        else:
            self._unless_elsewhere(page, before)

    def _jump(self, branch: Step, slot: Step, state: _BlockState, before: Label) -> int | None:
        """To the address in a register: one of those that are known, or any other."""
        for pc in self.block.targets:
            if pc in self.region.blocks:
                path = self._later(pc, slot, state, before)
                self.out.put("known", {"taken": path}, pc=pc)
        if self.profile.early_fetch_faults:
            self.out.put("check_jump", {"leave": before})
        self._complete(branch, state)
        self._execute(slot, state, before)
        self._settle(state)
        self.out.put("go_jump", pc=branch.pc)
        return None

    # Going on.

    def _settle(self, state: _BlockState) -> None:
        """The block is complete."""
        self._arrive(state)
        self._count(state.ahead)

    def _edge(self, target: int, state: _BlockState, checked: bool = False) -> int | None:
        """Go on at `target`, in the region or outside."""
        self._settle(state)
        page = target >> 12
        if target not in self.region.blocks:
            way = "dispatch" if page == self.page else "go"
            self.out.put("jump", {"taken": (way, target)})
            return None
        if page != self.page:
            if not checked:
                self._unless_elsewhere(page, ("go", target))
            at = self._variable(page)
            self.out.put("present", {"page": at}, pc=page << 12)
        return target

    def _unless_elsewhere(self, page: int, leave: Label) -> None:
        where = {"leave": leave, "page": self._variable(page)}
        self.out.put("elsewhere", where, slot=8 * page)

    def _variable(self, page: int) -> Label:
        """Where the address of a page's code page is."""
        return "page", self._page_numbers[page]


def _may_leave(step: Step) -> bool:
    return step.effects.accesses_memory or step.effects.may_trap
