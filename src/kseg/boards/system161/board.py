"""The board System/161 emulates: LAMEbus, its cards, up to 32 MIPS-161 processors at 25 MHz."""

import ctypes
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from kseg.boards.system161.configuration import Configuration
from kseg.boards.system161.lamebus import KSEG0, LameBus, enter
from kseg.boards.system161.meter import OWNER as METER
from kseg.boards.system161.meter import Meter
from kseg.devices.device import Device, DeviceContext
from kseg.devices.registry import DEVICES
from kseg.devices.timer import Timer
from kseg.engine.state import ProcessorState
from kseg.errors import DoomReached, ImageError, StateError
from kseg.isa.profile import MIPS161
from kseg.isa.registers import TIMER_LINE
from kseg.machine.clock import SECOND, ClockState, EventClock, TimeModel
from kseg.machine.disk_image import Disk
from kseg.machine.elf import WINDOW, Image, load_image, read_image
from kseg.machine.input_port import InputPort
from kseg.machine.preemption import Preemption, Struck
from kseg.machine.processor_state import load_processor, save_processor
from kseg.machine.random_generator import RandomGenerator, RandomState
from kseg.machine.run_lock import RunLock
from kseg.machine.statistics import DeviceActivity
from kseg.memory.contents import RegionContents, read_contents, write_contents
from kseg.memory.physical import PhysicalMemory

STATE_VERSION = 3
OLDEST_STATE = 2
"""Without preemptions; it can still be read."""

NANOSECONDS_PER_CYCLE = 40
TIME = TimeModel(
    nanoseconds_per_cycle=NANOSECONDS_PER_CYCLE,
    longest_burst=125_000,
    poll_interval=50_000,
    jitter=True,
    late_events=True,
    random_start=10_000_000,
    idle_remainder_counts_twice=True,
)

ROM_BASE = 0x1FC00000
ROM_SIZE = 4096
BREAK = 0x0000000D
COUNTER_MASK = (1 << 64) - 1

RESET_VECTOR = 0xBFC00000
RESET_STATUS = MIPS161.status_at_reset
"""Exceptions go to the boot ROM, kernel mode, interrupts off."""


class System161State(msgspec.Struct, frozen=True):
    """A whole machine between two instructions, as plain data.

    `configuration` is the text of the configuration the state belongs to.
    """

    version: int
    configuration: str
    regions: dict[str, RegionContents]
    processors: list[dict[str, Any]]
    clock: ClockState
    random: RandomState
    activity: DeviceActivity
    devices: dict[int, Any]
    powered_off: bool
    debugger_requested: bool
    doom: int
    preemptions: list[Preemption] = []

    def __repr__(self) -> str:
        pages = sum(len(contents.pages) for contents in self.regions.values())
        time = self.clock.base + self.clock.elapsed * NANOSECONDS_PER_CYCLE
        return (
            f"<System161State: {len(self.processors)} CPU, {pages} pages,"
            f" {len(self.devices)} cards, {time / SECOND:.6f} s>"
        )


MOST_PREEMPTIONS = 1 << 16
"""That a board can have to come."""


def host_seconds() -> int:
    """The host's calendar, as far as the machine's goes: 0 before 1970, and it begins anew in
    2106, as the hardware's does."""
    return max(int(time.time()), 0) & 0xFFFFFFFF


class System161:
    """Memory, bus, cards, processors and time; a monitor and an engine make it run."""

    byte_order = "big"
    profile = "mips161"

    def __init__(
        self,
        configuration: Configuration,
        *,
        input_port: InputPort | None = None,
        console: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
        epoch: Callable[[], int] | None = None,
        doom: int = 0,
        memory: Callable[[int], PhysicalMemory] = PhysicalMemory,
        disks: Mapping[int, Disk] | None = None,
    ) -> None:
        """Build and reset the machine.

        `console` takes what the guest prints, `message` what the machine has to say. `epoch` gives
        the calendar time at the start, in seconds since 1970 (default: the host's clock). `doom`
        is the number of disk writes after which the power fails; 0 is never. `memory` makes
        physical memory with so many bytes of RAM. `disks` are in their drives already, by slot,
        instead of what the configuration names.
        """
        self.configuration = configuration
        self.input_port = input_port or InputPort()
        self.message = message or (lambda _text: None)
        self._console = console or (lambda _data: None)
        options = DEVICES[configuration.controller.device].parse_arguments(
            configuration.controller.read_arguments()
        )
        self.memory = memory(options.ram_size)
        self.memory.add_region("boot rom", ROM_BASE, ROM_SIZE, writable=False)
        self.processors = [ProcessorState() for _ in range(options.processors)]
        self.bus = LameBus(self.memory, self.processors)
        self.random = RandomGenerator()
        now = epoch or host_seconds
        answer = self.input_port.ask("epoch", lambda: now().to_bytes(8, "big"))
        self.clock = EventClock(TIME, self.random, int.from_bytes(answer, "big"))
        self.activity = DeviceActivity()
        self.trace_flags: set[str] = set()
        self.trace_flags_changed: Callable[[], None] = lambda: None
        """Called when the guest has changed them."""
        self.device_trace: Callable[[str, int, str], None] | None = None
        self.run_lock = RunLock()
        """Held while the machine is used; guests of one host have one together."""
        self.can_profile = False
        self.profiling = True
        self.profile_clears = 0
        self.doom = doom
        self.powered_off = False
        self.debugger_requested = False
        """Whether the guest ever asked for a debugger; then the exit code is 1."""
        self.debugger_pending = False
        """Whether it asks now; the monitor clears it."""
        self.debugger_at = ""
        """Where one is expected, for the user to be told."""
        self.preemptions: deque[Preemption] = deque()
        """Those to come, in order."""
        self.struck: list[Struck] = []
        """Those that have happened since this board was made."""
        self.when_changed: list[Callable[[], None]] = []
        """Called when the machine is edited: its state is changed by hand."""
        self.when_reset: Callable[[], None] | None = None
        """Called after a reset, for observers that know what the machine was like."""
        self.meter = Meter(self)
        self._image: Image | None = None
        self._image_name = ""
        self._boot_string = b""
        self._plug_cards(disks or {})
        self._fill_rom()  # The rest is zero already, and takes no room on the host until used.
        self._reset_processors()

    def _plug_cards(self, disks: Mapping[int, Disk]) -> None:
        context = DeviceContext(
            clock=self.clock,
            random=self.random,
            memory=self.memory,
            directory=Path(self.configuration.directory),
            input_port=self.input_port,
            activity=self.activity,
            # Looked up at each use, so that both can be replaced while the machine runs.
            console=lambda data: self._console(data),
            message=lambda text: self.message(text),
            control=self,
            disks=disks,
        )
        try:
            for slot in self.configuration.slots:
                kind = DEVICES[slot.device]
                options = kind.parse_arguments(slot.read_arguments())
                self.bus.plug(kind(slot.slot, context, self.bus, options))
        except BaseException:
            self.close()
            raise

    @property
    def console(self) -> Callable[[bytes], None]:
        """Takes what the guest prints."""
        return self._console

    @console.setter
    def console(self, console: Callable[[bytes], None]) -> None:
        self._console = console

    # Booting.

    def load_kernel(
        self, kernel: str | Path | Image, arguments: str | bytes = "", name: str = "image"
    ) -> None:
        """Load a kernel and give it its boot string; ImageError, with the `name` of an image that
        has been read, when that cannot be done."""
        self._image = kernel if isinstance(kernel, Image) else read_image(kernel, self.byte_order)
        self._image_name = name if isinstance(kernel, Image) else str(kernel)
        if isinstance(arguments, str):
            arguments = arguments.encode("utf-8", "surrogateescape")
        self._boot_string = arguments.partition(b"\0")[0]
        self._boot()

    @property
    def boot_string(self) -> bytes:
        """What the kernel was given."""
        return self._boot_string

    def boot_like(self, other: "System161") -> None:
        """Let `reset` boot the kernel of another board."""
        self._image, self._image_name = other._image, other._image_name
        self._boot_string = other._boot_string

    def _boot(self) -> None:
        """Put the kernel into RAM, the boot string at its top, and processor 0 at the entry."""
        if self._image is None:
            return
        load_image(self._image, self.memory, self._image_name)
        string = self._boot_string + b"\0"
        string = string.ljust(-(-len(string) // 4) * 4, b"\0")
        top = self.memory.ram.size - len(string)
        if top < 0:
            raise ImageError(
                f"kernel {self._image_name}: its boot string of {len(string)} bytes does not fit"
                f" into {self.memory.ram.size >> 10}K of RAM; shorten it or raise ramsize="
            )
        self.memory.write(top, string)
        base = WINDOW if self._image.in_window else KSEG0
        enter(self.processors[0], self._image.entry, base + top, base + top - 4)

    def _reset_memory(self) -> None:
        for region in self.memory.regions:
            self.memory.write(region.base, bytes(region.size))
        self._fill_rom()

    def _fill_rom(self) -> None:
        # Sliding into the last word of the ROM means an exception nobody has a handler for.
        self.memory.write(ROM_BASE + ROM_SIZE - 4, BREAK.to_bytes(4, "big"))

    def _reset_processors(self) -> None:
        for number, processor in enumerate(self.processors):
            # Engines and the clock count cycles from the machine's beginning, not from a reset.
            clock = processor.clock
            processor.reset(RESET_STATUS, RESET_VECTOR)
            processor.clock = clock
            processor.count_origin = (clock - 1) & COUNTER_MASK
            processor.random_origin = clock
            processor.identity = number
            processor.enabled = int(number == 0)

    @property
    def has_kernel(self) -> bool:
        """Whether `reset` has a kernel to boot; a board made for a snapshot has none."""
        return self._image is not None

    def reset(self) -> None:
        """Back to power-on with the same kernel; time goes on, pending events are forgotten."""
        metered = self.meter.save()
        self.clock.forget_events()
        self.powered_off = False
        self.debugger_requested = False
        self.debugger_pending = False
        self.preemptions.clear()
        self.trace_flags.clear()
        self.trace_flags_changed()
        self.profiling = True
        self._reset_memory()
        self._reset_processors()
        for card in self.bus.cards:
            card.reset()
        self.meter.restart(metered)
        self._boot()
        if self.when_reset is not None:
            self.when_reset()
        self.changed()

    def changed(self) -> None:
        """The machine was edited between two runs."""
        for told in tuple(self.when_changed):
            told()

    # Preemption.

    def preempt(self) -> None:
        """Let the next preemption happen: the on-chip timer of the processor that it names fires,
        or that of the next one which executes and has set its timer. Where nobody has, a timer card
        is ahead of its time. Where there is none either, or the interrupt is pending already,
        nothing happens."""
        number = self.preemptions.popleft().processor
        count = len(self.processors)
        executing = [
            processor
            for processor in (self.processors[(number + n) % count] for n in range(count))
            if processor.enabled and not processor.waiting
        ]
        for processor in executing:
            if processor.timer_armed and not processor.timer_line:
                # As when Count comes to Compare.
                processor.count_origin = processor.clock
                processor.timer_line = TIMER_LINE
                self._strike(processor)
                return
        timers = [card for card in self.bus.cards if isinstance(card, Timer) and not card.interrupt]
        expiries = [event for card in timers if (event := card.expiry) is not None]
        if expiries and executing:
            self.clock.bring_forward(min(expiries, key=lambda event: (event.due, event.sequence)))
            self._strike(executing[0])

    def _strike(self, processor: ProcessorState) -> None:
        self.struck.append(Struck(processor.clock, processor.identity, processor.pc))

    # What cards ask of the machine (`BoardControl`).

    def request_debugger(self) -> None:
        self.debugger_requested = True
        self.debugger_pending = True
        self.clock.end_burst_early()

    def power_off(self) -> None:
        self.powered_off = True

    def beep(self) -> None:
        """The timer card's speaker: a message, unless the run's owner replaces this."""
        self.message("[BEEP]")

    def tick_doom(self) -> None:
        if self.doom:
            self.doom -= 1
            if self.doom == 0:
                self.message("DOOOOOOOOOOOM")
                raise DoomReached("the doom counter came to zero")

    def dump(self) -> None:
        """Describe the whole machine in messages."""
        from kseg.boards.system161.state_dump import dump

        for line in dump(self):
            self.message(line)

    # State.

    def save(self, *, with_ram: bool = True) -> System161State:
        """Everything a guest can see or that determines what it will see, between two runs.
        Without RAM where that is copied in another way."""
        return System161State(
            version=STATE_VERSION,
            configuration=self.configuration.text(),
            regions={
                region.name: read_contents(self.memory, region)
                for region in self.memory.regions
                if with_ram or region is not self.memory.ram
            },
            processors=[save_processor(processor) for processor in self.processors],
            clock=self.clock.save(),
            random=self.random.save(),
            activity=msgspec.structs.replace(self.activity),
            devices={card.slot: card.save() for card in self.bus.cards},
            powered_off=self.powered_off,
            debugger_requested=self.debugger_requested,
            doom=self.doom,
            preemptions=list(self.preemptions),
        )

    def load(self, state: System161State, *, with_ram: bool = True) -> None:
        """Become the saved machine; StateError when this one is built differently, or when the
        state is impossible. Without RAM where that is in place already."""
        if not OLDEST_STATE <= state.version <= STATE_VERSION:
            raise StateError(
                f"saved state has version {state.version}, this kseg reads {STATE_VERSION}"
            )
        regions = [r for r in self.memory.regions if with_ram or r is not self.memory.ram]
        mine = {region.name: region.size for region in regions}
        theirs = {name: contents.size for name, contents in state.regions.items()}
        cards = {card.slot: card for card in self.bus.cards}
        if (
            mine != theirs
            or len(state.processors) != len(self.processors)
            or cards.keys() != state.devices.keys()
        ):
            raise StateError("saved state is of a machine with another configuration")
        if not all(contents.fits() for contents in state.regions.values()):
            raise StateError("saved state has pages outside the machine's memory")
        processors = self._processors(state)
        # What fails from here on leaves the machine as it is, or half loaded: it must not run.
        if any(each.processor >= len(processors) for each in state.preemptions):
            raise StateError("saved state has a preemption of a processor that is not there")
        if state.clock.idle_cycles > processors[0].clock:
            raise StateError("saved state has idled for longer than it has been there")
        devices = {slot: card_state(card, state.devices[slot]) for slot, card in cards.items()}
        owners = {card.owner: card for card in cards.values()}
        for event in state.clock.events:
            if event.owner in owners:
                owners[event.owner].check_event(event.name, event.argument)
            elif event.owner == METER:
                self.meter.check_event(event.name, event.argument)
        try:
            self.clock.load(state.clock)
            self.random.load(state.random)
        except ValueError as error:
            raise StateError(f"saved state: {error}") from None
        for region in regions:
            write_contents(self.memory, region, state.regions[region.name])
        for slot, card in cards.items():
            card.load(devices[slot])
        for processor, loaded in zip(self.processors, processors, strict=True):
            ctypes.memmove(
                ctypes.addressof(processor), ctypes.addressof(loaded), ctypes.sizeof(loaded)
            )
        for field in msgspec.structs.fields(DeviceActivity):
            setattr(self.activity, field.name, getattr(state.activity, field.name))
        self.powered_off = state.powered_off
        self.debugger_requested = state.debugger_requested
        self.debugger_pending = False
        self.doom = state.doom
        self.preemptions = deque(sorted(state.preemptions))

    @staticmethod
    def _processors(state: System161State) -> list[ProcessorState]:
        """The saved processors; StateError unless they are a board's, and between two cycles."""
        processors = []
        for number, saved in enumerate(state.processors):
            found = ProcessorState()
            load_processor(found, saved)
            processors.append(found)
            foreign = found.status & ~MIPS161.status_writable
            if found.identity != number or found.supervised or foreign:
                raise StateError(f"saved processor {number} is of another kind of machine")
        if len({processor.clock for processor in processors}) != 1:
            raise StateError("the saved processors stand in different cycles")
        return processors

    def close(self) -> None:
        """Give back files and locks; the machine cannot run any more."""
        for card in self.bus.cards:
            card.close()

    def __enter__(self) -> "System161":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def card_state(card: Device, state: Any) -> Any:
    """A card's state as its own type: of bytes, as a file gives them, no more is read than the type
    has room for. Other programs' copies are plain dictionaries."""
    if isinstance(state, card.State):
        return state
    try:
        if isinstance(state, msgspec.Raw):
            return msgspec.msgpack.decode(state, type=card.State)
        return msgspec.convert(state, card.State)
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise StateError(f"saved state of {card.owner}: {error}") from None
