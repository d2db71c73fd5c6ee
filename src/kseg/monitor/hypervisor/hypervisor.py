"""The monitor as a whole: one machine, and the guests on it."""

import ctypes

from kseg import engine as engines
from kseg.engine.contract import Exit, ExitReason, Hardware
from kseg.engine.state import ProcessorState
from kseg.isa.profile import profile_named
from kseg.isa.registers import STATUS_KUC
from kseg.memory.paged import PagedMemory
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import PhysicalMemory
from kseg.monitor.hypervisor.allocator import Allocator
from kseg.monitor.hypervisor.shadow_tlb import forget, page_moved
from kseg.monitor.hypervisor.supervision import VIRTUAL, GuestSupervisor
from kseg.monitor.hypervisor.virtual_processor import VirtualProcessor
from kseg.monitor.hypervisor.world import GuestRecord, World

MOST_MEMORY = (1 << 32) - PAGE_SIZE
"""RAM that guests can have in all: an R3000 has physical addresses of 32 bits, and one frame is the
monitor's. Only kseg0 and kseg1 end at 512 MiB, and nothing lies there under a monitor."""


class Hypervisor:
    """A machine with one R3000, memory, and a monitor as the only thing in kernel mode."""

    def __init__(
        self,
        profile: str,
        byte_order: str,
        ram_size: int,
        engine: str = "auto",
        *,
        rewriting: bool = True,
        compiler_share: int = engines.COMPILER_SHARE,
    ) -> None:
        """`ram_size` is what guests can have in all, in bytes; `engine` one of
        `kseg.engine.CHOICES`. `rewriting`: instructions of guests that trap only to move a register
        of CP0 are rewritten, in what the engine has decoded; `compiler_share` is the engine's.
        ValueError if the profile has no TLB,
        or there is too much RAM."""
        if not profile_named(profile).has_tlb:
            raise ValueError(f"a {profile} has no TLB; a monitor cannot keep guests apart on it")
        if not 0 < ram_size <= MOST_MEMORY:
            raise ValueError(f"a monitor has at most {MOST_MEMORY >> 20}M for its guests")
        self.memory = PhysicalMemory(ram_size + PAGE_SIZE)
        """The hardware's."""
        hardware = ProcessorState()
        hardware.reset(STATUS_KUC, 0)
        hardware.enabled = hardware.supervised = 1
        emulated = ProcessorState()
        emulated.reset(0, 0)
        self.engine: Hardware = engines.create(
            engine,
            profile,
            byte_order,
            self.memory,
            [emulated, hardware],
            compiler_share=compiler_share,
        )
        self.memory.on_write(self.engine.memory_changed)
        self.allocator = Allocator(self.memory)
        self.allocator.moved = self._page_moved
        self.world = World(rewrites=rewriting)
        self.supervisor = GuestSupervisor(self.engine, self.world)
        self.engine.supervisor = self.supervisor
        self.guests: list[VirtualProcessor] = []
        self.present: VirtualProcessor | None = None
        """Whose state is on the hardware."""
        self._debugged = False
        """Whether breakpoints or watchpoints of some guest are the hardware's."""
        self._traced: VirtualProcessor | None = None
        """Whose trace the engine makes: that guest is present."""
        self._numbers = 0
        self.switches = 0
        """How often another guest was entered."""

    def add(
        self,
        state: ProcessorState,
        memory: PagedMemory,
        *,
        hybrid: bool = False,
        window: int | None = None,
    ) -> VirtualProcessor:
        """A guest with this virtual processor and memory. `hybrid`: emulate virtual kernel mode
        instead of running it directly; `window` is where its kernel finds physical memory, None
        for kseg0 and kseg1 (see `Hardware.replace_processor`). Its image has been loaded."""
        self._numbers += 1
        record = GuestRecord(number=self._numbers, hybrid=hybrid)
        record.frames, record.pages = ctypes.addressof(memory.frames), len(memory.frames)
        if window is not None:
            record.window_base, record.window_size = window, 1 << 29
        guest = VirtualProcessor(self, state, memory, record, window)
        self.guests.append(guest)
        self.allocator.started(memory)
        return guest

    def remove(self, guest: VirtualProcessor) -> None:
        """Take a guest off the machine; its memory is free."""
        if guest not in self.guests:
            return
        self.guests.remove(guest)
        if self._traced is guest:
            self._leave_trace(guest)
        forget(self.world, guest.record)
        if self.present is guest:
            self.present = None
        self.allocator.release(guest.memory)

    def close(self) -> None:
        """Nothing will be run any more."""
        for guest in list(self.guests):
            self.remove(guest)
        self.engine.close()

    def enter(self, guest: VirtualProcessor) -> Hardware:
        """Make a guest the present one; what was derived from its TLB under its ASIDs is still
        there from the last time."""
        if self.present is not guest:
            self.present = guest
            record = ctypes.addressof(guest.record)
            if self.world.guest != record:
                self.world.guest = record
                self.switches += 1
            self.engine.replace_processor(0, guest.state, guest.memory, guest.window)
            self.supervisor.answered = False
            self._set_points(guest)
            self._set_trace(guest)
        return self.engine

    # For debuggers.

    def enter_anew(self) -> None:
        """Enter the guest that runs next as if it were another one: it has something to see to
        first."""
        self.present = None

    def points_changed(self, guest: VirtualProcessor) -> None:
        """A guest's breakpoints or watchpoints are others."""
        if self.present is guest:
            self._set_points(guest)

    def _set_points(self, guest: VirtualProcessor) -> None:
        wanted = bool(guest.breakpoints or guest.watchpoints)
        if wanted or self._debugged:
            self.engine.set_breakpoints(guest.breakpoints)
            self.engine.set_watchpoints(guest.watchpoints)
            self._debugged = wanted

    def run_stopped(self, reason: ExitReason | None) -> Exit:
        """Let the present guest execute one cycle, without stopping for this reason again."""
        self.engine.pass_stop(VIRTUAL, reason)
        self.supervisor.answered = True
        return self.engine.run(1)

    # For traces.

    def trace_changed(self, guest: VirtualProcessor) -> None:
        """Something else is to be recorded of a guest, or nothing any more."""
        if self._traced is guest:
            self._leave_trace(guest)
        guest.record.traced = guest.trace is not None
        if self.present is guest:
            self._set_trace(guest)

    def _set_trace(self, guest: VirtualProcessor) -> None:
        if self._traced is not None and self._traced is not guest:
            self._leave_trace(self._traced)
        if guest.trace is not None and self._traced is None:
            self._traced = guest
            self.engine.set_trace(guest.trace)

    def _leave_trace(self, guest: VirtualProcessor) -> None:
        guest.keep_records(self.engine.take_trace())
        self.engine.set_trace(None)
        self._traced = None

    def take_trace(self, guest: VirtualProcessor) -> bytes:
        """What the engine has recorded of a guest since the last time."""
        return self.engine.take_trace() if self._traced is guest else b""

    # Changes that the guest did not make.

    def state_changed(self, guest: VirtualProcessor) -> None:
        """A guest's state and memory were written by other code (a snapshot was loaded)."""
        forget(self.world, guest.record)
        if self.present is guest:
            self.present = None
            # What the engine has derived from the old TLB cannot be found by the new one.
            self.engine.state_changed()

    def _page_moved(self, memory: PagedMemory, page: int, frame: int) -> None:
        page_moved(self.world, frame)
        if self.present is not None and self.present.memory is memory:
            self.engine.page_moved(0, page)
