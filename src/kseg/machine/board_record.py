"""A board as its devices' native code knows it: where its parts are, and what it tells Python.

CPython's devices do not need it: they have the parts themselves. See `kseg.devices.native`.
"""

import ctypes
from typing import Annotated

from kseg.engine.codegen.typed import Structure, i64, through, u32, u64
from kseg.engine.state import ProcessorState
from kseg.machine.clock import EventClock
from kseg.machine.typist import Typist

CONSOLE_ROOM = 1024
"""Characters of the console that are kept until Python takes them."""
MOST_OWNERS = 64
MOST_EVENTS = 4
"""Owners of events, and events of an owner, that can have native handlers."""
MOST_PROCESSORS = 32
MOST_ACCESSES = 1 << 16


class Access(Structure):
    """A word of a device's register, by physical address: an entry of a hash table."""

    address: u64
    """0: the entry is free. No register is there."""
    device: u64
    """The address of the device's record."""
    loads: u64
    stores: u64
    """Native functions; 0 where Python answers."""
    number: u32
    """Of registers of which there are several."""
    numbered: bool
    steady: bool

    @through("loads")
    def load(self, device: u64) -> u32:
        """Read the register."""
        raise NotImplementedError

    @through("stores")
    def store(self, device: u64, value: u32) -> None:
        """Write the register."""
        raise NotImplementedError

    @through("loads")
    def load_numbered(self, device: u64, number: u32) -> u32:
        """Read one of several registers."""
        raise NotImplementedError

    @through("stores")
    def store_numbered(self, device: u64, number: u32, value: u32) -> None:
        """Write one of several registers."""
        raise NotImplementedError


class Handler(Structure):
    """What happens at an event of a device."""

    function: u64
    """A native function; 0 where Python is told."""
    device: u64

    @through("function")
    def call(self, device: u64, argument: i64) -> None:
        """The event is due."""
        raise NotImplementedError


class BoardRecord(Structure):
    """Addresses of a board's parts, tables of its devices, and what is for Python."""

    clock_address: u64
    activity_address: u64
    lines_address: u64
    processors_address: u64
    processor_count: u32
    accesses_address: u64
    accesses_mask: u32
    """The number of entries, a power of two, less 1."""
    attention: u32
    """Not 0: Python is to look between two bursts: something has come in, or was asked for."""
    printed: u32
    """Characters in `console`."""
    refused: bool
    """A device leaves to Python what it was asked for."""
    raised: bool
    """What Python was called for has raised something."""
    each_character: bool
    """Python takes each character as soon as it is printed."""
    news: bool
    """Something has been printed since the observers looked last."""
    flush_address: u64
    call_address: u64
    typist_address: u64
    console: Annotated[ctypes.Array[ctypes.c_uint8], CONSOLE_ROOM]
    handlers: Annotated[ctypes.Array[Handler], MOST_OWNERS * MOST_EVENTS]

    @property
    def clock(self) -> EventClock:
        return EventClock.from_address(self.clock_address)

    @property
    def typist(self) -> Typist:
        return Typist.from_address(self.typist_address)

    @property
    def processors(self) -> Annotated[ctypes.Array[ProcessorState], MOST_PROCESSORS]:
        """As far as there are some."""
        return _Processors.from_address(self.processors_address)

    @property
    def accesses(self) -> Annotated[ctypes.Array[Access], MOST_ACCESSES]:
        """As far as there are some."""
        return _Accesses.from_address(self.accesses_address)

    def access(self, address: u32) -> Access:
        """The entry of a physical address, or a free one."""
        place: u64 = first_place(address) & self.accesses_mask
        while True:
            access = self.accesses[place % MOST_ACCESSES]
            if access.address == address or access.address == 0:
                return access
            place = place + 1 & self.accesses_mask

    def handler(self, owner: u32, name: u32) -> Handler:
        """Of an event; without a function where there is none."""
        if owner < MOST_OWNERS and name < MOST_EVENTS:
            return self.handlers[(owner * MOST_EVENTS + name) % (MOST_OWNERS * MOST_EVENTS)]
        return self.handlers[MOST_OWNERS * MOST_EVENTS - 1]

    @property
    def all_idle(self) -> bool:
        """Whether no processor would execute anything."""
        for number in range(self.processor_count % (MOST_PROCESSORS + 1)):
            processor = self.processors[number]
            if processor.enabled and not processor.waiting:
                return False
        return True

    def print_character(self, character: u32) -> None:
        """Keep a character for Python."""
        self.console[self.printed % CONSOLE_ROOM] = character & 0xFF
        self.printed += 1
        self.news = True
        self.typist.heard(character & 0xFF, self.clock.now)
        if self.printed == CONSOLE_ROOM or self.each_character:
            self.flush()

    @through("call_address")
    def call_python(self, owner: u32, method: u32, argument: u64) -> u32:
        """Have a device's method done by Python; what it returns, or 0."""
        raise NotImplementedError

    @through("flush_address")
    def flush(self) -> None:
        """Let Python take what was printed."""
        raise NotImplementedError


_Processors = ProcessorState * MOST_PROCESSORS
_Accesses = Access * MOST_ACCESSES


def first_place(address: u32) -> u64:
    """Where the search for an access begins: registers are close together, devices are not."""
    return address >> 2 ^ address >> 11 ^ address >> 16
