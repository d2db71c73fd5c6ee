"""The allocator: whatever is written, shared and given back, guests see their own bytes."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from kseg.errors import GuestFatal
from kseg.memory.paged import PagedMemory
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import PhysicalMemory
from kseg.monitor.hypervisor.allocator import ZERO_FRAME, Allocator, NotAdmitted, OutOfMemory
from kseg.monitor.hypervisor.memory_usage import GuestMemory, MachineMemory
from kseg.monitor.hypervisor.page_sharing import PageSharing

FRAMES = 12
PAGES = 5


def bad_hash(content: bytes) -> int:
    """One that is often wrong about what is alike."""
    return content[0] & 1


class Sharing(RuleBasedStateMachine):
    """Guests on a machine with too little memory, against plain bytes."""

    guests = Bundle("guests")

    def __init__(self) -> None:
        super().__init__()
        self.hardware = PhysicalMemory((FRAMES + 1) * PAGE_SIZE)
        self.allocator = Allocator(self.hardware)
        self.allocator.overcommit = 2.0
        self.scanner = PageSharing(self.allocator, bad_hash)
        self.expected: dict[PagedMemory, bytearray] = {}

    @rule(target=guests, at_once=st.booleans())
    def admit(self, at_once: bool) -> PagedMemory | None:
        memory = PagedMemory(PAGES * PAGE_SIZE, self.hardware)
        try:
            (self.allocator.fill if at_once else self.allocator.attach)(memory)
        except NotAdmitted:
            assert at_once or self.allocator.committed + PAGES > 2 * FRAMES
            return memory
        self.expected[memory] = bytearray(PAGES * PAGE_SIZE)
        return memory

    @rule(memory=consumes(guests))
    def release(self, memory: PagedMemory) -> None:
        self.allocator.release(memory)
        self.expected.pop(memory, None)
        self.allocator.release(memory)

    @rule(
        memory=guests,
        page=st.integers(0, PAGES - 1),
        offset=st.sampled_from([0, 1, PAGE_SIZE - 1]),
        data=st.sampled_from([b"\0", b"\1", b"\2", b"\3\0", bytes(PAGE_SIZE), b"\4" * PAGE_SIZE]),
    )
    def write(self, memory: PagedMemory, page: int, offset: int, data: bytes) -> None:
        if memory not in self.expected or page * PAGE_SIZE + offset + len(data) > memory.ram.size:
            return
        address, expected = page * PAGE_SIZE + offset, self.expected[memory]
        try:
            memory.write(address, data)
        except OutOfMemory:
            assert self.allocator.available == 0
            # What comes before the page that could not be had was written.
            data = data[: next(size for size in range(len(data)) if memory.is_kept(address + size))]
        expected[address : address + len(data)] = data

    @rule(budget=st.integers(1, 9))
    def scan(self, budget: int) -> None:
        before = self.allocator.available
        freed = self.scanner.scan(budget)
        assert self.allocator.available == before + freed >= before

    @rule()
    def reclaim(self) -> None:
        self.scanner.reclaim()
        contents = [
            bytes(expected[at : at + PAGE_SIZE])
            for expected in self.expected.values()
            for at in range(0, len(expected), PAGE_SIZE)
        ]
        different = set(contents) - {bytes(PAGE_SIZE)}
        # With a good hash there would be as many frames as contents.
        assert self.allocator.statistics.used >= len(different)
        zeros = sum(self.allocator.usage(memory).untouched for memory in self.expected)
        assert zeros == contents.count(bytes(PAGE_SIZE))

    @invariant()
    def guests_see_their_own(self) -> None:
        for memory, expected in self.expected.items():
            assert memory.read(0, len(expected)) == expected

    @invariant()
    def accounts_are_right(self) -> None:
        assert list(self.allocator.inconsistencies()) == []


Sharing.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestSharing = Sharing.TestCase


def machine(frames: int) -> tuple[Allocator, PhysicalMemory]:
    hardware = PhysicalMemory((frames + 1) * PAGE_SIZE)
    return Allocator(hardware), hardware


def guests(allocator: Allocator, *pages: int) -> Iterator[PagedMemory]:
    for count in pages:
        memory = PagedMemory(count * PAGE_SIZE, allocator.hardware)
        allocator.attach(memory)
        yield memory


def test_guests_are_admitted_while_their_memory_fits() -> None:
    allocator, hardware = machine(10)
    first, _second = guests(allocator, 6, 4)
    assert not allocator.admits(1)
    late = PagedMemory(2 * PAGE_SIZE, hardware)
    with pytest.raises(NotAdmitted, match="the guest has 8K of memory, the machine can promise 0K"):
        allocator.attach(late)
    allocator.overcommit = 1.5
    allocator.attach(late)
    assert allocator.committed == 12
    allocator.release(first)
    assert allocator.committed == 6
    with pytest.raises(NotAdmitted, match="40K that nobody uses"):
        allocator.fill(PagedMemory(11 * PAGE_SIZE, hardware))
    assert list(allocator.inconsistencies()) == []


def test_who_exhausts_memory_is_told_and_nothing_is_lost() -> None:
    allocator, _ = machine(3)
    allocator.overcommit = 2.0
    first, second = guests(allocator, 3, 3)
    for page in range(2):
        first.write(page * PAGE_SIZE, bytes([page + 1]))
        if page < 1:
            second.write(page * PAGE_SIZE, bytes([page + 7]))
    with pytest.raises(OutOfMemory, match="the machine's 12K are in use"):
        second.write(PAGE_SIZE, b"more")
    assert issubclass(OutOfMemory, GuestFatal)
    assert second.read(PAGE_SIZE, 4) == bytes(4)
    allocator.release(second)
    first.write(2 * PAGE_SIZE, b"fits now")
    assert list(allocator.inconsistencies()) == []


def test_memory_is_reclaimed_before_it_is_exhausted() -> None:
    allocator, _ = machine(3)
    allocator.overcommit = 2.0
    PageSharing(allocator)
    first, second = guests(allocator, 3, 3)
    first.write(0, b"same")
    second.write(0, b"same")
    second.write(PAGE_SIZE, b"x")
    second.write(PAGE_SIZE, b"\0")
    first.write(PAGE_SIZE, b"different")
    assert allocator.available == 1
    assert allocator.usage(first) == GuestMemory(own=1, shared=1, untouched=1)
    assert allocator.statistics == MachineMemory(total=3, used=2, shared=1, saved=1, committed=6)
    assert second.read(0, 4) == b"same"


def test_freed_frames_are_zero_when_they_come_back() -> None:
    allocator, hardware = machine(2)
    (first,) = guests(allocator, 2)
    first.write(0, b"x" * 2 * PAGE_SIZE)
    allocator.release(first)
    with pytest.raises(RuntimeError, match="gone"):
        first.write(0, b"x")
    (second,) = guests(allocator, 2)
    second.write(1, b"y")
    assert second.read(0, 3) == b"\0y\0"
    assert hardware.read(0, PAGE_SIZE) == bytes(PAGE_SIZE)


def test_a_frame_that_may_be_written_is_not_shared() -> None:
    allocator, _ = machine(4)
    first, second = guests(allocator, 2, 2)
    first.write(0, b"x")
    second.write(0, b"x")
    frame = first.frame_of(0)
    with pytest.raises(ValueError, match="its owner may write it"):
        allocator.share(second, 0, frame)
    with pytest.raises(ValueError, match="is free"):
        allocator.share(second, 0, 4 * PAGE_SIZE)
    assert allocator.owner(frame) == (first, 0)
    allocator.share(first, 0, frame)
    assert allocator.owner(frame) is None
    allocator.share(second, 0, frame)
    assert allocator.users(frame) == 2
    # The last one that is left in a frame writes it where it lies.
    second.write(0, b"y")
    first.write(0, b"z")
    assert first.frame_of(0) == frame
    assert allocator.owner(ZERO_FRAME) is None
    assert list(allocator.inconsistencies()) == []
