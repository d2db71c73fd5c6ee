"""A device alone, with everything around it that a board would give."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kseg.boards.system161.address_map import slot_base
from kseg.boards.system161.interrupts import Interrupts
from kseg.devices.device import Device
from kseg.engine.state import ProcessorState
from kseg.errors import DoomReached
from kseg.machine.arguments import Arguments
from kseg.machine.clock import EventClock, TimeModel
from kseg.machine.device_context import DeviceContext
from kseg.machine.input_port import InputPort
from kseg.machine.live import live
from kseg.machine.random_generator import RandomGenerator
from kseg.machine.statistics import DeviceActivity
from kseg.memory.physical import PhysicalMemory

EXACT = TimeModel(nanoseconds_per_cycle=40, longest_burst=10**9, poll_interval=10**9)


class FakeBus:
    """Lines of slots, and as much of a bus as its controller needs."""

    def __init__(self) -> None:
        self._processors = (ProcessorState * 1)()
        address = ctypes.addressof(self._processors)
        self.interrupts = Interrupts(count=1, processors_address=address)
        self.asking_processor = 0

    def base_of(self, slot: int) -> int:
        return slot_base(slot)

    def line(self, slot: int) -> bool:
        return bool(self.interrupts.raised >> slot & 1)

    def set_line(self, slot: int, level: bool) -> None:
        self.interrupts.raised &= ~(1 << slot)
        self.interrupts.raised |= int(level) << slot

    def identity_of(self, slot: int) -> tuple[int, int] | None:
        return (10, 1) if slot == 31 else None

    def run_processors(self, mask: int) -> None:
        self.interrupts.running = mask & 1


class FakeControl:
    """What a device asks of its machine is noted."""

    can_profile = False
    profiling = True
    profile_clears = 0

    def __init__(self) -> None:
        self.trace_flags: set[str] = set()
        self.device_trace: Callable[[str, int, str], None] | None = None
        self.flag_changes = 0
        self.asked: list[str] = []
        self.doom = 0

    def trace_flags_changed(self) -> None:
        self.flag_changes += 1

    def request_debugger(self) -> None:
        self.asked.append("debugger")

    def power_off(self) -> None:
        self.asked.append("power off")

    def beep(self) -> None:
        self.asked.append("beep")

    def dump(self) -> None:
        self.asked.append("dump")

    def tick_doom(self) -> None:
        self.asked.append("tick")
        if self.doom == 1:
            raise DoomReached("doom")


class Bench:
    """One device on a bench: `read`, `write`, `advance` time, look at its interrupt."""

    def __init__(
        self,
        kind: type[Device],
        *words: str,
        slot: int = 3,
        directory: Path = Path(),
        input_port: InputPort | None = None,
        byte_order: str = "big",
    ) -> None:
        self.clock = EventClock(EXACT, RandomGenerator(), epoch=1_000_000)
        self.memory = PhysicalMemory(4096)
        self.input_port = input_port or InputPort()
        self.console = bytearray()
        self.messages: list[str] = []
        self.control = FakeControl()
        self.activity: Any = live(DeviceActivity)()
        self.bus = FakeBus()
        self.slot = slot
        context = DeviceContext(
            clock=self.clock,
            random=self.clock.random,
            memory=self.memory,
            directory=directory,
            byte_order=byte_order,
            input_port=self.input_port,
            activity=self.activity,
            console=self.console.extend,
            message=self.messages.append,
            control=self.control,
        )
        options = kind.parse_arguments(Arguments(kind.name, words, "bench"))
        self.device: Any = kind(slot, context, self.bus, options)

    def read(self, offset: int) -> int:
        return int(self.device.read(offset, 4))

    def write(self, offset: int, value: int) -> None:
        self.device.write(offset, 4, value)

    @property
    def interrupt(self) -> bool:
        return self.bus.line(self.slot)

    @property
    def buffer(self) -> int:
        """The physical address of the device's first buffer."""
        return int(self.device.base) + 0x8000

    def advance(self, nanoseconds: int) -> None:
        """Let events happen for so long, each at its time."""
        end = self.clock.now + nanoseconds
        while self.clock.next_due is not None and self.clock.next_due <= end:
            self._jump(self.clock.next_due)
        self._jump(end)

    def _jump(self, to: int) -> None:
        self.clock.begin_jump(to - self.clock.now, exactly=False)
        self.clock.end_burst()

    def until(self, condition: Callable[[], bool]) -> int:
        """Let events happen until `condition`; how many ns that took."""
        start = self.clock.now
        while not condition():
            assert self.clock.next_due is not None, "nothing more will happen"
            self._jump(self.clock.next_due)
        return self.clock.now - start
