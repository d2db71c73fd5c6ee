"""What every device is: a table of named 32-bit registers, an interrupt line, a state.

A device sees offsets inside its window of the bus only. A class declares its registers once, in
`registers`, and what changes in it once, in `State`. For each way in which a register can be
touched it writes a method,

* `read_<name>(self) -> int` for a readable register,
* `write_<name>(self, value)` for a writable one,
* `peek_<name>(self) -> int` where reading has side effects: what a debugger sees instead,
* `on_<event>(self, argument)` for each of its `events`, when it is due,

but for a register that is nothing else than the field of its name in the state. Everything else
here derives from the two. Buffers are regions of the machine's physical memory, so that engines
reach them without asking.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol

import msgspec

from kseg.engine.codegen.typed import Structure
from kseg.errors import BusError, StateError
from kseg.machine.arguments import Argument, Arguments
from kseg.machine.device_context import DeviceContext
from kseg.machine.event_queue import Event
from kseg.machine.live import live
from kseg.memory.physical import Region

BUFFER = 0x8000
"""Where transfer buffers start in a device's window."""


def _bits_below(offset: int, size: int, byte_order: str) -> int:
    """How many bits of a word are less significant than its `size` bytes at `offset`."""
    return 8 * (4 - size - (offset & 3) if byte_order == "big" else offset & 3)


def narrow(word: int, offset: int, size: int, byte_order: str) -> int:
    """The `size` bytes at `offset` of a word on a bus of this byte order."""
    return word >> _bits_below(offset, size, byte_order) & (1 << 8 * size) - 1


def merge(word: int, offset: int, size: int, value: int, byte_order: str) -> int:
    """`word` with the `size` bytes at `offset` replaced."""
    shift = _bits_below(offset, size, byte_order)
    mask = (1 << 8 * size) - 1
    return word & ~(mask << shift) | (value & mask) << shift


class Register(msgspec.Struct, frozen=True):
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
    count: int = 1
    """How many of the kind there are at most (`Device.count`); of more than one, methods are told
    the number first."""
    stride: int = 0
    """Bytes from one of them to the next."""


class Buffer(msgspec.Struct, frozen=True):
    """Memory in a device's window, which the processor reaches as any other."""

    offset: int
    size: int
    """Bytes."""
    meaning: str
    name: str = "buffer"


def event_method(name: str) -> str:
    """What the method for an event is called."""
    return f"on_{name.replace(' ', '_')}"


class Slots(Protocol):
    """The bus, as a device in one of its slots sees it."""

    asking_processor: int
    """Which processor made the last access."""

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
    events: ClassVar[Mapping[str, range]] = {}
    """What it schedules by name, and what the argument may be."""
    keeps_time: ClassVar[bool] = False
    """Whether its events say nothing about what the guest waits for, as those of a clock."""
    merges_narrow_stores: ClassVar[bool] = True
    """Whether a store of less than a word keeps the rest of it; otherwise its registers are as wide
    as what is stored, and the rest is 0."""
    Options: ClassVar[type[msgspec.Struct] | None] = None
    """What `parse_arguments` returns, where native code is to know of it."""
    Facts: ClassVar[type[Structure] | None] = None
    """What else native code is to know: `facts` is one, as soon as the device is plugged in."""
    State: ClassVar[type[msgspec.Struct]] = DeviceState
    """All that changes in it, with the values at power-on."""
    facts: Any
    state: Any
    """It as it is now: has the fields of `State` (`kseg.machine.live`)."""

    def __init__(self, slot: int, context: DeviceContext, bus: Slots, options: Any = None) -> None:
        """Plug the device in and reset it; `options` is what `parse_arguments` returned."""
        self.slot = slot
        self.base = bus.base_of(slot)
        """The physical address of its window."""
        self.options = options
        self.state = self.live_state()()
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
            for number in range(self.count(register)):
                self._add_register(register, number)
        self.number = self.clock.register(
            self.owner, self, tuple(self.events), keeps_time=self.keeps_time
        )
        """Under which the clock knows it."""
        self._event_numbers = {name: number for number, name in enumerate(self.events)}
        self.plug_in()
        self.reset()

    @classmethod
    def parse_arguments(cls, arguments: Arguments) -> Any:
        """Read and check the arguments of a configuration line; ConfigurationError otherwise."""
        arguments.read(cls.arguments)
        return None

    def count(self, register: Register) -> int:
        """How many registers of a kind this device has."""
        return register.count

    def _add_register(self, register: Register, number: int) -> None:
        offset = register.offset + number * register.stride
        numbers = (number,) if register.count > 1 else ()
        if "r" in register.access:
            reader = partial(self._method("read", register), *numbers)
            self.word_readers[offset] = reader
            if register.steady:
                self.steady_words.add(offset)
            effects = register.read_has_side_effects
            self._peekers[offset] = (
                partial(self._method("peek", register), *numbers) if effects else reader
            )
        if "w" in register.access:
            self.word_writers[offset] = partial(self._method("write", register), *numbers)

    @classmethod
    def live_state(cls) -> type[Any]:
        """The structure that the state is while the machine runs."""
        return live(cls.State)

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
        return narrow(self.read(offset & ~3), offset, size, self.context.byte_order)

    def write(self, offset: int, size: int, value: int) -> None:
        """Store the `size` bytes of `value` at `offset`; BusError where that is not possible,
        GuestFatal where the hardware does not survive it."""
        if size != 4:
            word = self.read(offset & ~3) if self.merges_narrow_stores else 0
            value = merge(word, offset, size, value, self.context.byte_order)
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
        return narrow(peeker(), offset, size, self.context.byte_order)

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
        """Have `on_<name>(argument)` called in `delay` ns of virtual time."""
        self.clock.add(delay, self.number, self._event_numbers[name], argument)

    def drop_oldest(self, name: str) -> None:
        """Forget its event of a name that was scheduled first, if there is one."""
        self.clock.drop_oldest(self.number, self._event_numbers[name])

    def print_character(self, character: int) -> None:
        """Print a byte on the console."""
        self.activity.console_writes += 1
        self.context.console(bytes([character]))

    @property
    def asking_processor(self) -> int:
        """The number of the processor that has made the present access."""
        return self._bus.asking_processor

    def tick_doom(self) -> None:
        """A disk write that counts for the doom counter; DoomReached when it comes to zero."""
        self.context.control.tick_doom()

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
        method = getattr(self, event_method(name), None)
        if method is None:
            kind = type(self).__name__
            raise NotImplementedError(f"{kind} scheduled {name!r} but has no {event_method(name)}")
        method(argument)

    @property
    def expiry(self) -> Event | None:
        """Of a timer: its event that will interrupt the guest, and that a preemption brings
        forward."""
        return None

    def reset(self) -> None:
        """Come to the state after power-on. The clock's events are dropped by the board."""
        self.state.load(self.State())

    def save(self) -> Any:
        """The state, as plain data; buffers are saved with the physical memory."""
        return self.state.save()

    def load(self, state: Any) -> None:
        """Take over what `save` returned; StateError when it cannot be."""
        self.check_state(state)
        self.state.load(state)

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


_BY_PYTHON: dict[Any, list[str]] = {}
"""By class: each call from native code looks one up."""


def by_python_methods(kind: type[Device]) -> list[str]:
    """The names of a device's methods that native code has done by Python, by number."""
    found = _BY_PYTHON.get(kind)
    if found is None:
        names = {name for base in kind.__mro__ for name in vars(base)}
        found = sorted(name for name in names if hasattr(getattr(kind, name, None), "by_python"))
        _BY_PYTHON[kind] = found
    return found
