"""The allocator: gives the hardware's memory to guests, a frame at a time.

Frame 0 is all zeros, and is every page that a guest has not written yet. Several guests' pages can
lie in one frame as long as no guest writes (copy-on-write): a store to such a page comes to the
monitor, which gives the page a frame of its own (copy on write). Which pages lie together is
`page_sharing`'s business.
"""

from array import array
from collections.abc import Callable, Iterator

from kseg.errors import GuestFatal, KsegError
from kseg.memory.paged import FRAME_WRITABLE, PagedMemory
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import PhysicalMemory
from kseg.monitor.hypervisor.memory_usage import GuestMemory, MachineMemory

ZERO_FRAME = 0


class OutOfMemory(GuestFatal):
    """The hardware has no frame left for a page. The guest that wanted it cannot go on; the others
    can. Without overcommitment this does not happen."""


class NotAdmitted(KsegError):
    """The machine has promised its memory to other guests."""


class Allocator:
    """Which page of which guest has which frame of the hardware's RAM."""

    def __init__(self, hardware: PhysicalMemory) -> None:
        self.hardware = hardware
        self.overcommit = 1.0
        """Guests can have so many times as much memory in all as the hardware has: with 1.0 all of
        them can write every page; with more, OutOfMemory may stop one."""
        count = hardware.ram.size // PAGE_SIZE
        self._users = array("I", bytes(4 * count))
        """How many pages lie in each frame."""
        self._users[ZERO_FRAME] = 1
        self._owner_memories: list[PagedMemory | None] = [None] * count
        self._owner_pages = array("I", bytes(4 * count))
        """Of each frame that may be written, the one page that lies in it."""
        self._free: list[int] = []
        self._fresh = ZERO_FRAME + 1
        """Frames from here on were never used. They are zero, as are those in `_free`."""
        self._memories: list[PagedMemory] = []
        self.reclaim: Callable[[], int] = lambda: 0
        """Called when no frame is left; to be set by what can free some (page sharing). Returns how
        many."""
        self.started: Callable[[PagedMemory], object] = lambda _memory: None
        """Called with a guest's memory when its image is in it and it is about to run."""
        self.moved: Callable[[PagedMemory, int, int], None] = lambda _memory, _page, _frame: None
        """Called with a guest's memory, a page and the frame (its address) that it lay in, when it
        lies elsewhere or may be written now or no longer."""

    # Admission.

    @property
    def total(self) -> int:
        """Frames that guests can have."""
        return len(self._users) - 1

    @property
    def available(self) -> int:
        """Frames that are free."""
        return len(self._users) - self._fresh + len(self._free)

    @property
    def committed(self) -> int:
        """Pages that were promised to guests, written or not."""
        return sum(len(memory.frames) for memory in self._memories)

    @property
    def memories(self) -> list[PagedMemory]:
        """Those of the guests, in the order in which they were admitted."""
        return list(self._memories)

    def admits(self, pages: int) -> bool:
        """Can a guest with so many pages come?"""
        return self.committed + pages <= int(self.total * self.overcommit)

    def attach(self, memory: PagedMemory) -> None:
        """Admit a guest: its pages get frames when they are written. NotAdmitted when there is not
        so much memory left to promise."""
        pages = len(memory.frames)
        if not self.admits(pages):
            left = int(self.total * self.overcommit) - self.committed
            raise NotAdmitted(
                f"the guest has {_kilobytes(pages)} of memory, the machine can promise"
                f" {_kilobytes(max(left, 0))} more; end a guest, give the machine more memory, or"
                " overcommit it"
            )
        self._memories.append(memory)
        self._users[ZERO_FRAME] += pages
        memory.make_writable = lambda page: self.make_writable(memory, page)

    def fill(self, memory: PagedMemory) -> None:
        """Admit a guest and give each of its pages a frame at once; NotAdmitted if there are not so
        many."""
        pages = len(memory.frames)
        if pages > self.available:
            raise NotAdmitted(
                f"the guest has {_kilobytes(pages)} of memory, the machine"
                f" {_kilobytes(self.available)} that nobody uses"
            )
        self.attach(memory)
        frames = [self._take() for _ in range(pages)]
        for page, number in enumerate(frames):
            self._own(memory, page, number)
        self._users[ZERO_FRAME] -= pages
        if frames == list(range(frames[0], frames[0] + pages)):
            memory.contiguous = frames[0] * PAGE_SIZE

    def release(self, memory: PagedMemory) -> None:
        """The guest is gone: its frames are free. Without effect on one that was not admitted."""
        if memory not in self._memories:
            return
        self._memories.remove(memory)
        memory.make_writable = _gone
        memory.contiguous = None
        for page in range(len(memory.frames)):
            number = memory.frames[page] // PAGE_SIZE
            memory.frames[page] = ZERO_FRAME
            self._leave(number)

    # Frames.

    def make_writable(self, memory: PagedMemory, page: int) -> None:
        """Give a page a frame of its own; OutOfMemory if there is none."""
        memory.contiguous = None
        old = memory.frame_of(page)
        if old != ZERO_FRAME and self._users[old // PAGE_SIZE] == 1:
            self._own(memory, page, old // PAGE_SIZE)
        else:
            new = self._take()
            if old != ZERO_FRAME:
                self.hardware.write(new * PAGE_SIZE, self.hardware.read(old, PAGE_SIZE))
            self._own(memory, page, new)
            self._leave(old // PAGE_SIZE)
        self.moved(memory, page, old)

    def share(self, memory: PagedMemory, page: int, frame: int) -> None:
        """Let a page lie in the frame at an address, which has the same bytes, from now on. That
        must be the page's own or one that no guest may write."""
        memory.contiguous = None
        old = memory.frame_of(page)
        number = frame // PAGE_SIZE
        if old == frame:
            self._owner_memories[number] = None
            memory.frames[page] = frame
        else:
            if self._owner_memories[number] is not None or not self._users[number]:
                raise ValueError(f"frame {frame:#x} is free, or its owner may write it")
            self._users[number] += 1
            memory.frames[page] = frame
            self._leave(old // PAGE_SIZE)
        self.moved(memory, page, old)

    def users(self, frame: int) -> int:
        """How many pages lie in the frame at an address."""
        return self._users[frame // PAGE_SIZE]

    def owner(self, frame: int) -> tuple[PagedMemory, int] | None:
        """The memory and the page that the frame at an address may be written as, if any."""
        number = frame // PAGE_SIZE
        memory = self._owner_memories[number]
        return None if memory is None else (memory, self._owner_pages[number])

    def _own(self, memory: PagedMemory, page: int, number: int) -> None:
        self._owner_memories[number], self._owner_pages[number] = memory, page
        memory.frames[page] = number * PAGE_SIZE | FRAME_WRITABLE

    def _take(self) -> int:
        if not self.available:
            self.reclaim()
        if self._free:
            number = self._free.pop()
        elif self._fresh < len(self._users):
            number = self._fresh
            self._fresh += 1
        else:
            raise OutOfMemory(
                f"out of memory: the machine's {_kilobytes(self.total)} are in use, and no page is"
                " like another"
            )
        self._users[number] = 1
        return number

    def _leave(self, number: int) -> None:
        self._users[number] -= 1
        if self._users[number] == 0:
            self._owner_memories[number] = None
            self._free.append(number)
            self.hardware.discard(number * PAGE_SIZE, PAGE_SIZE)

    # Statistics.

    def usage(self, memory: PagedMemory) -> GuestMemory:
        """Where the pages of a guest lie."""
        own = shared = untouched = 0
        for word in memory.frames:
            number = word // PAGE_SIZE
            if number == ZERO_FRAME:
                untouched += 1
            elif self._users[number] == 1:
                own += 1
            else:
                shared += 1
        return GuestMemory(own, shared, untouched)

    @property
    def statistics(self) -> MachineMemory:
        """Of all guests together."""
        frames = pages = 0
        for users in self._users[ZERO_FRAME + 1 : self._fresh]:
            if users > 1:
                frames += 1
                pages += users
        used = self.total - self.available
        return MachineMemory(
            self.total, used, shared=frames, saved=pages - frames, committed=self.committed
        )

    def inconsistencies(self) -> Iterator[str]:
        """What is wrong with the accounts; nothing ever is, unless kseg is."""
        pages = array("I", bytes(4 * len(self._users)))
        pages[ZERO_FRAME] = 1
        for memory in self._memories:
            for page, word in enumerate(memory.frames):
                number = word // PAGE_SIZE
                pages[number] += 1
                writable = self._owner_memories[number] is memory
                writable = writable and self._owner_pages[number] == page
                if writable != bool(word & FRAME_WRITABLE):
                    yield f"page {page} and frame {number} differ in whether it may be written"
        for number, (users, found) in enumerate(zip(self._users, pages, strict=True)):
            if users != found:
                yield f"frame {number} has {found} users, not {users}"
            if self._owner_memories[number] is not None and found != 1:
                yield f"frame {number} may be written, and {found} pages lie in it"
        free = [*self._free, *range(self._fresh, len(self._users))]
        if len(set(free)) != len(free) or any(pages[number] for number in free):
            yield "a free frame is not free"
        if len(free) != pages.count(0):
            yield "a frame is lost"
        if self.hardware.read(ZERO_FRAME, PAGE_SIZE).strip(b"\0"):
            yield "frame 0 is not zero"


def _kilobytes(pages: int) -> str:
    return f"{pages * PAGE_SIZE >> 10}K"


def _gone(page: int) -> None:
    raise RuntimeError(f"page {page} belongs to a guest that is gone")
