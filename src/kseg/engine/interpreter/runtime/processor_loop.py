"""The native outer loop of one processor: timer, interrupts, then handlers until they stop."""

from kseg.engine.codegen.builder import HANDLER_CONVENTION, FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import BOTH, LOADED, PLAIN, SLOT, commit_pending
from kseg.engine.interpreter.dispatch import go_entry
from kseg.engine.interpreter.fields import state_of, u32
from kseg.engine.interpreter.layout import (
    CONTEXT_OFFSETS,
    LATCH_NONE,
    RESCHEDULE,
    RESUME_UNKNOWN,
    STATE_OFFSETS,
)
from kseg.engine.interpreter.runtime.exceptions import interrupt_due
from kseg.engine.interpreter.runtime.tracing_hooks import is_full
from kseg.isa.profile import Profile
from kseg.isa.registers import TIMER_LINE
from kseg.isa.values import WORD

BUDGET, IDLE = str(int(ExitReason.BUDGET)), str(int(ExitReason.IDLE))


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    return [_enter(profile), _run_processor(profile)]


def _enter(profile: Profile) -> str:
    """Execute from the stored state for at most %budget cycles."""
    b = FunctionBuilder("enter", "i32", [("ptr", "context"), ("i64", "budget")], "internal")
    state_of(b)
    clock = b.load("i64", "%state", STATE_OFFSETS["clock"])
    limit = b.emit(f"add i64 {clock}, %budget")
    fields.store_context(b, "resume", RESUME_UNKNOWN)
    b.store("i64", limit, "%context", CONTEXT_OFFSETS["limit"])
    pc = fields.load_state(b, "pc").i32()
    fields.store_context(b, "target_pc", pc)
    in_slot = fields.load_state(b, "in_delay_slot") != 0
    with b.if_(in_slot.i1()):
        fields.store_context(b, "slot_pc", pc)
        fields.store_context(b, "target_pc", fields.load_state(b, "next_pc").i32())
    entry = go_entry(b)
    reads, writes = fields.load_pointer(b, "reads"), fields.load_pointer(b, "writes")
    given = f"ptr %state, ptr {entry}, i64 %budget, ptr {entry}"
    given += f", ptr {reads}, ptr {writes}, ptr %context, i32 0"

    def call(suffix: str) -> None:
        result = b.emit(f"call {HANDLER_CONVENTION} i32 @go_{suffix}({given})")
        b.return_("i32", result)

    if profile.load_delay:
        pending = fields.load_state(b, "pending_load_register") != 0
        with b.leave_if((pending & in_slot).i1()):
            call(BOTH.suffix)
        with b.leave_if(pending.i1()):
            call(LOADED.suffix)
    with b.leave_if(in_slot.i1()):
        call(SLOT.suffix)
    call(PLAIN.suffix)
    return b.text("noinline")


def _take_interrupt(b: FunctionBuilder, profile: Profile) -> None:
    """Enter the exception for an interrupt before the next instruction."""
    if profile.load_delay:
        commit_pending(b, None)
        fields.store_state(b, "pending_load_register", 0)
        fields.store_state(b, "pending_load_value", 0)
    in_slot = (fields.load_state(b, "in_delay_slot") != 0).i1()
    pc, next_pc = fields.load_state(b, "pc").i32(), fields.load_state(b, "next_pc").i32()
    clock = fields.load_state(b, "clock").i64()
    vector = b.emit(
        f"call i32 @enter_exception(ptr %context, i32 {pc}, i1 {in_slot}, i32 {next_pc}, "
        f"i32 0, i32 0, i32 0, i32 0, i64 {clock})"
    )
    fields.store_state(b, "pc", u32(b, vector))
    fields.store_state(b, "next_pc", 0)
    fields.store_state(b, "in_delay_slot", 0)


def _cycles_to_timer(b: FunctionBuilder) -> Operand:
    """Cycles until Count reaches Compare, an i64; fires the timer if that is now."""
    never = str(1 << 40)
    cycles = b.variable("i64", never)
    with b.if_((fields.load_state(b, "timer_armed") != 0).i1()):
        clock, compare = fields.load_state(b, "clock"), fields.load_state(b, "compare")
        compare = u32(b, compare.i32())
        count = Symbol.of_i64(
            b, b.emit(f"sub i64 {clock.i64()}, {fields.load_state(b, 'count_origin').i64()}")
        )
        now = b.variable("i32", (count & WORD).i32())
        with b.if_((u32(b, now.get()) == compare).i1()):
            fields.store_state(b, "count_origin", clock)
            fields.store_state(b, "timer_line", TIMER_LINE)
            now.set("0")
        distance = b.emit(f"zext i32 {b.emit(f'sub i32 {compare.i32()}, {now.get()}')} to i64")
        at_once = b.emit(f"icmp eq i64 {distance}, 0")
        cycles.set(b.emit(f"select i1 {at_once}, i64 {1 << 32}, i64 {distance}"))
    return cycles.get()


def _run_processor(profile: Profile) -> str:
    """Run the processor until its clock is %end, it waits, or there is a VM exit."""
    b = FunctionBuilder("run_processor", "i32", [("ptr", "context"), ("i64", "end")], "hidden")
    b.do("call void @enter_code()")
    state_of(b)

    def synchronise() -> None:
        clock = fields.load_state(b, "clock").i64()
        b.do(f"call void @resynchronise(ptr %context, i64 {clock})")

    with b.loop():
        synchronise()
        timer = _cycles_to_timer(b) if profile.timer else str(1 << 40)
        clock = fields.load_state(b, "clock").i64()
        fields.store_context(b, "timer_at", b.emit(f"add i64 {clock}, {timer}"))
        left = b.emit(f"sub i64 %end, {fields.load_state(b, 'clock').i64()}")
        with b.leave_if(b.emit(f"icmp sle i64 {left}, 0")):
            b.return_("i32", BUDGET)
        with b.leave_if((fields.load_state(b, "waiting") != 0).i1()):
            b.return_("i32", IDLE)
        with b.leave_if(is_full(b)):
            b.return_("i32", str(int(ExitReason.TRACE_FULL)))
        answered = u32(b, fields.load_context(b, "latch")) != LATCH_NONE
        with b.if_((interrupt_due(b) & (answered == 0)).i1()):
            _take_interrupt(b, profile)
        budget = b.emit(f"call i64 @llvm.umin.i64(i64 {left}, i64 {timer})")
        # An instruction that has its answer completes before an interrupt is looked at.
        budget = b.emit(f"select i1 {answered.i1()}, i64 1, i64 {budget}")
        code = b.emit(f"call i32 @enter(ptr %context, i64 {budget})")
        fields.store_context(b, "latch", LATCH_NONE)
        asked = (u32(b, code) != 0) & (u32(b, code) != RESCHEDULE)
        with b.leave_if(asked.i1()):
            b.return_("i32", code)
    b.do("unreachable")
    return b.text("noinline")
