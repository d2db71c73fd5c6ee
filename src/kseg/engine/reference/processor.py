"""The processor of the reference engine: the language of the declarations, in plain ints."""

from typing import Any, Literal, cast

from kseg.engine import floating_point
from kseg.engine.contract import Exit, ExitReason, Watchpoint
from kseg.engine.reference import mmu
from kseg.engine.reference.aborts import EngineExit, Trap
from kseg.engine.reference.mmu import Access, translate
from kseg.engine.reference.tracing import Recorder
from kseg.engine.state import ProcessorState
from kseg.isa import floating_point as fp
from kseg.isa import registers as r
from kseg.isa.exceptions import RFE_WORD, ExceptionCode, Fatal
from kseg.isa.profile import Profile
from kseg.isa.values import WORD
from kseg.memory.physical import PhysicalMemory, Region


class _Word:
    """An attribute that keeps 32 bits of whatever is assigned to it."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = "_" + name

    def __get__(self, instance: Any, owner: type) -> int:
        return instance.__dict__[self.name]  # type: ignore[no-any-return]

    def __set__(self, instance: Any, value: int) -> None:
        instance.__dict__[self.name] = value & WORD


class _Registers(list[int]):
    """The general registers: 32 bits each, register 0 always zero."""

    written: int = 0

    def __setitem__(self, number: Any, value: Any) -> None:
        if number:
            super().__setitem__(number, value & WORD)
            self.written = number


class Latch:
    """The run loop's answer to a device access (MMIO), for the instruction that asked to take up;
    or that the instruction was stopped at for a debugger, and is to be executed now."""

    def __init__(self) -> None:
        self.loaded: int | None = None
        self.stored = False
        self.bus_error = False
        self.passes_breakpoint = False
        self.passes_watchpoint = False

    @property
    def answered(self) -> bool:
        """The instruction is to complete, before any interrupt."""
        return self.has_device_answer or self.passes_breakpoint or self.passes_watchpoint

    @property
    def has_device_answer(self) -> bool:
        """A device was asked."""
        return self.loaded is not None or self.stored or self.bus_error


_WORD_FIELDS = (
    "hi lo status cause epc bad_vaddr context entry_hi entry_lo index compare target_address "
    "interrupt_lines timer_line timer_armed ll_pending ll_address ll_value waiting fcsr"
).split()
_PLAIN_FIELDS = (
    "pc next_pc in_delay_slot pending_load_register pending_load_value enabled supervised clock "
    "count_origin random_origin hi_ready lo_ready kernel_cycles user_cycles idle_cycles "
    "kernel_stalls user_stalls tlb_refills ll_count sc_success sc_failure sync_count "
    "user_exceptions boot_epc boot_cause boot_bad_vaddr"
).split()
_ARRAYS = "tlb_entry_hi tlb_entry_lo exceptions fpr".split()
_CYCLES = (1 << 64) - 1


def interrupt_is_due(cpu: "ReferenceProcessor") -> bool:
    """Is an interrupt raised that Status lets through?"""
    raised = cpu.cause | cpu.interrupt_lines | cpu.timer_line
    return bool(cpu.status & r.STATUS_IEC and raised & cpu.status & r.STATUS_IM)


class Stall(Exception):
    """HI or LO is not there yet: the instruction is tried again in the next cycle."""


class ReferenceProcessor:
    """Implements `kseg.isa.semantics.Processor` on ints; see there for each method."""

    hi, lo = _Word(), _Word()
    status, cause, epc, bad_vaddr, context = _Word(), _Word(), _Word(), _Word(), _Word()
    entry_hi, entry_lo, index, compare = _Word(), _Word(), _Word(), _Word()
    target_address, interrupt_lines, timer_line, timer_armed = _Word(), _Word(), _Word(), _Word()
    ll_pending, ll_address, ll_value, waiting = _Word(), _Word(), _Word(), _Word()
    fcsr = _Word()

    pc: int
    next_pc: int
    in_delay_slot: int
    pending_load_register: int
    pending_load_value: int
    enabled: int
    supervised: int
    clock: int
    count_origin: int
    random_origin: int
    hi_ready: int
    lo_ready: int
    kernel_cycles: int
    user_cycles: int
    idle_cycles: int
    kernel_stalls: int
    user_stalls: int
    tlb_refills: int
    user_exceptions: int
    boot_epc: int
    boot_cause: int
    boot_bad_vaddr: int
    tlb_entry_hi: list[int]
    tlb_entry_lo: list[int]
    exceptions: list[int]
    fpr: list[int]

    def __init__(
        self, profile: Profile, byte_order: str, memory: PhysicalMemory, state: ProcessorState
    ) -> None:
        self.profile = profile
        self.big_endian = byte_order == "big"
        self._order: Literal["big", "little"] = "big" if self.big_endian else "little"
        self.memory = memory
        self.state = state
        self.gpr = _Registers([0] * 32)
        self.latch = Latch()
        self.stops_on_break = False
        self.breakpoints: frozenset[int] = frozenset()
        self.watchpoints: frozenset[Watchpoint] = frozenset()
        self.waits_at_breakpoint = False
        """The breakpoint at pc was passed, but the instruction is tried again after a stall."""
        self.recorder: Recorder | None = None
        """What is being traced, if anything is; the rest is for that."""
        self.number = 0
        self.word = 0
        """The instruction that executes."""
        self.began_in_user_mode = False
        self.replaced_entry = (0, 0, 0)
        """Number, EntryHi and EntryLo of the TLB entry that was last replaced."""
        self.window: int | None = None
        """See `kseg.engine.contract.Hardware.replace_processor`."""
        self.following = 0
        """Where control goes after the next instruction; set by `branch`."""
        self.branched = 0
        self.refetches = False
        """What follows the instruction is to be looked at before it is over."""
        self._load: tuple[int, int] | None = None
        self.pull()

    # The state that all engines share.

    def pull(self) -> None:
        """Take everything over from the shared state."""
        for name in _WORD_FIELDS + _PLAIN_FIELDS:
            setattr(self, name, getattr(self.state, name))
        for name in _ARRAYS:
            setattr(self, name, list(getattr(self.state, name)))
        list.__setitem__(self.gpr, slice(None), self.state.gpr[:])

    def push(self) -> None:
        """Write everything back to the shared state."""
        for name in _WORD_FIELDS + _PLAIN_FIELDS:
            setattr(self.state, name, getattr(self, name))
        for name in _ARRAYS:
            getattr(self.state, name)[:] = getattr(self, name)
        self.state.gpr[:] = self.gpr

    # Registers, with time.

    def begin(self) -> None:
        """An instruction starts: `pc` is its address, `next_pc` that of the one after it."""
        self.gpr.written = 0
        self._load = None
        self.branched = 0
        self.refetches = False
        self.following = (self.next_pc + 4) & WORD

    def commit_loads(self) -> None:
        """The instruction is over, in whatever way: the load before it arrives."""
        register, value = self.pending_load_register, self.pending_load_value
        new, loaded = self._load or (0, 0)
        if register not in (self.gpr.written, new):
            self.gpr[register] = value
        self.pending_load_register, self.pending_load_value = new, loaded

    def load_gpr(self, number: int, value: int) -> None:
        if self.profile.load_delay:
            self._load = (number, value & WORD) if number else None
        else:
            self.gpr[number] = value

    def latest_gpr(self, number: int) -> int:
        if number and number == self.pending_load_register:
            return self.pending_load_value
        return self.gpr[number]

    def interlock(self, *, hi: bool, lo: bool) -> None:
        if self.profile.hi_lo_interlock and (
            (hi and self.hi_ready > self.clock) or (lo and self.lo_ready > self.clock)
        ):
            raise Stall

    def occupy(self, *, hi: bool, lo: bool) -> None:
        if self.profile.hi_lo_interlock:
            if hi:
                self.hi_ready = self.clock + 2
            if lo:
                self.lo_ready = self.clock + 2

    # Control.

    def branch(self, condition: int, target: int, link: tuple[int, int] | None = None) -> None:
        target &= WORD
        if link is not None and (self.profile.links_first and not self.supervised):
            self.gpr[link[0]] = link[1]
        if condition:
            if self.profile.early_fetch_faults:
                self._check_target(target)
            self.following = target
            if self.recorder is not None:
                self.recorder.jump(self, target)
        self.branched = 1 if condition or self.profile.untaken_branch_has_slot else 0
        if link is not None:
            self.gpr[link[0]] = link[1]

    def _check_target(self, target: int) -> None:
        """Fault now, at the jump, if the target cannot be fetched (mips161)."""
        if target & 3:
            raise Trap(ExceptionCode.ADDRESS_ERROR_LOAD, target)
        if self.fetch_word(self.next_pc, quiet=True) != RFE_WORD:
            self.fetch_word(target)

    def trap(self, code: ExceptionCode, coprocessor: int = 0) -> None:
        raise Trap(code, coprocessor=coprocessor)

    def trap_if(self, condition: int, code: ExceptionCode, coprocessor: int = 0) -> None:
        if condition:
            raise Trap(code, coprocessor=coprocessor)

    def stop_if_debugged(self) -> None:
        if self.stops_on_break and r.KSEG0 <= self.pc < r.KSEG2:
            raise EngineExit(Exit(ExitReason.BREAK))

    def stop_at_breakpoint(self) -> None:
        """Leave if there is a breakpoint at pc that has not just been stopped at."""
        if self.pc in self.breakpoints and not (self.latch.answered or self.waits_at_breakpoint):
            raise EngineExit(Exit(ExitReason.BREAKPOINT))

    def _stop_at_watchpoint(self, address: int, size: int, *, stores: bool) -> None:
        if self.latch.has_device_answer or self.latch.passes_watchpoint:
            return
        for each in sorted(self.watchpoints):
            wanted = each.writes if stores else each.reads
            if wanted and each.first < address + size and address <= each.last:
                first = max(address, each.first)
                found = Exit(ExitReason.WATCHPOINT, address=first, size=size, value=int(stores))
                raise EngineExit(found)

    def fatal_if(self, condition: int, reason: Fatal, value: int) -> None:
        if condition:
            raise EngineExit(Exit(ExitReason.FATAL, value=value & WORD, fatal=reason))

    # Floating point.

    def compute(self, format_: int, operation: int, fd: int, fs: int, ft: int) -> None:
        state, r3010 = cast(ProcessorState, self), self.profile.floating_point == "r3010"
        before = self.fcsr, self.timer_line
        if floating_point.compute(state, format_, operation, fd, fs, ft, r3010):
            self._floating_point_exception(before)

    def raise_unimplemented(self) -> None:
        before = self.fcsr, self.timer_line
        floating_point.raise_unimplemented(cast(ProcessorState, self))
        self._floating_point_exception(before)

    def write_fcsr(self, value: int) -> None:
        raised = fp.signals(value) != 0
        if raised and self.supervised:
            raise Trap(ExceptionCode.INTERRUPT)  # for the monitor to do
        self.fcsr = value
        self.timer_line = r.FLOATING_POINT_LINE if raised else 0

    def _floating_point_exception(self, before: tuple[int, int]) -> None:
        """The unit has raised its line: the interrupt is precise, if it is let through. On a
        supervised processor nothing has happened, and the monitor does it all."""
        if self.supervised:
            self.fcsr, self.timer_line = before
        if self.supervised or interrupt_is_due(self):
            raise Trap(ExceptionCode.INTERRUPT)

    # Memory.

    def fetch_word(self, address: int, *, quiet: bool = False) -> int:
        """The instruction at `address`; raises Trap, or gives 0 where it cannot if `quiet`."""
        try:
            if address & 3:
                raise Trap(ExceptionCode.ADDRESS_ERROR_LOAD, address)
            physical = translate(self, address, Access.FETCH, address)
            region = self.memory.region_at(physical)
            if region is None or not region.executable:
                raise Trap(ExceptionCode.INSTRUCTION_BUS_ERROR)
        except Trap:
            if quiet:
                return 0
            raise
        return self._bytes_at(region, physical, 4)

    def load(self, address: int, size: int) -> int:
        return self._load_from(address, size, address)

    def load_around(self, address: int) -> int:
        return self._load_from(address & ~3, 4, address)

    def check_address(self, condition: int, address: int) -> None:
        if condition:
            self._translated(address, 4, Access.LOAD, address)

    def store(self, address: int, size: int, value: int) -> None:
        self._store_to(address, size, value, (1 << 8 * size) - 1, address)

    def store_masked(self, address: int, value: int, mask: int) -> None:
        self._store_to(address & ~3, 4, value, mask, address)

    def store_if(self, condition: int, address: int, expected: int, value: int) -> int:
        if not condition:
            return 0
        physical = self._translated(address, 4, Access.STORE, address)
        self._stop_at_watchpoint(address, 4, stores=True)
        region = self.memory.region_at(physical)
        if region is None or not region.writable:
            raise Trap(ExceptionCode.DATA_BUS_ERROR)
        if self._bytes_at(region, physical, 4) != expected:
            return 0
        self._store_to(address, 4, value, WORD, address)
        return 1

    def _translated(self, address: int, size: int, access: Access, reported: int) -> int:
        exact = self.profile.exact_bad_vaddr
        if address & (size - 1):
            raise Trap(access.address_error, reported if exact else reported & ~(size & 2))
        return translate(self, address, access, reported if exact else reported & ~3)

    def _bytes_at(self, region: Region, physical: int, size: int) -> int:
        offset = physical - region.base
        return int.from_bytes(region.data[offset : offset + size], self._order)

    @property
    def _caches_isolated(self) -> bool:
        return bool(self.status & r.STATUS_ISC)

    def _load_from(self, address: int, size: int, reported: int) -> int:
        physical = self._translated(address, size, Access.LOAD, reported)
        if self._caches_isolated:
            return 0
        self._stop_at_watchpoint(address, size, stores=False)
        region = self.memory.region_at(physical)
        if region is not None:
            return self._bytes_at(region, physical, size)
        if self.latch.bus_error:
            raise Trap(ExceptionCode.DATA_BUS_ERROR)
        if self.latch.loaded is None:
            raise EngineExit(Exit(ExitReason.DEVICE_LOAD, address=physical, size=size))
        return self.latch.loaded

    def _store_to(self, address: int, size: int, value: int, mask: int, reported: int) -> None:
        physical = self._translated(address, size, Access.STORE, reported)
        if self._caches_isolated:
            return
        self._stop_at_watchpoint(address, size, stores=True)
        region = self.memory.region_at(physical)
        if region is not None:
            if not region.writable:
                raise Trap(ExceptionCode.DATA_BUS_ERROR)
            if self.memory.is_kept(physical):
                raise EngineExit(Exit(ExitReason.PAGE_STORE, address=physical, size=size))
            old = self._bytes_at(region, physical, size)
            new = (old & ~mask) | (value & mask)
            offset = physical - region.base
            region.data[offset : offset + size] = new.to_bytes(size, self._order)
        elif self.latch.bus_error:
            raise Trap(ExceptionCode.DATA_BUS_ERROR)
        elif not self.latch.stored:
            reason = ExitReason.DEVICE_STORE
            raise EngineExit(
                Exit(reason, address=physical, size=size, value=value & mask, mask=mask)
            )

    # The privileged half.

    def require_cp0(self) -> None:
        user = self.status & r.STATUS_KUC
        granted = self.status >> r.STATUS_CU_SHIFT & 1 and not self.profile.kernel_cp0_only
        if user and not granted:
            raise Trap(ExceptionCode.COPROCESSOR_UNUSABLE, coprocessor=0)

    def count(self) -> int:
        return (self.clock - self.count_origin) & WORD

    def set_count(self, value: int) -> None:
        self.count_origin = (self.clock - value) & _CYCLES

    def arm_timer(self) -> None:
        self.timer_armed = 1

    def random(self) -> int:
        value: int = self.profile.random((self.clock - self.random_origin) & _CYCLES)
        return value

    def changed_status(self) -> None:
        """Nothing to do: the status is looked at whenever it matters."""

    def returned_from_exception(self) -> None:
        self.refetches = self.profile.early_fetch_faults

    def changed_address_space(self) -> None:
        """Nothing to do: EntryHi is looked at whenever it matters."""

    def tlb_read(self) -> None:
        number = (self.index & r.INDEX_MASK) >> r.INDEX_SHIFT
        self.entry_hi = self.tlb_entry_hi[number]
        self.entry_lo = self.tlb_entry_lo[number]

    def tlb_write(self, number: int) -> None:
        old = self.tlb_entry_hi[number], self.tlb_entry_lo[number]
        self.tlb_entry_hi[number] = self.entry_hi
        self.tlb_entry_lo[number] = self.entry_lo
        if self.profile.duplicate_tlb_is_fatal and mmu.could_match_together(self, number):
            self.tlb_entry_hi[number], self.tlb_entry_lo[number] = old
            raise EngineExit(Exit(ExitReason.FATAL, value=self.entry_hi, fatal=Fatal.DUPLICATE_TLB))
        self.replaced_entry = (number, *old)

    def tlb_probe(self) -> None:
        number = mmu.find_entry(self, self.entry_hi)
        if number is None:
            self.index = (self.index & r.INDEX_MASK) | r.INDEX_PROBE_FAILED
        else:
            self.index = number << r.INDEX_SHIFT

    def wait(self) -> None:
        if not (self.interrupt_lines or self.timer_line):
            self.waiting = 1

    def tally(self, counter: str, amount: int = 1) -> None:
        setattr(self, counter, getattr(self, counter) + int(amount))
