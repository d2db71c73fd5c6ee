"""Which instructions a translation covers: loops and the calls that they make, from what runs.

A region is found by following control from a seed through the instructions that have been executed
so far: branches, direct calls, and the targets that jumps to registers were seen to have.
"""

from collections.abc import Mapping
from itertools import compress

from kseg.engine.translator.compilation.messages import Page, Request
from kseg.engine.translator.control_flow import longest_paths, loop_heads, reachable, returning_from
from kseg.engine.translator.effects import effects
from kseg.engine.translator.region import Block, Region, Step
from kseg.isa.instruction_set import instruction_set
from kseg.isa.profile import profile_named
from kseg.isa.registers import RETURN_ADDRESS

PAGE = 4096
LAST, LAST_BUT_ONE = 0xFFC, 0xFF8
"""Offsets of the last instructions of a page."""

MOST_HEADS = 24
MOST_TARGETS = 24
"""Targets of one jump to a register that are looked for in the region."""


def discover(request: Request) -> Region | None:
    """The region around the request's seed; None if there is nothing worth translating."""
    explorer = _Explorer(request)
    blocks = explorer.explore()
    if not blocks:
        return None
    profile = profile_named(request.profile)
    loops, order = loop_heads(blocks, explorer.roots(blocks))
    heads = explorer.heads(blocks, loops)
    if not heads:
        return None
    blocks = reachable(blocks, heads)
    loops &= blocks.keys()
    slack = 1 if profile.load_delay else 0
    longest = longest_paths(blocks, loops, order)
    bounds = {pc: longest[pc] + slack for pc in {*heads, *loops}}
    region = Region(profile, blocks, heads, loops, bounds)
    pages = set(region.pages)
    region.looked_at = frozenset(pc for pc in explorer.looked_at if pc >> 12 in pages)
    return region


class _Explorer:
    """Follows control through executed instructions, nearest first."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._profile = profile_named(request.profile)
        self._pages: Mapping[int, Page] = {page.number: page for page in request.pages}
        self._steps: dict[int, Step | None] = {}
        self._used: set[int] = set()
        self._found: dict[int, Step] = {}
        self._leaders: dict[int, None] = {}
        self.looked_at: set[int] = set()
        """Addresses of instructions that need not be covered, but must be what they are."""

    def step(self, pc: int) -> Step | None:
        """The instruction at `pc`, if it has been executed and its page can be covered."""
        if pc not in self._steps:
            self._steps[pc] = self._decoded(pc)
        return self._steps[pc]

    def _decoded(self, pc: int) -> Step | None:
        page = self._pages.get(pc >> 12)
        if page is None or pc & 3 or not page.was_executed(pc >> 2 & 1023):
            return None
        word = page.word(pc >> 2 & 1023, self._request.byte_order)
        return Step(pc, word, effects(self._request.profile, pc, word))

    def explore(self) -> dict[int, Block]:
        """All blocks, from the leader at or before the seed on."""
        queue = [self._leader_before(self._request.seed)]
        self._leaders = dict.fromkeys(queue)
        seen: set[int] = set()
        while queue:
            pc = queue.pop(0)
            if pc in seen or len(self._found) >= self._request.most_instructions:
                continue
            seen.add(pc)
            for following in self._walk(pc):
                if following not in self._leaders:
                    self._leaders[following] = None
                queue.append(following)
        blocks: dict[int, Block] = {}
        for pc in self._leaders:
            if pc in self._found:
                block = self._block(pc)
                if block.steps or block.branch:
                    blocks[pc] = block
        self._add_returns(blocks)
        return blocks

    def _add_returns(self, blocks: dict[int, Block]) -> None:
        """Let jumps to ra know where the calls made within the region return to."""
        for block in blocks.values():
            call = block.branch
            if call is None or RETURN_ADDRESS not in call.effects.writes:
                continue
            back = call.pc + 8
            if back not in blocks:
                continue
            for target in block.targets:
                for leaving in returning_from(target, blocks):
                    if back not in leaving.targets and self._is_fit(back):
                        leaving.targets = (*leaving.targets, back)

    def _leader_before(self, seed: int) -> int:
        """The first instruction of the straight run that leads to the seed: after the delay slot
        of a jump, an instruction never executed, or a target of a branch nearby."""
        targets = self._targets_near(seed)
        pc = seed
        while pc not in targets and (pc - 4) >> 12 == pc >> 12:
            before = self.step(pc - 4)
            if before is None or before.effects.is_hard:
                break
            earlier = self.step(pc - 8)
            if earlier is not None and earlier.effects.is_branch:
                if not earlier.effects.is_conditional:
                    break
                if self._profile.untaken_branch_has_slot:
                    break  # the run begins behind the delay slot
            pc -= 4
        return pc

    def _targets_near(self, seed: int) -> set[int]:
        """The targets of all executed branches in the seed's page."""
        found: set[int] = set()
        page = self._pages.get(seed >> 12)
        if page is None:
            return found
        decode = instruction_set(self._request.profile).decode
        words = page.words(self._request.byte_order)
        for index in compress(range(len(words)), page.executed):
            encoding = decode(words[index])
            if encoding is not None and encoding.instruction.is_branch:
                step = self.step((seed & -PAGE) + 4 * index)
                if step is not None and step.effects.target is not None:
                    found.add(step.effects.target)
        return found

    def _walk(self, pc: int) -> list[int]:
        """Note the instructions from `pc` on to the next branch; returns where that leads."""
        while pc not in self._found:
            step = self.step(pc)
            if step is None or not self._may_use(pc >> 12):
                return []
            if step.effects.is_hard:
                return [pc + 4]
            if step.effects.is_branch:
                slot = self._slot(step)
                if slot is None:
                    return [pc + 8]
                self._found[pc] = step
                return self._successors(step)
            self._found[pc] = step
            pc = pc + 4 & 0xFFFFFFFF
            if pc in self._leaders:
                return []
            if pc % PAGE == 0:
                return [pc]
        return []

    def _may_use(self, page: int) -> bool:
        if page not in self._used:
            if len(self._used) >= self._request.most_pages:
                return False
            self._used.add(page)
        return True

    def _successors(self, branch: Step) -> list[int]:
        untaken = branch.pc + (8 if self._profile.untaken_branch_has_slot else 4)
        found = list(self._targets(branch))
        if branch.effects.is_conditional:
            found.append(untaken)
        elif RETURN_ADDRESS in branch.effects.writes:
            found.append(branch.pc + 8)  # where the call returns to
        return found

    def _targets(self, branch: Step) -> tuple[int, ...]:
        if branch.effects.target is not None:
            return (branch.effects.target,)
        seen = self._request.jumps.get(branch.pc, ())
        return tuple(target for target in seen[:MOST_TARGETS] if self._is_fit(target))

    def _is_fit(self, target: int) -> bool:
        """Can a jump there be translated?"""
        return not target & 3 and not (self._profile.early_fetch_faults and target & LAST == LAST)

    def _slot(self, branch: Step) -> Step | None:
        """The delay slot of a branch that can be translated, else None."""
        slot = self.step(branch.pc + 4)
        if slot is None or branch.pc & LAST == LAST:
            return None
        if slot.effects.is_hard or slot.effects.is_branch:
            return None
        target = branch.effects.target
        if target is not None and not self._is_fit(target):
            return None
        if self._profile.load_delay and self._carries_load(branch, slot):
            return None
        # HI and LO are never waited for in a delay slot: the branch has given them their cycle.
        return slot

    def _carries_load(self, branch: Step, slot: Step) -> bool:
        """May what the delay slot loads arrive too late, or too early, for the next one?"""
        if not slot.effects.loads:
            return False
        if branch.effects.target is None:
            return True
        following = [branch.effects.target]
        if branch.effects.is_conditional:
            following.append(branch.pc + 8)
        return any(self._notices(slot.pc, pc, slot.effects.loads) for pc in following)

    def _notices(self, after: int, pc: int, loaded: set[int]) -> bool:
        """Does the instruction at `pc`, which comes after the one at `after`, touch these
        registers, or may it leave the translation?"""
        step = self.step(pc)
        if step is None or pc >> 12 != after >> 12:
            return True  # which instruction another page has there, only the jump will tell
        does = step.effects
        if does.is_hard or does.is_branch or does.accesses_memory or does.uses_hi or does.uses_lo:
            return True
        if loaded & (does.reads | does.writes) or does.may_trap:
            return True
        self.looked_at.add(pc)
        return False

    def _block(self, pc: int) -> Block:
        """The block that begins at `pc`."""
        block = Block(pc)
        while True:
            step = self._found.get(pc)
            if step is None or (block.steps and (pc in self._leaders or pc % PAGE == 0)):
                block.following = pc
                # The beginning of the next page is gone to, wherever that page is by then.
                unknown = self.step(pc) if pc % PAGE else None
                if step is None and unknown is not None and self._must_interpret(unknown):
                    block.following, block.hard = None, pc
                break
            if step.effects.is_branch:
                block.branch, block.slot = step, self._slot(step)
                block.targets = self._targets(step)
                if step.effects.is_conditional:
                    has_slot = self._profile.untaken_branch_has_slot
                    block.following = pc + (8 if has_slot else 4)
                break
            block.steps.append(step)
            pc = pc + 4 & 0xFFFFFFFF
        self._keep_loads_inside(block)
        return block

    def _must_interpret(self, step: Step) -> bool:
        if step.effects.is_hard:
            return True
        return step.effects.is_branch and self._slot(step) is None

    def _keep_loads_inside(self, block: Block) -> None:
        """Where a load is visible late, the last instruction must not be one that the next block
        or the interpreter notices."""
        if not self._profile.load_delay or block.branch is not None or not block.steps:
            return
        last = block.steps[-1]
        if not last.effects.loads:
            return
        if block.hard is not None or self._notices(last.pc, last.pc + 4, last.effects.loads):
            block.steps.pop()
            block.hard, block.following = last.pc, None

    # Heads.

    def roots(self, blocks: dict[int, Block]) -> list[int]:
        """Where a search through all blocks may begin."""
        return list(blocks)

    def heads(self, blocks: dict[int, Block], loops: set[int]) -> list[int]:
        """Where control may come in: loops, the beginning, whatever follows what the interpreter
        executes, and whatever only a jump that is not followed leads to."""
        reached = {pc for block in blocks.values() for pc in block.successors}
        wanted = [*sorted(loops), next(iter(blocks))]
        wanted += [pc for pc in blocks if pc not in reached]
        for block in blocks.values():
            branch = block.branch
            outside = not block.targets or any(pc not in blocks for pc in block.targets)
            if branch is not None and outside and RETURN_ADDRESS in branch.effects.writes:
                wanted.append(branch.pc + 8)
            if block.hard is not None:
                wanted += [block.hard + 4, block.hard + 8]
        wanted = [pc for pc in wanted if pc in blocks]
        # Where a loop cannot be entered at its beginning, then right behind that.
        for pc in [pc for pc in wanted if not self._can_begin(pc)]:
            wanted += [following for following in blocks[pc].successors if following in blocks]
        possible = [pc for pc in dict.fromkeys(wanted) if self._can_begin(pc)]
        return possible[:MOST_HEADS]

    def _can_begin(self, pc: int) -> bool:
        return not (self._profile.early_fetch_faults and pc & LAST == LAST_BUT_ONE)
