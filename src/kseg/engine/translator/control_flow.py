"""Where control goes in a region: returns, loops, and how long it takes."""

from kseg.engine.translator.region import Block
from kseg.isa.registers import RETURN_ADDRESS


def returning_from(target: int, blocks: dict[int, Block]) -> list[Block]:
    """The blocks that end in a jump to ra, in the function that begins at `target`."""
    found: list[Block] = []
    seen: set[int] = set()
    pending = [target]
    while pending:
        pc = pending.pop()
        if pc in seen or pc not in blocks:
            continue
        seen.add(pc)
        block = blocks[pc]
        branch = block.branch
        if branch is not None and RETURN_ADDRESS in branch.effects.writes:
            pending.append(branch.pc + 8)
        elif branch is not None and branch.effects.target is None:
            if RETURN_ADDRESS in branch.effects.reads:
                found.append(block)
            else:
                pending += block.targets
        else:
            pending += block.successors
    return found


def reachable(blocks: dict[int, Block], heads: list[int]) -> dict[int, Block]:
    """The blocks to which control can come from some heads."""
    found: set[int] = set()
    pending = list(heads)
    while pending:
        pc = pending.pop()
        if pc in found or pc not in blocks:
            continue
        found.add(pc)
        pending += blocks[pc].successors
    return {pc: block for pc, block in blocks.items() if pc in found}


def loop_heads(blocks: dict[int, Block], roots: list[int]) -> tuple[set[int], list[int]]:
    """The targets of back edges, and all blocks so that, but for those edges, each comes after
    whatever it leads to."""
    loops: set[int] = set()
    state: dict[int, int] = {}
    order: list[int] = []
    for root in roots:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(blocks[root].successors))]
        while stack:
            pc, successors = stack[-1]
            for following in successors:
                if following not in blocks:
                    continue
                if state.get(following) == 1:
                    loops.add(following)
                elif following not in state:
                    state[following] = 1
                    stack.append((following, iter(blocks[following].successors)))
                    break
            else:
                state[pc] = 2
                order.append(pc)
                stack.pop()
    return loops, order


def longest_paths(blocks: dict[int, Block], loops: set[int], order: list[int]) -> dict[int, int]:
    """For every block, the most cycles from its beginning to the next loop head or the end."""
    longest: dict[int, int] = {}
    for pc in order:
        if pc in blocks:
            block = blocks[pc]
            rest = [longest[f] for f in block.successors if f in blocks and f not in loops]
            longest[pc] = block.cycles + max(rest, default=0)
    return longest
