"""Sharing of pages that happen to have the same bytes, within one guest and between several.

Waldspurger, "Memory Resource Management in VMware ESX Server" (OSDI 2002), section 4: a scanner
looks at a few pages at a time; a hash says which page may be like another, a comparison of all
bytes whether it is; what is alike lies in one frame from then on, and is copied at the next store.
A page that is like no other is only noted (a *hint*), and stays writable until another page turns
out to be like it. That a page must have kept its hash from one scan to the next is from Arcangeli,
Eidus and Wright, "Increasing memory density by using KSM" (Linux Symposium 2009): a page that is
written all the time would only be copied back at once.

The hash need only tell most pages apart, so it is the cheapest: of 4 kB, `zlib.crc32` takes 0.9 µs
and `hashlib.blake2b` 4.3 µs, the comparison 0.2 µs.
"""

import zlib
from array import array
from collections.abc import Callable, Iterator

from kseg.memory.paged import FRAME_WRITABLE, PagedMemory
from kseg.memory.pages import PAGE_SIZE
from kseg.monitor.hypervisor.allocator import ZERO_FRAME, Allocator

ZERO_PAGE = bytes(PAGE_SIZE)


class PageSharing:
    """The scanner of one machine. It must not run while a guest executes: between slices only."""

    def __init__(self, allocator: Allocator, hint: Callable[[bytes], int] = zlib.crc32) -> None:
        """`hint` is the hash, of 32 bits; results do not depend on how good it is."""
        self._allocator = allocator
        self._hint = hint
        self._last = array("I", bytes(4 * (allocator.total + 1)))
        """Of each frame, the hash at the latest scan."""
        self._alike: dict[int, int] = {}
        """By hash: the address of a frame that had it when it was last looked at."""
        self._round = self._pages()
        self.rounds = 0
        """How often all pages of all guests have been looked at."""
        self.scanned = 0
        """Pages looked at."""
        allocator.reclaim = self.reclaim
        allocator.started = self.share_new

    def scan(self, budget: int) -> int:
        """Scan up to `budget` pages, and stop where all have been looked at once. Returns
        how many frames became free. A page takes some 3 µs."""
        before = self._allocator.available
        for memory, page in self._round:
            self._look(memory, page)
            budget -= 1
            if budget <= 0:
                break
        else:
            self.rounds += 1
            self._begin_round()
        return self._allocator.available - before

    def share_new(self, memory: PagedMemory) -> int:
        """A guest is about to start, and nothing has been written yet but its image: of what
        another guest was started from, most is still alike, and code is decoded only once. Returns
        how many frames became free."""
        before = self._allocator.available
        for page, word in enumerate(memory.frames[:]):
            if word & FRAME_WRITABLE:
                self._look(memory, page, steady=False)
        return self._allocator.available - before

    def reclaim(self) -> int:
        """Scan every page now and share what can be, however recently it was written: for when
        no frame is left. Returns how many frames became free."""
        before = self._allocator.available
        self._begin_round()
        for memory, page in self._round:
            self._look(memory, page, steady=False)
        self._begin_round()
        return self._allocator.available - before

    def _begin_round(self) -> None:
        """Hints that were superseded are dropped, so that there is one for each frame at most."""
        self._alike = {
            hint: frame
            for hint, frame in self._alike.items()
            if self._allocator.users(frame) and self._last[frame // PAGE_SIZE] == hint
        }
        self._round = self._pages()

    def _pages(self) -> Iterator[tuple[PagedMemory, int]]:
        """The pages that lie in a frame of their own, guest by guest. Guests may come and go, and
        pages move, in the meantime."""
        for memory in self._allocator.memories:
            for page, word in enumerate(memory.frames[:]):
                if word & FRAME_WRITABLE and memory.is_writable(page):
                    yield memory, page

    def _look(self, memory: PagedMemory, page: int, *, steady: bool = True) -> None:
        """Share a page if that can be done. `steady`: unless it has changed since the last scan."""
        self.scanned += 1
        allocator = self._allocator
        frame = memory.frame_of(page)
        content = allocator.hardware.read(frame, PAGE_SIZE)
        hint = self._hint(content)
        number = frame // PAGE_SIZE
        changed = self._last[number] != hint
        self._last[number] = hint
        if changed and steady:
            return
        if content == ZERO_PAGE:
            allocator.share(memory, page, ZERO_FRAME)
            return
        other = self._alike.get(hint)
        if other is None or other == frame or not allocator.users(other):
            self._alike[hint] = frame
            return
        owner = allocator.owner(other)
        if allocator.hardware.read(other, PAGE_SIZE) != content:
            # Another page that only has the same hash, or had it. A frame that is shared is worth
            # more as a hint, but only while it still has that content.
            if owner is not None or self._hint_of(other) != hint:
                self._alike[hint] = frame
            return
        if owner is not None:
            allocator.share(*owner, other)
        allocator.share(memory, page, other)

    def _hint_of(self, frame: int) -> int:
        return self._hint(self._allocator.hardware.read(frame, PAGE_SIZE))
