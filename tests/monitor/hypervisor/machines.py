"""Several guests on one machine without a scheduler: what tests of the monitor's memory run."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from kseg.api.guests import find_guest
from kseg.api.scratch_disk import format_scratch_disk
from kseg.boards.system161.board import System161
from kseg.boards.system161.configuration import Configuration
from kseg.engine.state import ProcessorState
from kseg.isa.assembler import Program
from kseg.machine.elf import WINDOW, Image, read_image
from kseg.memory.paged import PagedMemory
from kseg.memory.pages import PAGE_SIZE
from kseg.monitor.hypervisor.hypervisor import Hypervisor
from kseg.monitor.hypervisor.page_sharing import PageSharing
from kseg.monitor.run_loop import RunLoop
from kseg.monitor.stop import Stop, StopReason
from tests.machine.boards import configure

RAM = 512 << 10
"""As much as cms needs."""


WAITING = 20_000
"""Cycles in one go for a guest that waits."""


class Host:
    """A machine with a monitor."""

    def __init__(
        self, engine: str, frames: int = 4096, overcommit: float = 1.0, *, sharing: bool = True
    ) -> None:
        """Without `sharing`, no page is shared unless a test scans."""
        self.hypervisor = Hypervisor(
            System161.profile, System161.byte_order, frames * PAGE_SIZE, engine
        )
        self.allocator = self.hypervisor.allocator
        self.allocator.overcommit = overcommit
        started, reclaim = self.allocator.started, self.allocator.reclaim
        self.sharing = PageSharing(self.allocator)
        if not sharing:
            self.allocator.started, self.allocator.reclaim = started, reclaim

    def check(self) -> None:
        """The accounts of memory are right."""
        assert list(self.allocator.inconsistencies()) == []


class Guest:
    """One guest of it."""

    def __init__(
        self,
        host: Host,
        kernel: str | Program = "cms-kuseg",
        arguments: str = "",
        *,
        hybrid: bool = False,
        ram: int = RAM,
        disk: bool = False,
        at_once: bool = False,
        configuration: Configuration | None = None,
    ) -> None:
        """By default it gets frames as it writes; `at_once`, all of them now. The default
        configuration has so much `ram`, and a disk if wanted."""
        self.output = ""
        allocator = host.allocator

        def memory(size: int) -> PagedMemory:
            made = PagedMemory(size, host.hypervisor.memory)
            (allocator.fill if at_once else allocator.attach)(made)
            self.memory = made
            return made

        self.board = System161(
            configuration or configure(ram=ram, scratch_disk=disk),
            memory=memory,
            console=self._printed,
            epoch=lambda: 0,
        )
        if disk:
            format_scratch_disk(self.board)
        image = _image(kernel)
        self.board.load_kernel(image, arguments)
        self.engine = host.hypervisor.add(
            self.board.processors[0],
            self.memory,
            hybrid=hybrid,
            window=WINDOW if image.in_window else None,
        )
        self.monitor = RunLoop(self.board, self.engine)

    def _printed(self, data: bytes) -> None:
        self.output += data.decode()

    @property
    def digest(self) -> str:
        """Of RAM and processor."""
        ram = self.memory.read(0, self.memory.ram.size)
        processor = ProcessorState.from_buffer_copy(self.board.processors[0])
        processor.discard = 0
        return hashlib.sha256(ram + bytes(processor)).hexdigest()


def _image(kernel: str | Program) -> Image:
    if isinstance(kernel, str):
        return read_image(find_guest(kernel).path, System161.byte_order)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "kernel"
        path.write_bytes(kernel.to_elf())
        return read_image(path, System161.byte_order)


def take_turns(
    guests: Iterable[Guest], between: Callable[[], None], slice_: int, rounds: int = 10_000
) -> list[Stop]:
    """Run guests for so many cycles each in turn, until none goes on; how each ended."""
    stops: dict[Guest, Stop] = {}
    order = list(guests)
    for _ in range(rounds):
        running = [guest for guest in order if guest not in stops]
        if not running:
            break
        for guest in running:
            # Nothing happens to one that waits, so that need not be cut into slices.
            waits = guest.board.processors[0].waiting
            stop = guest.monitor.run(max_cycles=max(slice_, WAITING) if waits else slice_)
            if stop.reason is not StopReason.CYCLE_LIMIT:
                stops[guest] = stop
            between()
    return [stops.get(guest, Stop(StopReason.CYCLE_LIMIT)) for guest in order]
