"""The allocator: gives the hardware's memory to guests, a frame at a time.

Frame 0 is all zeros, and is every page that a guest has not written yet. Several guests' pages can
lie in one frame as long as nobody writes: a store to such a page comes to the monitor, which gives
the page a frame of its own (copy on write).
"""

from collections.abc import Callable

from kseg.errors import KsegError
from kseg.memory.paged import FRAME_WRITABLE, PagedMemory
from kseg.memory.physical import PAGE_SIZE, PhysicalMemory

ZERO_FRAME = 0


class OutOfMemory(KsegError):
    """The hardware has no frame left for a page."""


class Allocator:
    """Who has which frame of the hardware's RAM."""

    def __init__(self, hardware: PhysicalMemory) -> None:
        self._hardware = hardware
        count = hardware.ram.size // PAGE_SIZE
        self._users = [0] * count
        """How many pages lie in each frame."""
        self._users[ZERO_FRAME] = 1
        self._free: list[int] = []
        self._fresh = ZERO_FRAME + 1
        """Frames from here on were never used, and are zero."""
        self.moved: Callable[[PagedMemory, int, int], None] = lambda _memory, _page, _frame: None
        """Called with a guest's memory, a page and the frame (its address) that it lay in, when it
        lies elsewhere or may be written now or no longer."""

    @property
    def total(self) -> int:
        """Frames that guests can have."""
        return len(self._users) - 1

    @property
    def available(self) -> int:
        """Frames that nobody has."""
        return len(self._users) - self._fresh + len(self._free)

    def fill(self, memory: PagedMemory) -> None:
        """Give each page of a guest a frame of its own at once; OutOfMemory if there are not so
        many."""
        pages = len(memory.frames)
        if pages > self.available:
            raise OutOfMemory(
                f"the guest has {pages} pages of memory, the machine {self.available} free ones"
            )
        frames = [self._take() for _ in range(pages)]
        memory.frames[:] = [frame * PAGE_SIZE | FRAME_WRITABLE for frame in frames]
        if frames == list(range(frames[0], frames[0] + pages)):
            memory.contiguous = frames[0] * PAGE_SIZE

    def attach(self, memory: PagedMemory) -> None:
        """Let a guest's pages get frames when they are written."""
        self._users[ZERO_FRAME] += len(memory.frames)
        memory.make_writable = lambda page: self.make_writable(memory, page)

    def release(self, memory: PagedMemory) -> None:
        """The guest is gone: its frames are free."""
        for page in range(len(memory.frames)):
            self._leave(memory.frame_of(page) // PAGE_SIZE)
            memory.frames[page] = ZERO_FRAME

    def make_writable(self, memory: PagedMemory, page: int) -> None:
        """Give a page a frame that nobody else has; OutOfMemory if there is none."""
        memory.contiguous = None
        old = memory.frame_of(page)
        if self._users[old // PAGE_SIZE] == 1:
            memory.frames[page] = old | FRAME_WRITABLE
        else:
            new = self._take() * PAGE_SIZE
            if old != ZERO_FRAME:
                self._hardware.write(new, self._hardware.read(old, PAGE_SIZE))
            memory.frames[page] = new | FRAME_WRITABLE
            self._leave(old // PAGE_SIZE)
        self.moved(memory, page, old)

    def share(self, memory: PagedMemory, page: int, frame: int) -> None:
        """Let a page lie in the frame at an address, which has the same bytes, from now on."""
        memory.contiguous = None
        old = memory.frame_of(page)
        if old == frame:
            memory.frames[page] = frame
        else:
            self._users[frame // PAGE_SIZE] += 1
            memory.frames[page] = frame
            self._leave(old // PAGE_SIZE)
        self.moved(memory, page, old)

    def users(self, frame: int) -> int:
        """How many pages lie in the frame at an address."""
        return self._users[frame // PAGE_SIZE]

    def _take(self) -> int:
        if self._free:
            number = self._free.pop()
            self._hardware.write(number * PAGE_SIZE, bytes(PAGE_SIZE))
        elif self._fresh < len(self._users):
            number = self._fresh
            self._fresh += 1
        else:
            raise OutOfMemory("the machine has no memory left for a guest's page")
        self._users[number] = 1
        return number

    def _leave(self, number: int) -> None:
        self._users[number] -= 1
        if self._users[number] == 0:
            self._free.append(number)
