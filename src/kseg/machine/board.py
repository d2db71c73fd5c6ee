"""Boards (QEMU: machine types): what a machine is without an engine, and all that others may ask
of it.

`Board` is the contract and what boards have in common: memory, processors, time, devices, the
kernel that is booted, state. A board of its own says what it is called, which processors it has,
how it counts time, where its bus has which devices (docs/own-boards.md); `kseg.boards` knows it by
its name.
"""

import ctypes
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from kseg.engine.state import ProcessorState
from kseg.errors import ConfigurationError, DoomReached, KsegError
from kseg.isa.exceptions import RESET_VECTOR
from kseg.isa.profile import profile_named
from kseg.machine.board_record import BoardRecord
from kseg.machine.board_state import BoardState, OwnState
from kseg.machine.booting import BootedKernel
from kseg.machine.bus import Bus
from kseg.machine.clock import EventClock, TimeModel
from kseg.machine.configuration import BoardOptions, Configuration, PlainConfiguration
from kseg.machine.device_context import DeviceContext
from kseg.machine.elf import Image, read_image
from kseg.machine.input_port import InputPort
from kseg.machine.live import live
from kseg.machine.preemption import Struck, preempt
from kseg.machine.random_generator import RandomGenerator
from kseg.machine.run_lock import RunLock
from kseg.machine.saving import load_board, save_board
from kseg.machine.statistics import DeviceActivity
from kseg.machine.typist import Typist
from kseg.memory.physical import PhysicalMemory

if TYPE_CHECKING:
    from kseg.devices.device import Device
    from kseg.machine.disk_image import Disk

COUNTER_MASK = (1 << 64) - 1


class Connection(Protocol):
    """Something that reaches out of the machine, until it is closed."""

    def close(self) -> None: ...


class MeterServer(Protocol):
    """A socket at which a board's counters are read; see `Board.serve_meter`."""

    def start(self) -> None: ...

    def close(self) -> None: ...


def host_seconds() -> int:
    """The host's calendar, as far as a machine's goes: 0 before 1970, and it begins anew in 2106,
    as the hardware's does."""
    return max(int(time.time()), 0) & 0xFFFFFFFF


class Board:
    """Memory, bus, devices, processors and time; the run loop and an engine make it run."""

    # What a board says of itself.

    name: ClassVar[str]
    """As `kseg.boards` knows it."""
    profile: str
    """What its processors are: see `kseg.isa.profile`."""
    byte_order: str = "big"
    time_model: TimeModel
    """How long a cycle is, and how bursts go."""
    configuration_file: str = ""
    """What describes the machine of kernels that lie beside it, if that is not said."""
    line_names: Mapping[int, str] = MappingProxyType({})
    """The processors' interrupt lines, as Cause shows them, for a trace."""

    bus: Bus

    ready_made: ClassVar[bool] = False
    """Whether there is native code of it with all devices that kseg brings along for it."""

    @classmethod
    def device_kinds(cls) -> "Sequence[type[Device]]":
        """Those devices."""
        raise NotImplementedError

    @classmethod
    def lines_kind(cls) -> type[Any]:
        """The interrupt lines of its bus (`kseg.devices.lines`)."""
        raise NotImplementedError

    @classmethod
    def configure(
        cls, given: str | Path | Configuration | None, options: BoardOptions
    ) -> Configuration:
        """What a file says, or another configuration, or nothing, with a user's changes;
        ConfigurationError where there are no such machines."""
        if given is not None and not isinstance(given, PlainConfiguration):
            raise ConfigurationError(f"config {given}: the board {cls.name} has none in files")
        for name in ("disks", "share", "devices"):
            if getattr(options, name):
                raise ConfigurationError(f"{name}: the board {cls.name} has no place for that")
        words = [] if given is None else [given.text()]
        words += [f"ram={options.ram}"] if options.ram is not None else []
        words += [f"cpus={options.cpus}"] if options.cpus is not None else []
        words += [f"fpu={options.fpu}"] if options.fpu is not None else []
        return cls.read_configuration(" ".join(words), f"machine {cls.name}")

    @classmethod
    def profile_of(cls, configuration: Configuration) -> str:  # noqa: ARG003
        """That of a machine's processors."""
        return cls.profile

    @classmethod
    def read_configuration(cls, text: str, source: str) -> Configuration:
        """What the `text` of a configuration says, as it is in snapshots; ConfigurationError, which
        begins with `source`, otherwise."""
        return PlainConfiguration.read(cls.name, text, source)

    def make_bus(self) -> Bus:
        """The bus; memory and processors are there, and regions can be added."""
        raise NotImplementedError(f"{type(self).__name__} has no make_bus")

    def plug_devices(self, context: DeviceContext) -> None:
        """Put devices into the bus."""
        raise NotImplementedError(f"{type(self).__name__} has no plug_devices")

    def start_processor(self, number: int) -> bool:
        """Whether a processor executes after a reset: the others are started by a device."""
        return number == 0

    def __init__(
        self,
        configuration: Any,
        *,
        input_port: InputPort | None = None,
        console: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
        epoch: Callable[[], int] | None = None,
        doom: int = 0,
        memory: Callable[[int], PhysicalMemory] = PhysicalMemory,
        disks: "Mapping[int, Disk] | None" = None,
    ) -> None:
        """Build and reset the machine that `configure` or `read_configuration` has described.

        `console` takes what the guest prints, `message` what the machine has to say. `epoch` gives
        the calendar time at the start, in seconds since 1970 (default: the host's clock). `doom`
        is the number of disk writes after which the power fails; 0 is never. `memory` makes
        physical memory with so many bytes of RAM. `disks` are in their drives already, by slot,
        instead of what the configuration names.
        """
        self.configuration = configuration
        self.profile = self.profile_of(configuration)
        self.input_port = input_port or InputPort()
        self.message = message or (lambda _text: None)
        self.memory = memory(configuration.ram_size)
        # Side by side: native code finds them by number.
        self.processors: Sequence[ProcessorState] = list(
            (ProcessorState * configuration.processors)()
        )
        self.random = RandomGenerator()
        now = epoch or host_seconds
        answer = self.input_port.ask("epoch", lambda: now().to_bytes(8, "big"))
        self.clock = EventClock(self.time_model, self.random, int.from_bytes(answer, "big"))
        self.typist = Typist()
        self.activity: Any = live(DeviceActivity)()
        self.state = OwnState(doom=doom)
        self.run_lock = RunLock()
        """Held while the machine is used; guests of one host have one together."""
        self.trace_flags: set[str] = set()
        self.trace_flags_changed: Callable[[], None] = lambda: None
        """Called when the guest has changed them."""
        self.device_trace: Callable[[str, int, str], None] | None = None
        self.can_profile = False
        self.profiling = True
        self.profile_clears = 0
        self.debugger_pending = False
        """Whether the guest asks for a debugger now; the run loop clears it."""
        self.debugger_at = ""
        """Where one is expected, for the user to be told."""
        self.struck: list[Struck] = []
        """Preemptions that have happened since this board was made."""
        self.when_changed: Callable[[], None] = lambda: None
        """Called when the machine is edited: its state is changed by hand."""
        self.when_reset: Callable[[], None] = lambda: None
        """Called after a reset. The run loop takes both, for its observers."""
        self.kernel: BootedKernel | None = None
        """What `reset` boots; a board that is made for a snapshot has none."""
        self.bus = self.make_bus()
        self.take_console = console or (lambda _data: None)
        """Takes what the guest prints."""
        self.record = BoardRecord(
            clock_address=ctypes.addressof(self.clock),
            activity_address=ctypes.addressof(self.activity),
            lines_address=self.bus.lines_address,
            processors_address=ctypes.addressof(self.processors[0]),
            processor_count=len(self.processors),
            typist_address=ctypes.addressof(self.typist),
        )
        """What native code knows of it."""
        self.input_port.notify = self.call_attention
        context = DeviceContext(
            clock=self.clock,
            random=self.random,
            memory=self.memory,
            directory=Path(configuration.directory),
            byte_order=self.byte_order,
            input_port=self.input_port,
            activity=self.activity,
            console=self._print,
            message=self.message,
            control=self,
            disks=disks or {},
        )
        try:
            self.plug_devices(context)
        except BaseException:
            self.close()
            raise
        self.fill_rom()  # The rest is zero already, and takes no room on the host until used.
        self._reset_processors()

    # Its parts.

    @property
    def cards(self) -> "Sequence[Device]":
        """Its devices, by slot."""
        return self.bus.cards

    @property
    def all_idle(self) -> bool:
        """Whether no processor would execute anything."""
        return self.record.all_idle

    # Booting.

    def load_kernel(
        self, kernel: str | Path | Image, arguments: str | bytes = "", name: str = "image"
    ) -> None:
        """Load a kernel and give it its boot string; ImageError, with the `name` of an image that
        has been read, when that cannot be done."""
        if not isinstance(kernel, Image):
            kernel, name = read_image(kernel, self.byte_order), str(kernel)
        self.kernel = BootedKernel.of(kernel, arguments, name)
        self._boot()

    @property
    def boot_string(self) -> bytes:
        """What the kernel was given."""
        return b"" if self.kernel is None else self.kernel.boot_string

    def _boot(self) -> None:
        if self.kernel is not None:
            self.put_kernel(self.kernel)

    def put_kernel(self, kernel: BootedKernel) -> None:
        """Put a kernel into RAM, and the processor at its entry, as the board's firmware does;
        ImageError where that cannot be."""
        kernel.put_into(self.memory, self.processors[0])

    # Resetting.

    def fill_rom(self) -> None:
        """Write what is in read-only memory."""

    def reset(self) -> None:
        """Back to power-on with the same kernel; time goes on, pending events are forgotten."""
        self.clock.forget_events()
        self.state = OwnState(doom=self.state.doom)
        self.debugger_pending = False
        self.trace_flags.clear()
        self.trace_flags_changed()
        self.profiling = True
        for region in self.memory.regions:
            self.memory.write(region.base, bytes(region.size))
        self.fill_rom()
        self._reset_processors()
        for card in self.cards:
            card.reset()
        self._boot()
        self.when_reset()
        self.changed()

    def _reset_processors(self) -> None:
        status = profile_named(self.profile).status_at_reset
        for number, processor in enumerate(self.processors):
            # Engines and the clock count cycles from the machine's beginning, not from a reset.
            clock = processor.clock
            processor.reset(status, RESET_VECTOR)
            processor.clock = clock
            processor.count_origin = (clock - 1) & COUNTER_MASK
            processor.random_origin = clock
            processor.identity = number
            processor.enabled = int(self.start_processor(number))

    def changed(self) -> None:
        """The machine was edited between two runs."""
        self.when_changed()

    def preempt(self) -> None:
        """Let the next preemption happen."""
        preempt(self)

    def call_attention(self) -> None:
        """Have the run loop look at the machine between two bursts, and soon; any thread may."""
        self.record.attention = 1

    def _print(self, data: bytes) -> None:
        self.record.news = True
        for character in data:
            self.typist.heard(character, self.clock.now)
        self.take_console(data)

    # What devices ask of the machine (`BoardControl`).

    def request_debugger(self) -> None:
        self.state.debugger_requested = True
        self.debugger_pending = True
        self.call_attention()
        self.clock.end_burst_early()

    def power_off(self) -> None:
        self.state.powered_off = True
        self.call_attention()

    def beep(self) -> None:
        """A bell: a message, unless the run's owner replaces this."""
        self.message("[BEEP]")

    def tick_doom(self) -> None:
        if self.state.doom:
            self.state.doom -= 1
            if self.state.doom == 0:
                self.message("DOOOOOOOOOOOM")
                raise DoomReached("the doom counter came to zero")

    def dump(self) -> None:
        """Describe the devices in messages."""
        for card in self.cards:
            for line in card.describe():
                self.message(line)

    # The host.

    def connect_network(self, wake: Callable[[], None] = lambda: None) -> Sequence[Connection]:  # noqa: ARG002
        """Let network cards reach for the hubs that the configuration names; the caller closes the
        connections. `wake` is called when something has come in, from another thread. KsegError
        when that fails."""
        return ()

    def serve_meter(self, path: Path) -> MeterServer:  # noqa: ARG002
        """Make a socket at which the machine's counters are read; KsegError where that cannot
        be."""
        raise KsegError(f"the board {self.name} has no meter")

    def hang_up(self) -> None:
        """The machine has become another one: the clients of the one before are not here."""

    # State.

    def save(self, *, with_ram: bool = True) -> BoardState:
        """Everything a guest can see or that determines what it will see, between two runs.
        Without RAM where that is copied in another way."""
        return save_board(self, with_ram=with_ram)

    def load(self, state: BoardState, *, with_ram: bool = True) -> None:
        """Become the saved machine; StateError when this one is built differently, or when the
        state is impossible. Without RAM where that is in place already."""
        load_board(self, state, with_ram=with_ram)

    def close(self) -> None:
        """Give back files and locks; the machine cannot run any more."""
        for card in self.cards:
            card.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
