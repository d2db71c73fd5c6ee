"""What the reference engine records of what it executes: see `kseg.engine.contract.Traceable`."""

from typing import TYPE_CHECKING

from kseg.engine.reference.mmu import find_entry
from kseg.engine.tracing import (
    DELAY_SLOT,
    RECORD,
    REFILL,
    TRAPPED,
    USER,
    TraceFilter,
    TraceKind,
    destination,
)
from kseg.isa import registers as r
from kseg.isa.exceptions import RFE_WORD, ExceptionCode
from kseg.isa.values import WORD

if TYPE_CHECKING:
    from kseg.engine.reference.processor import ReferenceProcessor

TLBR, TLBWI, TLBWR, TLBP = 0x42000001, 0x42000002, 0x42000006, 0x42000008
STACK_POINTER = 29
RESULT = 5
"""Where the result of an instruction stands in a record."""
FLAGS = 10


class Recorder:
    """The records of all processors. Each is a list of what RECORD packs."""

    def __init__(self, wanted: TraceFilter) -> None:
        self.wanted = wanted
        self._records: list[list[int]] = []
        self._call = False
        """Whether a record was made at which the engine is to be left."""
        self._unfinished: dict[int, tuple[list[int], int]] = {}
        """By processor, the record of the last instruction, and the register that it writes."""

    @property
    def full(self) -> bool:
        """Are the records to be taken?"""
        many = not self.wanted.keep_last and len(self._records) >= self.wanted.capacity
        return many or self._call

    def take(self, cpus: "list[ReferenceProcessor]") -> bytes:
        """All records so far, packed."""
        for cpu in cpus:
            self._finish(cpu)
        found, self._records, self._call = self._records, [], False
        if self.wanted.keep_last:
            found = found[-self.wanted.capacity :]
        return b"".join(RECORD.pack(*each) for each in found)

    def _add(
        self, cpu: "ReferenceProcessor", kind: TraceKind, word: int, *values: int, flags: int = 0
    ) -> list[int] | None:
        wanted = self.wanted
        user = cpu.began_in_user_mode
        asid = (cpu.entry_hi & r.ASID_MASK) >> r.ASID_SHIFT
        number = cpu.number
        if (
            kind not in (wanted.user if user else wanted.kernel)
            or (wanted.processors is not None and number not in wanted.processors)
            or (wanted.asids is not None and asid not in wanted.asids)
            or not wanted.first_cycle <= cpu.clock <= wanted.last_cycle
            or (wanted.ranges and not any(a <= cpu.pc <= b for a, b in wanted.ranges))
        ):
            return None
        flags |= (USER if user else 0) | (DELAY_SLOT if cpu.in_delay_slot else 0)
        five = [value & WORD for value in (*values, 0, 0, 0, 0, 0)[:5]]
        record = [cpu.clock, cpu.pc, word, *five, kind, number, flags, asid]
        self._records.append(record)
        if wanted.keep_last and len(self._records) > 2 * wanted.capacity:
            del self._records[: -wanted.capacity - 1]
        return record

    def _finish(self, cpu: "ReferenceProcessor") -> None:
        record, register = self._unfinished.pop(cpu.number, (None, 0))
        if record is not None:
            late = register == cpu.pending_load_register
            record[RESULT] = cpu.pending_load_value if late else cpu.gpr[register]

    def forget_unfinished(self) -> None:
        """The processors are in another state: no result of theirs is one any more."""
        self._unfinished.clear()

    # Events.

    def begin(self, cpu: "ReferenceProcessor", word: int) -> list[int] | None:
        """An instruction is about to be executed."""
        self._finish(cpu)
        values = cpu.gpr[word >> 21 & 31], cpu.gpr[word >> 16 & 31]
        record = self._add(cpu, TraceKind.INSTRUCTION, word, *values)
        register = destination(word)
        if record is not None and register:
            self._unfinished[cpu.number] = record, register
        return record

    def retract(self, cpu: "ReferenceProcessor", record: list[int] | None) -> None:
        """The instruction will be begun again."""
        if record is not None and self._records and self._records[-1] is record:
            self._records.pop()
            self._unfinished.pop(cpu.number, None)

    def trapped(self, cpu: "ReferenceProcessor", record: list[int] | None) -> None:
        """The instruction raised an exception."""
        if record is not None:
            record[FLAGS] |= TRAPPED
            self._unfinished.pop(cpu.number, None)

    def jump(self, cpu: "ReferenceProcessor", target: int) -> None:
        """A jump will be made, after its delay slot."""
        self._add(cpu, TraceKind.JUMP, cpu.word, target)

    def exception(
        self, cpu: "ReferenceProcessor", code: int, pc: int, vector: int, *, slot: int, refill: bool
    ) -> None:
        """An exception was taken, before the instruction at `pc`."""
        cause = cpu.cause | cpu.interrupt_lines | cpu.timer_line
        values = [cause, cpu.epc, cpu.bad_vaddr, cpu.gpr[STACK_POINTER]]
        if ExceptionCode.TLB_MODIFIED <= code <= ExceptionCode.TLB_STORE and cpu.profile.has_tlb:
            entry = find_entry(cpu, cpu.entry_hi)
            values.append(WORD if entry is None else entry)
        kind = TraceKind.EXCEPTION if code else TraceKind.INTERRUPT
        went_to, cpu.pc = cpu.pc, pc
        was_in_slot, cpu.in_delay_slot = cpu.in_delay_slot, slot
        record = self._add(cpu, kind, vector, *values, flags=REFILL if refill else 0)
        self._leave_at_call(record, code == ExceptionCode.SYSTEM_CALL)
        cpu.pc, cpu.in_delay_slot = went_to, was_in_slot

    def _leave_at_call(self, record: list[int] | None, crossed: bool) -> None:
        if record is not None and crossed and self.wanted.leave_at_calls:
            self._call = True

    def after(self, cpu: "ReferenceProcessor", word: int, entry_hi: int) -> None:
        """An instruction was executed, and pc is still on it; `entry_hi` was there before it."""
        if word == RFE_WORD:
            values = cpu.status, cpu.gpr[STACK_POINTER]
            record = self._add(cpu, TraceKind.RETURN, word, *values)
            self._leave_at_call(record, True)
        if not cpu.profile.has_tlb:
            return
        if word in (TLBWI, TLBWR):
            number, high, low = cpu.replaced_entry
            self._add(cpu, TraceKind.TLB, word, number, cpu.entry_hi, cpu.entry_lo, high, low)
        elif word == TLBR:
            number = (cpu.index & r.INDEX_MASK) >> r.INDEX_SHIFT
            self._add(cpu, TraceKind.TLB, word, number, cpu.entry_hi, cpu.entry_lo)
        elif word == TLBP:
            found = find_entry(cpu, cpu.entry_hi)
            low = 0 if found is None else cpu.tlb_entry_lo[found]
            number = WORD if found is None else found
            self._add(cpu, TraceKind.TLB, word, number, cpu.entry_hi, low)
        old, new = ((high & r.ASID_MASK) >> r.ASID_SHIFT for high in (entry_hi, cpu.entry_hi))
        if old != new:
            self._add(cpu, TraceKind.ADDRESS_SPACE, word, old, new)
