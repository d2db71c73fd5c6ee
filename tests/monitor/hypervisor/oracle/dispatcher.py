"""See the package: `Dispatcher.run` is what `dispatcher.supervise` must do."""

import ctypes

from kseg.engine.contract import Exit, ExitReason, Hardware
from kseg.engine.state import ProcessorState
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.values import WORD
from kseg.monitor.hypervisor.world import UNPRIVILEGED, ExitKind, GuestRecord, World
from tests.monitor.hypervisor.oracle.shadow_tlb import HARDWARE, Fill, ShadowTlb

VIRTUAL = 0
"""The number of the processor that the monitor executes, instruction by instruction."""

STOPS = (ExitReason.BREAKPOINT, ExitReason.WATCHPOINT)
"""Exits for a debugger."""

_TLB_FAULTS = (ExceptionCode.TLB_MODIFIED, ExceptionCode.TLB_LOAD, ExceptionCode.TLB_STORE)
_ADDRESS_ERRORS = (ExceptionCode.ADDRESS_ERROR_LOAD, ExceptionCode.ADDRESS_ERROR_STORE)
_COPROCESSORS = 0xE << r.STATUS_CU_SHIFT
"""CU3 to CU1: coprocessors that a guest may use itself. CU0 is never granted."""
_BUDGET, _IDLE = Exit(ExitReason.BUDGET), Exit(ExitReason.IDLE)


class Dispatcher:
    """Lets a guest run on an engine."""

    def __init__(self, world: World, shadow: ShadowTlb) -> None:
        self._world, self._shadow = world, shadow
        self.answered = False
        """A device or a debugger has answered: the instruction that asked, or was stopped at, is to
        be completed first, by emulation."""

    def run(self, engine: Hardware, limit: int) -> Exit:
        guest = GuestRecord.from_address(self._world.guest)
        virtual = engine.processors[VIRTUAL]
        if virtual.interrupt_lines & r.WAKING_LINES:
            virtual.waiting = 0
        while True:
            timer = cycles_to_timer(virtual)
            if virtual.clock >= limit:
                return _BUDGET
            if virtual.waiting or not virtual.enabled:
                return _IDLE
            kind = self._why_emulated(guest, virtual)
            if kind is None:
                until = min(limit, virtual.clock + timer)
                trapped = self._run_directly(engine, guest, virtual, until)
                if isinstance(trapped, Exit):
                    return self._left(guest, trapped)
                if trapped is None:
                    continue
                kind = trapped
            if kind >= 0:
                guest.exits[kind] += 1
            # What leads to the guest's kernel is gone on with there by a hybrid monitor.
            on = kind == KERNEL_MODE or (guest.hybrid and kind in INTO_THE_KERNEL)
            found = self._emulate(engine, guest, virtual, limit, one=not on)
            if found.reason is not ExitReason.BUDGET:
                return self._left(guest, found)

    def _left(self, guest: GuestRecord, found: Exit) -> Exit:
        """The exit is for the run loop."""
        self.answered = found.reason in (ExitReason.DEVICE_LOAD, ExitReason.DEVICE_STORE)
        if found.reason is ExitReason.PAGE_STORE:
            guest.exits[ExitKind.PAGE_STORE] += 1
        return found

    def _why_emulated(self, guest: GuestRecord, virtual: ProcessorState) -> int | None:
        """Why the hardware cannot go on with the guest now: an ExitKind, KERNEL_MODE where a
        hybrid monitor emulates all of that, or None if it can."""
        if self.answered:
            self.answered = False
            return ExitKind.ANSWER
        status = virtual.status
        raised = virtual.cause | virtual.interrupt_lines | virtual.timer_line
        if status & r.STATUS_IEC and raised & status & r.STATUS_IM:
            return ExitKind.INTERRUPT
        if guest.hybrid and not status & r.STATUS_KUC:
            return KERNEL_MODE
        if status & (r.STATUS_ISC | r.STATUS_SWC):
            # The hardware's caches are not the guest's to isolate.
            return ExitKind.PRIVILEGED
        return None

    def _run_directly(
        self, engine: Hardware, guest: GuestRecord, virtual: ProcessorState, until: int
    ) -> ExitKind | Exit | None:
        """Let the hardware execute until something traps: what is to be emulated then, an exit for
        the monitor to answer, or None where the guest can go on."""
        hardware = engine.processors[HARDWARE]
        _copy(virtual, hardware)
        hardware.status = r.STATUS_KUC | virtual.status & _COPROCESSORS
        hardware.entry_hi = self._shadow.asid(guest, virtual)
        hardware.user_stalls = 0
        began = virtual.clock
        found = engine.run_processor(HARDWARE, until)
        _copy(hardware, virtual)
        cycles = virtual.clock - began
        guest.direct_cycles += cycles
        mode = "user" if virtual.status & r.STATUS_KUC else "kernel"
        _add(virtual, f"{mode}_cycles", cycles)
        _add(virtual, f"{mode}_stalls", hardware.user_stalls)
        if found.reason in STOPS:
            # It is the virtual processor that goes on from there.
            engine.pass_stop(HARDWARE, None)
            return found._replace(processor=VIRTUAL)
        if found.reason is not ExitReason.TRAP:
            return None
        return self._trapped(guest, virtual, ExceptionCode(found.value), found.address)

    def _trapped(
        self, guest: GuestRecord, virtual: ProcessorState, code: ExceptionCode, address: int
    ) -> ExitKind | Exit | None:
        """The hardware raised an exception: what is that to the guest?"""
        in_kernel = not virtual.status & r.STATUS_KUC
        if code in _TLB_FAULTS:
            store = code is not ExceptionCode.TLB_LOAD
            result, page = self._shadow.fill(guest, virtual, address, store=store)
            if result is Fill.FILLED:
                guest.exits[ExitKind.SHADOW_MISS] += 1
                return None
            if result is Fill.KEPT:
                return Exit(ExitReason.PAGE_STORE, address=page << 12)
            in_window = in_kernel and 0 <= address - guest.window_base < guest.window_size
            if result is Fill.NOT_MEMORY and in_window:
                return ExitKind.KERNEL_SEGMENT_ACCESS
            return ExitKind.TLB_FAULT
        if code is ExceptionCode.SYSTEM_CALL:
            return ExitKind.SYSTEM_CALL
        if code is ExceptionCode.COPROCESSOR_UNUSABLE and in_kernel:
            return ExitKind.PRIVILEGED
        if code in _ADDRESS_ERRORS and in_kernel and address >= r.KSEG0:
            if address == virtual.pc:
                return ExitKind.KERNEL_SEGMENT_FETCH
            return ExitKind.KERNEL_SEGMENT_ACCESS
        return ExitKind.OTHER_EXCEPTION

    def _emulate(
        self,
        engine: Hardware,
        guest: GuestRecord,
        virtual: ProcessorState,
        limit: int,
        *,
        one: bool,
    ) -> Exit:
        """Execute one instruction on the virtual processor, or all until user mode."""
        tlb = bytes(virtual.tlb_entry_hi), bytes(virtual.tlb_entry_lo)
        began = virtual.clock
        until = began + 1 if one else limit
        found = engine.run_processor(VIRTUAL, until, leave_for_user=not one)
        guest.emulated_cycles += virtual.clock - began
        if tlb != (bytes(virtual.tlb_entry_hi), bytes(virtual.tlb_entry_lo)):
            for index in range(len(virtual.tlb_entry_hi)):
                at = slice(4 * index, 4 * index + 4)
                now = bytes(virtual.tlb_entry_hi)[at], bytes(virtual.tlb_entry_lo)[at]
                if now != (tlb[0][at], tlb[1][at]):
                    self._shadow.guest_wrote(guest, virtual, index)
        return found


INTO_THE_KERNEL = (ExitKind.SYSTEM_CALL, ExitKind.TLB_FAULT, ExitKind.INTERRUPT)
"""Exits after which the guest is in virtual kernel mode, with hardly an exception."""
KERNEL_MODE = -1
"""Not an exit: a hybrid monitor's guest is in virtual kernel mode, which is emulated."""
_NEVER = 1 << 40


def cycles_to_timer(virtual: ProcessorState) -> int:
    """Cycles until the on-chip timer of mips161 fires, which it does here if that is now: the
    hardware's own does not know of the guest's Compare."""
    if not virtual.timer_armed:
        return _NEVER
    cycles: int = (virtual.compare - (virtual.clock - virtual.count_origin)) & WORD
    if cycles == 0:
        virtual.count_origin = virtual.clock
        virtual.timer_line = r.TIMER_LINE
        cycles = virtual.compare
    return cycles or WORD + 1


def _copy(source: ProcessorState, target: ProcessorState) -> None:
    """What a guest may use of the hardware itself."""
    begin, end = ctypes.addressof(source), ctypes.addressof(target)
    for offset, size in UNPRIVILEGED:
        ctypes.memmove(end + offset, begin + offset, size)


def _add(state: ProcessorState, name: str, amount: int) -> None:
    setattr(state, name, getattr(state, name) + amount)
