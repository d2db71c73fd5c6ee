"""The scanner: what it shares, and what it leaves alone."""

from kseg.memory.paged import PagedMemory
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import PhysicalMemory
from kseg.monitor.hypervisor.allocator import ZERO_FRAME, Allocator
from kseg.monitor.hypervisor.page_sharing import PageSharing

ALL = 1000


def machine(*guests: bytes) -> tuple[Allocator, PageSharing, list[PagedMemory]]:
    """Guests with a page for each byte, which is repeated all over it."""
    allocator = Allocator(PhysicalMemory(64 * PAGE_SIZE))
    memories = []
    for pages in guests:
        memory = PagedMemory(len(pages) * PAGE_SIZE, allocator.hardware)
        allocator.attach(memory)
        for page, byte in enumerate(pages):
            memory.write(page * PAGE_SIZE, b"not zero")
            memory.write(page * PAGE_SIZE, bytes([byte]) * PAGE_SIZE)
        memories.append(memory)
    return allocator, PageSharing(allocator), memories


def test_a_page_is_shared_when_it_has_not_changed_since_the_last_look() -> None:
    allocator, sharing, (one, two) = machine(b"ab", b"ba")
    assert sharing.scan(ALL) == 0
    two.write(0, b"x")
    assert sharing.scan(ALL) == 1
    assert one.frame_of(0) == two.frame_of(1)
    assert allocator.usage(two) == (1, 1, 0)
    two.write(0, b"b")
    assert sharing.scan(ALL) == 0
    assert sharing.scan(ALL) == 1
    assert allocator.statistics.saved == 2
    assert sharing.rounds == 4


def test_pages_of_one_guest_and_zeros_are_shared() -> None:
    allocator, sharing, (memory,) = machine(b"aab\0\0b")
    sharing.scan(ALL)
    assert sharing.scan(ALL) == 4
    assert allocator.usage(memory) == (0, 4, 2)
    assert memory.frame_of(3) == memory.frame_of(4) == ZERO_FRAME


def test_what_is_shared_is_found_whoever_wrote_it_first() -> None:
    allocator, sharing, (one, two, three) = machine(b"a", b"a", b"ab")
    sharing.reclaim()
    frame = one.frame_of(0)
    one.write(0, b"x")
    late = PagedMemory(PAGE_SIZE, allocator.hardware)
    allocator.attach(late)
    late.write(0, b"a" * PAGE_SIZE)
    sharing.scan(ALL)
    sharing.scan(ALL)
    assert late.frame_of(0) == two.frame_of(0) == three.frame_of(0) == frame
    assert allocator.users(frame) == 3
    # And when all of them are gone, the frame is another page's.
    for memory in (two, three, late):
        allocator.release(memory)
    one.write(0, b"a")
    sharing.scan(ALL)
    assert sharing.scan(ALL) == 0
    assert list(allocator.inconsistencies()) == []


def test_a_hash_is_not_trusted() -> None:
    allocator, _, (memory,) = machine(b"aabbca")
    sharing = PageSharing(allocator, lambda _: 7)
    for _ in range(4):
        sharing.scan(ALL)
    # There is one hint, so not all that is alike is found; but nothing else is shared.
    assert allocator.statistics.saved == 2
    assert memory.read(0, 6 * PAGE_SIZE)[::PAGE_SIZE] == b"aabbca"
    assert list(allocator.inconsistencies()) == []


def test_the_budget_is_kept() -> None:
    _, sharing, _ = machine(b"abcdefgh", b"abcdefgh")
    for count in range(1, 6):
        sharing.scan(3)
        assert sharing.scanned == 3 * count
    assert sharing.rounds == 0
    sharing.scan(3)
    assert (sharing.scanned, sharing.rounds) == (16, 1)
    assert sum(sharing.scan(3) for _ in range(7)) == 8


def test_guests_leave_while_they_are_looked_at() -> None:
    allocator, sharing, (one, two) = machine(b"abcd", b"abcd")
    sharing.scan(ALL)
    sharing.scan(2)
    allocator.release(one)
    assert sharing.scan(ALL) == 0
    assert sharing.scan(ALL) == 0
    assert two.read(0, 4 * PAGE_SIZE)[::PAGE_SIZE] == b"abcd"
    assert list(allocator.inconsistencies()) == []


def test_guests_of_one_image_share_it_from_the_start() -> None:
    allocator, sharing, (one, two, three) = machine(b"abc", b"abc", b"abc\0")
    assert sharing.share_new(one) == 0
    one.write(PAGE_SIZE, b"x")
    assert sharing.share_new(two) == 2
    assert sharing.share_new(three) == 4
    for _ in range(3):
        sharing.scan(ALL)
    late = PagedMemory(PAGE_SIZE, allocator.hardware)
    allocator.attach(late)
    late.write(0, b"c" * PAGE_SIZE)
    assert sharing.share_new(late) == 1
    assert late.frame_of(0) == one.frame_of(2)
    assert list(allocator.inconsistencies()) == []
