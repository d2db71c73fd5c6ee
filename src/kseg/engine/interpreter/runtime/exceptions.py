"""Native exceptions, and what may come after an instruction that changes Status."""

from types import SimpleNamespace
from typing import Any

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    PLAIN,
    Variant,
    arguments,
    commit_pending,
    handler_builder,
    pc_of,
    target_pc,
    variants,
)
from kseg.engine.interpreter.dispatch import (
    after_cycle,
    code_is_unknown,
    dispatch,
    go_entry,
    mode_tables,
    next_address,
    save_pc,
)
from kseg.engine.interpreter.fields import state_of, u32
from kseg.engine.interpreter.layout import (
    ENTRY_WORD,
    FROM_INSTRUCTION,
    LEFT_KERNEL,
    RESCHEDULE,
    STATE_OFFSETS,
)
from kseg.engine.interpreter.runtime.tracing_hooks import (
    flags_of_exception,
    if_traced,
    is_full,
    retract,
    slot_flag,
)
from kseg.isa import exceptions
from kseg.isa import registers as r
from kseg.isa.profile import Profile
from kseg.isa.values import Value, select


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    found = [_enter_exception(profile)]
    for variant in variants(profile):
        found.append(_fault(variant))
        if not variant.load_pending:
            found += [_resync(variant, refetches=False), _reschedule(variant)]
            if profile.early_fetch_faults:
                found += [_resync(variant, refetches=True), _uncounted_fault(variant)]
            if profile.hi_lo_interlock:
                found.append(_stall(variant))
    return found


def _fault(variant: Variant) -> str:
    """An instruction cannot complete: raise the exception, or leave the engine, as the context
    says. The budget has this cycle already taken off."""
    b = handler_builder(f"fault_{variant.suffix}")
    b.do("%left = add i64 %budget, 0")
    reason = fields.load_context(b, "fault_reason")
    with b.leave_if(b.emit(f"icmp ne i32 {reason}, 0")):
        limit = fields.load_context(b, "limit")
        clock = b.emit(f"sub i64 {b.emit(f'sub i64 {limit}, %left')}, 1")
        retract(b, clock)
        save_pc(b, variant, pc_of(b, "%entry"), clock)
        b.return_("i32", reason)
    raise_exception(b, variant, pc_of(b, "%entry"), b.load("i32", "%entry", ENTRY_WORD))
    return b.text("noinline")


def _uncounted_fault(variant: Variant) -> str:
    """A fetch fault found early: Count and Random do not see its cycle."""
    b = handler_builder(f"uncounted_fault_{variant.suffix}")
    fields.add_to_state(b, "count_origin", 1)
    fields.add_to_state(b, "random_origin", 1)
    b.tail_call(f"@fault_{variant.suffix}", arguments())
    return b.text("noinline")


def raise_exception(b: FunctionBuilder, variant: Variant, pc: Operand, opcode: Operand) -> None:
    """End a handler by taking the exception that the context notes, at i32 `pc`; on a supervised
    processor, leave before the instruction instead."""
    with b.leave_if((fields.load_state(b, "supervised") != 0).i1()):
        limit = fields.load_context(b, "limit")
        clock = b.emit(f"sub i64 {b.emit(f'sub i64 {limit}, %left')}, 1")
        retract(b, clock)
        save_pc(b, variant, pc, clock)
        b.return_("i32", str(int(ExitReason.TRAP)))
    if variant.load_pending:
        commit_pending(b, None)
        fields.store_state(b, "pending_load_register", 0)
        fields.store_state(b, "pending_load_value", 0)
    next_pc = target_pc(b) if variant.in_slot else "0"
    vector = _call_enter(
        b,
        pc=pc,
        in_slot=str(variant.in_slot).lower(),
        next_pc=next_pc,
        code=fields.load_context(b, "fault_code"),
        address=fields.load_context(b, "fault_address"),
        opcode=opcode,
        refill=fields.load_context(b, "fault_refill"),
        now=after_cycle(b),
    )
    _let_records_be_taken(b, vector, after_cycle(b))
    fields.store_context(b, "target_pc", vector)
    b.tail_call("@go_n", arguments(budget="%left", target=go_entry(b), **mode_tables(b)))


def _let_records_be_taken(b: FunctionBuilder, pc: Operand, now: Operand) -> None:
    """Between two instructions: back to the outer loop if there is no more room for a trace."""
    with b.leave_if(is_full(b)):
        save_pc(b, PLAIN, pc, now)
        b.return_("i32", str(RESCHEDULE))


def _call_enter(b: FunctionBuilder, **given: Operand) -> Operand:
    return b.emit(
        f"call i32 @enter_exception(ptr %context, i32 {given['pc']}, i1 {given['in_slot']}, "
        f"i32 {given['next_pc']}, i32 {given['code']}, i32 {given['address']}, "
        f"i32 {given['opcode']}, i32 {given['refill']}, i64 {given['now']})"
    )


class _Cpu(SimpleNamespace):
    """The part of a processor that `exceptions.enter` works on, as symbols."""

    def __init__(self, b: FunctionBuilder, profile: Profile) -> None:
        super().__init__()
        object.__setattr__(self, "_b", b)
        object.__setattr__(self, "profile", profile)
        object.__setattr__(self, "written", {})

    def __getattr__(self, name: str) -> Symbol:
        return fields.load_state(self._b, name)

    def __setattr__(self, name: str, value: Value) -> None:
        self.written[name] = value

    def finish(self) -> None:
        """Make the writes."""
        for name, value in self.written.items():
            fields.store_state(self._b, name, value)


def _enter_exception(profile: Profile) -> str:
    """Take an exception: CP0, counters, mode. Returns the vector."""
    b = FunctionBuilder(
        "enter_exception",
        "i32",
        [
            ("ptr", "context"),
            ("i32", "pc"),
            ("i1", "in_slot"),
            ("i32", "next_pc"),
            ("i32", "code"),
            ("i32", "address"),
            ("i32", "opcode"),
            ("i32", "refill"),
            ("i64", "now"),
        ],
        "internal",
    )
    state_of(b)
    code = u32(b, "%code") & 0xFF
    refill = u32(b, "%refill") != 0
    cpu: Any = _Cpu(b, profile)
    exceptions.enter(
        cpu,
        code,
        pc=u32(b, "%pc"),
        in_delay_slot=Symbol.of_i1(b, "%in_slot"),
        branch_target=u32(b, "%next_pc"),
        address=u32(b, "%address"),
        coprocessor=u32(b, "%code") >> 8 & 3,
        opcode=u32(b, "%opcode"),
    )
    vector = exceptions.vector(fields.load_state(b, "status"), refill)
    at = b.offset("%state", STATE_OFFSETS["exceptions"])
    slot = b.emit(f"shl i64 {code.i64()}, 3")
    count = b.emit(f"add i64 {b.load('i64', at, slot)}, 1")
    b.store("i64", count, at, slot)
    fields.add_to_state(b, "tlb_refills", refill)
    was_user = (fields.load_state(b, "status") & r.STATUS_KUC) != 0
    fields.add_to_state(b, "user_exceptions", was_user & (code != 0))
    cpu.finish()
    loses = exceptions.loses_place(fields.load_state(b, "status"), u32(b, "%pc"))
    with b.if_(loses.i1(), "unlikely"):
        for name in ("epc", "cause", "bad_vaddr"):
            fields.store_state(b, f"boot_{name}", fields.load_state(b, name))
    fields.store_state(b, "ll_pending", 0)
    window = u32(b, fields.load_context(b, "window_base"))
    has_window = u32(b, fields.load_context(b, "window_size")) != 0
    place = select(has_window, window + (vector & r.UNMAPPED_MASK), vector).i32()
    with if_traced(b):
        flags = flags_of_exception(b, "%in_slot", refill)
        if profile.has_floating_point:
            own = b.emit(f"and i32 %code, {FROM_INSTRUCTION}")
            flags = b.emit(f"or i32 {flags}, {own}")
        given = f"i32 %pc, i32 {flags}, i32 {code.i32()}, i32 {place}, i64 %now"
        b.do(f"call void @trace_exception(ptr %context, {given})")
    b.do("call void @resynchronise(ptr %context, i64 %now)")
    b.return_("i32", place)
    return b.text("noinline")


def interrupt_due(b: FunctionBuilder) -> Symbol:
    """Is an interrupt raised that Status lets through?"""
    status = fields.load_state(b, "status")
    raised = fields.load_state(b, "cause") | fields.load_state(b, "interrupt_lines")
    raised = raised | fields.load_state(b, "timer_line")
    return ((status & r.STATUS_IEC) != 0) & ((raised & status & r.STATUS_IM) != 0)


def _resync(variant: Variant, *, refetches: bool) -> str:
    """After an instruction that may have changed mode, address space, TLB or interrupts.

    With `refetches` the next two instructions are looked at first, and a fault takes no cycle.
    """
    b = handler_builder(f"{'refetch' if refetches else 'resync'}_{variant.suffix}")
    b.do("%left = add i64 %budget, 0")
    pc = next_address(b, variant)
    fields.store_context(b, "target_pc", pc)
    now = after_cycle(b)
    was_user = u32(b, fields.load_context(b, "user_mode"))
    with if_traced(b):
        given = f"i32 {pc_of(b, '%entry')}, i32 {b.load('i32', '%entry', ENTRY_WORD)}"
        clock = b.emit(f"sub i64 {now}, 1")
        given += f", i64 {clock}, i32 {slot_flag(variant)}"
        b.do(f"call void @trace_changed(ptr %context, {given})")
    b.do(f"call void @resynchronise(ptr %context, i64 {now})")
    if refetches:
        _refetch(b, pc, now)
        last = (u32(b, pc) & 0xFFC) == 0xFFC
        with b.if_(last.i1(), "unlikely"):
            _refetch(b, pc, now, distance=4)
    into_user = (was_user == 0) & (u32(b, fields.load_context(b, "user_mode")) != 0)
    leaves = u32(b, fields.load_context(b, "leaves_for_user")) != 0
    with b.leave_if((leaves & into_user).i1()):
        save_pc(b, PLAIN, pc, now)
        b.return_("i32", str(LEFT_KERNEL))
    with b.if_(interrupt_due(b).i1(), "unlikely"):
        with b.leave_if(b.emit("icmp sle i64 %left, 0")):
            # It is taken before the next instruction, which is for the outer loop to see to.
            save_pc(b, PLAIN, pc, now)
            b.return_("i32", str(RESCHEDULE))
        vector = _call_enter(
            b,
            pc=pc,
            in_slot="false",
            next_pc="0",
            code="0",
            address="0",
            opcode="0",
            refill="0",
            now=now,
        )
        fields.store_context(b, "target_pc", vector)
    _let_records_be_taken(b, fields.load_context(b, "target_pc"), now)
    b.tail_call("@go_n", arguments(target=go_entry(b), **mode_tables(b)))
    return b.text("noinline")


def _refetch(b: FunctionBuilder, pc: Operand, now: Operand, distance: int = 0) -> None:
    """If what lies at `distance` from i32 `pc` cannot be fetched, raise that before `pc`."""
    looked_at = b.emit(f"add i32 {pc}, {distance}")
    misaligned = (u32(b, looked_at) & 3) != 0
    unknown = Symbol.of_i1(b, code_is_unknown(b, looked_at))
    with b.if_((misaligned | unknown).i1(), "unlikely"):
        found = b.emit(f"call ptr @slow_fetch(ptr %context, i32 {looked_at})")
        with b.leave_if(b.emit(f"icmp eq ptr {found}, null")):
            vector = _call_enter(
                b,
                pc=pc,
                in_slot="false",
                next_pc="0",
                code=fields.load_context(b, "fault_code"),
                address=fields.load_context(b, "fault_address"),
                opcode="0",
                refill=fields.load_context(b, "fault_refill"),
                now=now,
            )
            # What did not complete is the RFE, in kernel mode.
            returned_to_user = (fields.load_state(b, "status") & r.STATUS_KUP) != 0
            less = select(returned_to_user, Symbol.of_i64(b, "-1"), 0)
            fields.add_to_state(b, "user_exceptions", less)
            _let_records_be_taken(b, vector, now)
            fields.store_context(b, "target_pc", vector)
            b.tail_call("@go_n", arguments(target=go_entry(b), **mode_tables(b)))


def _reschedule(variant: Variant) -> str:
    """After an instruction that concerns the timer or idling: back to the outer loop."""
    b = handler_builder(f"reschedule_{variant.suffix}")
    b.do("%left = add i64 %budget, 0")
    now = after_cycle(b)
    pc = next_address(b, variant)
    save_pc(b, PLAIN, pc, now)
    b.return_("i32", str(RESCHEDULE))
    return b.text("noinline")


def _stall(variant: Variant) -> str:
    """HI or LO is not there yet: a cycle passes, and the instruction is tried again."""
    b = handler_builder(f"stall_{variant.suffix}")
    with if_traced(b):
        limit = fields.load_context(b, "limit")
        now = b.emit(f"sub i64 {limit}, %budget")
        b.do(f"call void @trace_retract(ptr %context, i64 {b.emit(f'sub i64 {now}, 1')})")
    user = u32(b, fields.load_context(b, "user_mode")) != 0
    fields.add_to_state(b, "user_stalls", select(user, Symbol.of_i64(b, "1"), 0))
    fields.add_to_state(b, "kernel_stalls", select(user, 0, Symbol.of_i64(b, "1")))
    dispatch(b, "%entry", variant)
    return b.text("noinline")
