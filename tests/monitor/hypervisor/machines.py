"""Several guests on one machine without a scheduler: what tests of the monitor's memory run."""

import hashlib
from collections.abc import Callable, Iterable

from kseg.api.boards import configure
from kseg.api.guests import find_guest
from kseg.api.scratch_disk import format_scratch_disk
from kseg.machine.elf import WINDOW, read_image
from kseg.machine.system161 import System161
from kseg.memory.paged import PagedMemory
from kseg.memory.physical import PAGE_SIZE
from kseg.monitor.bare import BareMonitor, Stop, StopReason
from kseg.monitor.hypervisor.hypervisor import Hypervisor
from kseg.monitor.hypervisor.page_sharing import PageSharing

RAM = 512 << 10
"""As much as cms needs."""


class Host:
    """A machine with a monitor."""

    def __init__(self, engine: str, frames: int = 4096, overcommit: float = 1.0) -> None:
        self.hypervisor = Hypervisor(
            System161.profile, System161.byte_order, frames * PAGE_SIZE, engine
        )
        self.allocator = self.hypervisor.allocator
        self.allocator.overcommit = overcommit
        self.sharing = PageSharing(self.allocator)

    def check(self) -> None:
        """The accounts of memory are right."""
        assert list(self.allocator.inconsistencies()) == []


class Guest:
    """One guest of it."""

    def __init__(
        self,
        host: Host,
        kernel: str = "cms-kuseg",
        arguments: str = "",
        *,
        hybrid: bool = False,
        ram: int = RAM,
        disk: bool = False,
        at_once: bool = False,
    ) -> None:
        self.output = ""
        allocator = host.allocator

        def memory(size: int) -> PagedMemory:
            made = PagedMemory(size, host.hypervisor.memory)
            (allocator.fill if at_once else allocator.attach)(made)
            self.memory = made
            return made

        self.board = System161(
            configure(ram=ram, scratch_disk=disk),
            memory=memory,
            console=self._printed,
            epoch=lambda: 0,
        )
        if disk:
            format_scratch_disk(self.board)
        if kernel:
            image = read_image(find_guest(kernel).path, System161.byte_order)
            self.board.load_kernel(image, arguments)
        window = WINDOW if not kernel or image.in_window else None
        self.engine = host.hypervisor.add(
            self.board.processors[0], self.memory, hybrid=hybrid, window=window
        )
        self.monitor = BareMonitor(self.board, self.engine)

    def _printed(self, data: bytes) -> None:
        self.output += data.decode()

    @property
    def digest(self) -> str:
        """Of RAM and processor."""
        ram = self.memory.read(0, self.memory.ram.size)
        return hashlib.sha256(ram + bytes(self.board.processors[0])).hexdigest()


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
            stop = guest.monitor.run(max_cycles=slice_)
            if stop.reason is not StopReason.CYCLE_LIMIT:
                stops[guest] = stop
            between()
    return [stops[guest] for guest in order]
