"""What every device is: a table of named 32-bit registers, an interrupt line, a state.

A device sees offsets inside its window of the bus only. A class declares its registers once, in
`registers`, and what changes in it once, in `State`. For each way in which a register can be
touched it writes a method,

* `read_<name>(self) -> int` for a readable register,
* `write_<name>(self, value)` for a writable one,
* `peek_<name>(self) -> int` where reading has side effects: what a debugger sees instead,

but for a register that is nothing else than the field of its name in the state. Everything else
here derives from the two. Buffers are regions of the machine's physical memory, so that engines
reach them without asking.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import msgspec

from kseg.errors import BusError, StateError
from kseg.machine.arguments import Argument, Arguments
from kseg.machine.clock import Event
from kseg.machine.device_context import DeviceContext
from kseg.machine.state import copied
from kseg.memory.physical import Region

BUFFER = 0x8000
"""Where transfer buffers start in a device's window."""


def narrow(word: int, offset: int, size: int) -> int:
    """The `size` bytes at `offset` of a big-endian word."""
    return word >> 8 * (4 - size - (offset & 3)) & (1 << 8 * size) - 1


def merge(word: int, offset: int, size: int, value: int) -> int:
    """`word` with the `size` bytes at `offset` replaced."""
    shift = 8 * (4 - size - (offset & 3))
    mask = (1 << 8 * size) - 1
    return word & ~(mask << shift) | (value & mask) << shift


@dataclass(frozen=True, slots=True)
class Register:
    """One 32-bit register. `access` is "r", "w" or "rw"; anything else is a bus error."""

    offset: int
    name: str
    meaning: str
    """For a person: what is read and what writing does."""
    access: str = "rw"
    read_has_side_effects: bool = False
    steady: bool = False
    """What is read changes only with an event or another access, and not with time or with the
    processor that reads: engines may answer a guest that polls it by themselves."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory in a device's window, which the processor reaches as any other."""

    offset: int
    size: int
    """Bytes."""
    meaning: str
    name: str = "buffer"


class Slots(Protocol):
    """The bus, as a device in one of its slots sees it."""

    def base_of(self, slot: int) -> int:
        """The physical address at which a slot's window begins."""
        ...

    def line(self, slot: int) -> bool:
        """The level of a slot's interrupt line."""
        ...

    def set_line(self, slot: int, level: bool) -> None: ...


class DeviceState(msgspec.Struct):
    """The state of a device that has none."""


class Device:
    """A device in a slot of a bus."""

    name: ClassVar[str]
    """As in configurations."""
    identity: ClassVar[int]
    revision: ClassVar[int]
    """What a bus tells guests that look for devices."""
    arguments: ClassVar[Sequence[Argument]] = ()
    """What may follow its name in a configuration."""
    registers: ClassVar[Sequence[Register]] = ()
    buffers: ClassVar[Sequence[Buffer]] = ()
    prefetchable_words: ClassVar[frozenset[int]] = frozenset()
    """Offsets of registers whose next values depend on nothing but how often they are read; the
    device then has `prefetch` and `consumed` (`kseg.machine.bus.Prefetchable`)."""
    events: ClassVar[Mapping[str, range]] = {}
    """What it has scheduled by name, and what the argument may be."""
    keeps_time: ClassVar[bool] = False
    """Whether its events say nothing about what the guest waits for, as those of a clock."""
    State: ClassVar[type[msgspec.Struct]] = DeviceState
    """All that changes in it, with the values at power-on."""
    state: Any
    """It as it is now, a `State`."""

    def __init__(self, slot: int, context: DeviceContext, bus: Slots, options: Any = None) -> None:
        """Plug the device in and reset it; `options` is what `parse_arguments` returned."""
        self.slot = slot
        self.base = bus.base_of(slot)
        """The physical address of its window."""
        self.options = options
        self.owner = f"{self.name}@{slot}"
        """The name under which the clock knows this device."""
        self.context = context
        self.clock = context.clock
        self.memory = context.memory
        self.activity = context.activity
        self._bus = bus
        self.word_readers: dict[int, Callable[[], int]] = {}
        self.word_writers: dict[int, Callable[[int], None]] = {}
        self.steady_words: set[int] = set()
        self._peekers: dict[int, Callable[[], int]] = {}
        for register in self.registers:
            if "r" in register.access:
                reader = self._method("read", register)
                self.word_readers[register.offset] = reader
                if register.steady:
                    self.steady_words.add(register.offset)
                effects = register.read_has_side_effects
                self._peekers[register.offset] = (
                    self._method("peek", register) if effects else reader
                )
            if "w" in register.access:
                self.word_writers[register.offset] = self._method("write", register)
        self.clock.register(self.owner, self, keeps_time=self.keeps_time)
        self.plug_in()
        self.reset()

    @classmethod
    def parse_arguments(cls, arguments: Arguments) -> Any:
        """Read and check the arguments of a configuration line; ConfigurationError otherwise."""
        arguments.read(cls.arguments)
        return None

    def _method(self, verb: str, register: Register) -> Callable[..., Any]:
        name = register.name
        method: Callable[..., Any] | None = getattr(self, f"{verb}_{name}", None)
        if method is not None:
            return method
        if name not in self.State.__struct_fields__:
            raise NotImplementedError(
                f"{type(self).__name__} declares register {name} but has no {verb}_{name}"
            )
        if verb == "write":
            return lambda value: setattr(self.state, name, value)
        return lambda: getattr(self.state, name)

    # The bus's side. Registers are words: a narrower load picks from a whole read, a narrower
    # store reads, merges and writes (System/161 manual, "MIPS-161"), with all side effects.

    def read(self, offset: int, size: int = 4) -> int:
        """Load `size` bytes at `offset`; BusError where nothing can be read."""
        if size == 4:
            reader = self.word_readers.get(offset)
            if reader is None:
                raise BusError(f"{self.owner}: no readable register at {offset:#x}")
            return reader()
        return narrow(self.read(offset & ~3), offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """Store the `size` bytes of `value` at `offset`; BusError where that is not possible,
        GuestFatal where the hardware does not survive it."""
        if size != 4:
            value = merge(self.read(offset & ~3), offset, size, value)
            offset &= ~3
        writer = self.word_writers.get(offset)
        if writer is None:
            raise BusError(f"{self.owner}: no writable register at {offset:#x}")
        writer(value)

    def peek(self, offset: int, size: int = 4) -> int:
        """Like `read`, without any effect: for debuggers."""
        peeker = self._peekers.get(offset & ~3)
        if peeker is None:
            raise BusError(f"{self.owner}: no readable register at {offset:#x}")
        return narrow(peeker(), offset, size)

    # What a device does and has.

    def plug_in(self) -> None:
        """Add buffers and open what the host lends: once, before the first `reset`."""

    def add_buffer(self, buffer: Buffer) -> Region:
        """Back a buffer with memory."""
        base = self.base + buffer.offset
        return self.memory.add_region(f"{self.owner} {buffer.name}", base, buffer.size)

    @property
    def interrupt(self) -> bool:
        """The level of this slot's interrupt line."""
        return self._bus.line(self.slot)

    @interrupt.setter
    def interrupt(self, level: bool) -> None:
        self._bus.set_line(self.slot, level)

    def schedule(self, delay: int, name: str, argument: int = 0) -> None:
        """Have `on_event(name, argument)` called in `delay` ns of virtual time."""
        self.clock.schedule(delay, self.owner, name, argument)

    def message(self, text: str) -> None:
        """Tell the user, not the guest."""
        self.context.message(text)

    @property
    def traced(self) -> bool:
        """Whether devices are traced."""
        return self.context.control.device_trace is not None

    def trace(self, text: str, *values: object) -> None:
        """Tell the tracer of devices; `text` is a format of `values`."""
        take = self.context.control.device_trace
        if take is not None:
            take(self.name, self.slot, text.format(*values))

    def on_event(self, name: str, argument: int, /) -> None:
        """An event scheduled by this device is due."""
        raise NotImplementedError(
            f"{type(self).__name__} scheduled {name!r} ({argument}) but has no on_event"
        )

    @property
    def expiry(self) -> Event | None:
        """Of a timer: its event that will interrupt the guest, and that a preemption brings
        forward."""
        return None

    def reset(self) -> None:
        """Come to the state after power-on. The clock's events are dropped by the board."""
        self.state = self.State()

    def save(self) -> msgspec.Struct:
        """The state, as plain data; buffers are saved with the physical memory."""
        state: msgspec.Struct = self.state
        return copied(state)

    def load(self, state: Any) -> None:
        """Take over what `save` returned; StateError when it cannot be."""
        self.check_state(state)
        self.state = copied(state)

    def check_event(self, name: str, argument: int) -> None:
        """Raise StateError unless a saved state may have such an event of this device pending."""
        if argument not in self.events.get(name, ()):
            raise StateError(f"{self.owner}: saved with an impossible event {name!r} ({argument})")

    def describe(self) -> list[str]:
        """The state for a person: lines of text, as in System/161's state dump."""
        return [f"{self.name} in slot {self.slot}"]

    def close(self) -> None:
        """Give back what the host lent."""

    def check_state(self, state: Any) -> None:
        """Raise StateError unless `state` is of this class's kind."""
        if not isinstance(state, self.State):
            raise StateError(f"{self.owner}: saved state is a {type(state).__name__}")
