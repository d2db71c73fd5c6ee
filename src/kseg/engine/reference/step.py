"""One cycle of the reference processor: interrupt, fetch, decode, execute, exceptions.

Where mips161 does things in an order of its own (fetch faults are raised at the jump, or two
instructions before the end of a page), the source is System/161's behaviour.
"""

from kseg.engine.contract import Exit, ExitReason
from kseg.engine.reference.aborts import EngineExit, Trap
from kseg.engine.reference.mmu import TlbMiss
from kseg.engine.reference.processor import ReferenceProcessor, Stall, interrupt_is_due
from kseg.isa import exceptions
from kseg.isa import registers as r
from kseg.isa.exceptions import RFE_WORD, ExceptionCode
from kseg.isa.instruction_set import InstructionSet
from kseg.isa.values import WORD


def step(cpu: ReferenceProcessor, instructions: InstructionSet) -> None:
    """Let one cycle pass on `cpu`. Raises EngineExit, with nothing done, for a VM exit."""
    cpu.began_in_user_mode = bool(cpu.status & r.STATUS_KUC)
    if interrupt_is_due(cpu) and not cpu.latch.answered:
        # A load before the interrupted instruction arrives before its handler begins.
        cpu.begin()
        cpu.commit_loads()
        _take(cpu, Trap(ExceptionCode.INTERRUPT), opcode=0)
        cpu.waits_at_breakpoint = False
    user = cpu.status & r.STATUS_KUC
    cpu.began_in_user_mode = bool(user)
    opcode = 0
    record = None
    entry_hi = cpu.entry_hi
    counted = True
    stalled = False
    slot_target = cpu.next_pc if cpu.in_delay_slot else (cpu.pc + 4) & WORD
    cpu.next_pc = slot_target
    cpu.begin()
    try:
        opcode = cpu.fetch_word(cpu.pc)
        if cpu.breakpoints:
            cpu.stop_at_breakpoint()
        counted = False
        _prefetch(cpu, opcode)
        counted = True
        if cpu.recorder is not None:
            cpu.word = opcode
            record = cpu.recorder.begin(cpu, opcode)
        encoding = instructions.decode(opcode)
        if encoding is None:
            raise Trap(ExceptionCode.RESERVED_INSTRUCTION)
        encoding.instruction.meaning(cpu, *encoding.operands(opcode))
    except EngineExit:
        _retract(cpu, record)
        if not cpu.in_delay_slot:
            cpu.next_pc = 0
        raise
    except Stall:
        stalled = True
        _retract(cpu, record)
    except Trap as trap:
        if cpu.supervised:
            # A VM exit for the monitor, with nothing done.
            _retract(cpu, record)
            if not cpu.in_delay_slot:
                cpu.next_pc = 0
            code = int(trap.code)
            raise EngineExit(Exit(ExitReason.TRAP, address=trap.address, value=code)) from None
        if cpu.recorder is not None:
            cpu.recorder.trapped(cpu, record)
        cpu.commit_loads()
        _take(cpu, trap, opcode)
    else:
        cpu.commit_loads()
        if cpu.recorder is not None:
            cpu.recorder.after(cpu, opcode, entry_hi)
        cpu.pc = cpu.next_pc
        cpu.in_delay_slot = cpu.branched
        cpu.next_pc = cpu.following if cpu.branched else 0
        if cpu.refetches:
            cpu.began_in_user_mode = bool(cpu.status & r.STATUS_KUC)
            _refetch(cpu)
    if stalled and not cpu.in_delay_slot:
        cpu.next_pc = 0
    cpu.waits_at_breakpoint = stalled and (cpu.latch.answered or cpu.waits_at_breakpoint)
    _pass_cycle(cpu, user=bool(user), stalled=stalled, counted=counted)


def _retract(cpu: ReferenceProcessor, record: list[int] | None) -> None:
    """The instruction will be begun again: what was recorded of it is void."""
    if cpu.recorder is not None:
        cpu.recorder.retract(cpu, record)


def _prefetch(cpu: ReferenceProcessor, opcode: int) -> None:
    """mips161 translates the next page when the instruction after next is its first."""
    if cpu.profile.early_fetch_faults and cpu.following & 0xFFF == 0 and opcode != RFE_WORD:
        cpu.fetch_word(cpu.following)


def _refetch(cpu: ReferenceProcessor) -> None:
    """mips161 looks at the next two instructions at the end of RFE, in the mode returned to."""
    try:
        cpu.fetch_word(cpu.pc)
        cpu.fetch_word((cpu.pc + 4) & WORD)
    except Trap as trap:
        _take(cpu, trap, opcode=0)
        # What did not complete is the RFE, in kernel mode.
        cpu.user_exceptions -= bool(cpu.status & r.STATUS_KUP)


def _take(cpu: ReferenceProcessor, trap: Trap, opcode: int) -> None:
    """Enter the exception: CP0, counters, and the vector."""
    refill = isinstance(trap, TlbMiss) and trap.address < r.KSEG0
    pc, slot = cpu.pc, cpu.in_delay_slot
    exceptions.enter(
        cpu,
        trap.code,
        pc=cpu.pc,
        in_delay_slot=cpu.in_delay_slot,
        branch_target=cpu.next_pc,
        address=trap.address,
        coprocessor=trap.coprocessor,
        opcode=opcode,
    )
    user = bool(cpu.status & r.STATUS_KUP)  # Pushed by now.
    cpu.user_exceptions += user and trap.code != ExceptionCode.INTERRUPT
    if exceptions.loses_place(cpu.status, pc):
        cpu.boot_epc, cpu.boot_cause, cpu.boot_bad_vaddr = cpu.epc, cpu.cause, cpu.bad_vaddr
    cpu.exceptions[trap.code] += 1
    cpu.tlb_refills += refill
    cpu.ll_pending = 0
    vector = exceptions.vector(cpu.status, refill)
    cpu.pc = vector if cpu.window is None else cpu.window + (vector & r.UNMAPPED_MASK)
    cpu.next_pc = 0
    cpu.in_delay_slot = 0
    if cpu.recorder is not None:
        cpu.recorder.exception(cpu, trap.code, pc, cpu.pc, slot=slot, refill=refill)


def _pass_cycle(cpu: ReferenceProcessor, *, user: bool, stalled: bool, counted: bool) -> None:
    """Time moves on by one cycle; Count and Random stand still where not `counted`."""
    cpu.clock += 1
    if user:
        cpu.user_cycles += 1
        cpu.user_stalls += stalled
    else:
        cpu.kernel_cycles += 1
        cpu.kernel_stalls += stalled
    if not counted:
        cpu.count_origin = (cpu.count_origin + 1) & ((1 << 64) - 1)
        cpu.random_origin = (cpu.random_origin + 1) & ((1 << 64) - 1)
    elif cpu.timer_armed and cpu.count() == cpu.compare:
        cpu.set_count(0)
        cpu.timer_line = r.TIMER_LINE
