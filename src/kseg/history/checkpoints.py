"""Checkpoints: states of a run in memory, from which any other cycle is soon reached by replay.

A checkpoint shares with its neighbour the pages that are the same in both, so that it takes what
was written in between. When all of them take more than they may, those go that leave the smallest
gaps.
"""

import dataclasses
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from kseg.engine.state import ProcessorState
from kseg.machine.board_state import BoardState
from kseg.machine.input_history import Position
from kseg.machine.processor_state import load_processor
from kseg.memory.pages import PAGE_SIZE

OVERHEAD = 64 << 10
"""Bytes that a checkpoint takes beside pages, about: processors, devices, lists of pages."""

_cycle = attrgetter("cycle")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A machine's state between two cycles, and how far it was into its history. `place` is for
    the verifier of a log; see `ReplayVerifier.place`."""

    cycle: int
    time: int
    """Virtual time in ns."""
    state: BoardState
    position: Position
    printed: int = 0
    """Characters that the guest had printed on its console."""
    place: int = 0

    def processor(self, number: int) -> ProcessorState:
        """One of the processors."""
        found = ProcessorState()
        load_processor(found, self.state.processors[number])
        return found


class Checkpoints:
    """Checkpoints in order of their cycles, one for each at the most."""

    def __init__(self, limit: int) -> None:
        """`limit` is the memory for pages and overhead together, in bytes; the first checkpoint and
        the last one are kept in any case."""
        self.limit = limit
        self._all: list[Checkpoint] = []
        self._uses: Counter[int] = Counter()
        """Checkpoints that have a page, by its identity as an object."""

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Checkpoint]:
        return iter(tuple(self._all))

    @property
    def size(self) -> int:
        """Bytes that all of them take, about."""
        return len(self._uses) * PAGE_SIZE + len(self._all) * OVERHEAD

    @property
    def first(self) -> Checkpoint:
        """The one with which all began."""
        return self._all[0]

    @property
    def last(self) -> Checkpoint:
        """The latest."""
        return self._all[-1]

    def before(self, cycle: int) -> Checkpoint | None:
        """The last one at or before a cycle."""
        index = bisect_right(self._all, cycle, key=_cycle)
        return self._all[index - 1] if index else None

    def after(self, cycle: int) -> Checkpoint | None:
        """The first one after a cycle."""
        index = bisect_right(self._all, cycle, key=_cycle)
        return self._all[index] if index < len(self._all) else None

    def add(self, checkpoint: Checkpoint) -> None:
        """Keep this one as well, as long as there is room; nothing where there is one already."""
        neighbour = self.before(checkpoint.cycle)
        if neighbour is not None and neighbour.cycle == checkpoint.cycle:
            return
        checkpoint = self.shared(checkpoint)
        insort(self._all, checkpoint, key=_cycle)
        self._uses.update(_pages(checkpoint))
        while self.size > self.limit and len(self._all) > 2:
            self._drop(self._least_missed())

    def shared(self, checkpoint: Checkpoint) -> Checkpoint:
        """The same, with the pages of its neighbour here where they are equal."""
        neighbour = self.before(checkpoint.cycle) or self.after(checkpoint.cycle)
        return checkpoint if neighbour is None else _sharing(checkpoint, neighbour)

    def clear(self) -> None:
        """Keep none of them."""
        self._all.clear()
        self._uses.clear()

    def _least_missed(self) -> int:
        """The number of the one without which the gap is the smallest."""
        cycles = [each.cycle for each in self._all]
        return min(range(1, len(cycles) - 1), key=lambda at: cycles[at + 1] - cycles[at - 1])

    def _drop(self, number: int) -> None:
        for page in _pages(self._all.pop(number)):
            self._uses[page] -= 1
            if not self._uses[page]:
                del self._uses[page]


def _pages(checkpoint: Checkpoint) -> Iterable[int]:
    for contents in checkpoint.state.regions.values():
        yield from map(id, contents.pages.values())


def _sharing(checkpoint: Checkpoint, neighbour: Checkpoint) -> Checkpoint:
    """The same with the neighbour's pages where they are equal."""
    regions = {}
    for name, contents in checkpoint.state.regions.items():
        theirs = neighbour.state.regions[name].pages
        pages = {}
        for number, page in contents.pages.items():
            other = theirs.get(number)
            pages[number] = other if other is not None and other == page else page
        regions[name] = msgspec.structs.replace(contents, pages=pages)
    state = msgspec.structs.replace(checkpoint.state, regions=regions)
    return dataclasses.replace(checkpoint, state=state)
