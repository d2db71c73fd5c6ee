"""Native control: going to an address, exceptions, mode changes, and the engine's outer loop."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.code_runtime import entry_host, handler_of
from kseg.engine.interpreter.layout import (
    CONTEXT_OFFSETS,
    ENTRY_OPERATION,
    ENTRY_SIZE,
    ENTRY_WORD,
    RESCHEDULE,
    STATE_OFFSETS,
)
from kseg.engine.interpreter.memory_runtime import state_of, u32
from kseg.engine.interpreter.tracer import (
    Variant,
    arguments,
    commit_pending,
    handler_builder,
    pc_of,
    target_pc,
)
from kseg.isa import exceptions
from kseg.isa import registers as r
from kseg.isa.profile import Profile
from kseg.isa.values import Value, select

PLAIN, SLOT = Variant(False, False), Variant(True, False)
LOADED, BOTH = Variant(False, True), Variant(True, True)

TABLES = {PLAIN: "handlers", SLOT: "slot_handlers", LOADED: "load_handlers", BOTH: "both_handlers"}
"""The table of Shared for each variant."""


def variants(profile: Profile) -> list[Variant]:
    """The variants of handlers that a profile needs."""
    return [PLAIN, SLOT, LOADED, BOTH] if profile.load_delay else [PLAIN, SLOT]


def functions(profile: Profile, big_endian: bool) -> list[str]:
    """The text of every function of this file."""
    found = [_update_mode(), _enter_exception(profile), _resynchronise()]
    for variant in variants(profile):
        found += [
            _stop(variant),
            _go(variant, profile.early_fetch_faults),
            _sentinel(variant),
            _fault(variant),
            _predecode(variant),
        ]
        if not variant.load_pending:
            found += [_resync(variant, refetches=False), _reschedule(variant)]
            if profile.early_fetch_faults:
                found.append(_resync(variant, refetches=True))
            if profile.hi_lo_interlock:
                found.append(_stall(variant))
    if profile.early_fetch_faults:
        found += [_uncounted_fault(variant) for variant in (PLAIN, SLOT)]
        found += [_page_end(big_endian), _page_after()]
    return found


# Dispatch.


def dispatch(b: FunctionBuilder, entry: Operand, variant: Variant, **changed: Operand) -> None:
    """End a handler by executing `entry`; `changed` are other arguments that changed."""
    if variant == PLAIN:
        handler = b.load("ptr", entry)
    else:
        operation = b.emit(f"zext i8 {b.load('i8', entry, ENTRY_OPERATION)} to i64")
        handler = handler_of(b, TABLES[variant], operation)
    b.tail_call(handler, arguments(entry=entry, **changed))


def stop_if_spent(b: FunctionBuilder, variant: Variant) -> None:
    """Name what is left of the budget after this cycle %left; stop if there is nothing."""
    b.do("%left = sub i64 %budget, 1")
    with b.leave_if(b.emit("icmp slt i64 %left, 0")):
        b.tail_call(f"@stop_{variant.suffix}", arguments())


def go_entry(b: FunctionBuilder) -> Operand:
    """The entry that goes to `target_pc`."""
    return b.offset("%context", CONTEXT_OFFSETS["go"])


def next_address(b: FunctionBuilder, variant: Variant) -> Operand:
    """The address of the instruction after this one."""
    if variant.in_slot:
        return target_pc(b)
    return pc_of(b, b.offset("%entry", ENTRY_SIZE))


def after_cycle(b: FunctionBuilder) -> Operand:
    """The cycle after this one, where %left is the budget without this one."""
    return b.emit(f"sub i64 {fields.load_context(b, 'limit')}, %left")


def _tables(b: FunctionBuilder) -> dict[str, Operand]:
    """The present mode's data tables, as arguments."""
    return {name: fields.load_pointer(b, name) for name in ("reads", "writes")}


def _save_place(b: FunctionBuilder, variant: Variant, pc: Operand, clock: Operand) -> None:
    """Write back where the processor stands, in address and time."""
    fields.store_state(b, "clock", Symbol.of_i64(b, clock))
    if variant.in_slot:
        fields.store_state(b, "next_pc", u32(b, target_pc(b)))
    else:
        fields.store_state(b, "next_pc", 0)
    fields.store_state(b, "in_delay_slot", int(variant.in_slot))
    fields.store_state(b, "pc", u32(b, pc))


def _stop(variant: Variant) -> str:
    """The budget is spent: stop before the instruction."""
    b = handler_builder(f"stop_{variant.suffix}")
    limit = fields.load_context(b, "limit")
    _save_place(b, variant, pc_of(b, "%entry"), b.emit(f"sub i64 {limit}, %budget"))
    b.return_("i32", "0")
    return b.text("noinline")


def _resolve(b: FunctionBuilder, pc: Operand, if_fault: Callable[[], None]) -> Operand:
    """The entry for i32 `pc`, whose page becomes the present one; `if_fault` ends the function."""
    page = (u32(b, pc) >> 12).i64()
    slot = b.emit(f"getelementptr ptr, ptr {fields.load_pointer(b, 'codes')}, i64 {page}")
    found = b.emit(f"load ptr, ptr {slot}, align 8")
    misaligned = (u32(b, pc) & 3) != 0
    absent = Symbol.of_i1(b, b.emit(f"icmp eq ptr {found}, null"))
    code_page = b.variable("ptr", found)
    with b.if_((misaligned | absent).i1(), "unlikely"):
        slow = b.emit(f"call ptr @slow_fetch(ptr %context, i32 {pc})")
        with b.leave_if(b.emit(f"icmp eq ptr {slow}, null")):
            if_fault()
        code_page.set(slow)
    base = code_page.get()
    address = b.emit(f"ptrtoint ptr {base} to i64")
    quarter = b.emit(f"trunc i64 {b.emit(f'lshr i64 {address}, 2')} to i32")
    fields.store_context(b, "bias", ((u32(b, pc) & r.VPN_MASK) - u32(b, quarter)).i32())
    b.store("ptr", base, "%context", CONTEXT_OFFSETS["code_page"])
    return b.offset(base, ((u32(b, pc) & 0xFFC) << 2).i64())


def _go(variant: Variant, early_fetch_faults: bool) -> str:
    """Execute the instruction at `target_pc`; in a delay slot, the one at `slot_pc`."""
    b = handler_builder(f"go_{variant.suffix}")
    name = "slot_pc" if variant.in_slot else "target_pc"
    pc = fields.load_context(b, name)

    def if_fault() -> None:
        """The fetch faults: that takes a cycle, if there is one left."""
        with b.leave_if(b.emit("icmp eq i64 %budget, 0")):
            _save_place(b, variant, pc, fields.load_context(b, "limit"))
            b.return_("i32", "0")
        b.do("%left = sub i64 %budget, 1")
        _raise(b, variant, pc, "0")

    entry = _resolve(b, pc, if_fault)
    if variant.in_slot and early_fetch_faults:
        with b.if_(((u32(b, fields.load_context(b, "target_pc")) & 0xFFF) == 0xFFC).i1()):
            b.tail_call("@page_after_s", arguments(entry=entry))
            b.place(b.label("unreached"))
    dispatch(b, entry, variant)
    return b.text("noinline")


def _page_after() -> str:
    """Early fetch faults: in the delay slot of a jump to the last instruction of a page, the
    page after that is looked at."""
    b = handler_builder("page_after_s")
    stop_if_spent(b, SLOT)
    word = b.emit(f"call i32 @peek(ptr %context, i32 {pc_of(b, '%entry')})")
    with b.if_((u32(b, word) != RFE_WORD).i1()):
        following = b.emit(f"add i32 {fields.load_context(b, 'target_pc')}, 4")
        check_fetch(b, following, SLOT)
    dispatch(b, "%entry", SLOT)
    return b.text("noinline")


def _sentinel(variant: Variant) -> str:
    """Control has run over the end of a page."""
    b = handler_builder(f"sentinel_{variant.suffix}")
    pc = pc_of(b, "%entry")
    if variant.in_slot:
        fields.store_context(b, "target_pc", target_pc(b))
        fields.store_context(b, "slot_pc", pc)
    else:
        fields.store_context(b, "target_pc", pc)
    b.tail_call(f"@go_{variant.suffix}", arguments(target=go_entry(b)))
    return b.text("noinline")


def _predecode(variant: Variant) -> str:
    """The first execution of an instruction: decode it, then execute it."""
    b = handler_builder(f"predecode_{variant.suffix}")
    b.do("call void @decode(ptr %context, ptr %entry)")
    operation = b.emit(f"zext i8 {b.load('i8', '%entry', ENTRY_OPERATION)} to i64")
    b.tail_call(handler_of(b, TABLES[variant], operation), arguments())
    return b.text("noinline")


def _page_end(big_endian: bool) -> str:
    """Early fetch faults: the last instruction but one of a page looks at the next page."""
    b = handler_builder("page_end_n")
    stop_if_spent(b, PLAIN)
    word = b.load("i32", entry_host(b, "%entry"))
    if big_endian:
        word = b.emit(f"call i32 @llvm.bswap.i32(i32 {word})")
    following = b.emit(f"add i32 {pc_of(b, '%entry')}, 8")
    with b.if_((u32(b, word) != RFE_WORD).i1()):
        check_fetch(b, following, PLAIN)
    operation = b.emit(f"zext i8 {b.load('i8', '%entry', ENTRY_OPERATION)} to i64")
    b.tail_call(handler_of(b, "handlers", operation), arguments())
    return b.text("noinline")


RFE_WORD = 0x42000010


def code_is_unknown(b: FunctionBuilder, pc: Operand) -> Operand:
    """Is the present mode's code table empty for i32 `pc`? An i1."""
    page = (u32(b, pc) >> 12).i64()
    slot = b.emit(f"getelementptr i64, ptr {fields.load_pointer(b, 'codes')}, i64 {page}")
    return b.emit(f"icmp eq i64 {b.emit(f'load i64, ptr {slot}, align 8')}, 0")


def check_fetch(
    b: FunctionBuilder, pc: Operand, variant: Variant, *, unless_rfe_at: Operand = ""
) -> None:
    """Leave for the exception if the instruction at i32 `pc` could not be fetched.

    With `unless_rfe_at`, for a jump: not if the delay slot there is RFE, for then the target is
    looked at in the mode to come. Without, for the page that follows: the cycle is not counted.
    """
    with b.if_(code_is_unknown(b, pc), "unlikely"):
        name, looked_at = "uncounted_fault", "true"
        if unless_rfe_at:
            name = "fault"
            word = b.emit(f"call i32 @peek(ptr %context, i32 {unless_rfe_at})")
            looked_at = (u32(b, word) != RFE_WORD).i1()
        with b.if_(looked_at):
            found = b.emit(f"call ptr @slow_fetch(ptr %context, i32 {pc})")
            with b.leave_if(b.emit(f"icmp eq ptr {found}, null")):
                b.tail_call(f"@{name}_{variant.suffix}", arguments(budget="%left"))


# Exceptions.


def _fault(variant: Variant) -> str:
    """An instruction cannot complete: raise the exception, or leave the engine, as the context
    says. The budget has this cycle already taken off."""
    b = handler_builder(f"fault_{variant.suffix}")
    b.do("%left = add i64 %budget, 0")
    reason = fields.load_context(b, "fault_reason")
    with b.leave_if(b.emit(f"icmp ne i32 {reason}, 0")):
        limit = fields.load_context(b, "limit")
        clock = b.emit(f"sub i64 {b.emit(f'sub i64 {limit}, %left')}, 1")
        _save_place(b, variant, pc_of(b, "%entry"), clock)
        b.return_("i32", reason)
    _raise(b, variant, pc_of(b, "%entry"), b.load("i32", "%entry", ENTRY_WORD))
    return b.text("noinline")


def _uncounted_fault(variant: Variant) -> str:
    """A fetch fault found early: Count and Random do not see its cycle."""
    b = handler_builder(f"uncounted_fault_{variant.suffix}")
    fields.add_to_state(b, "count_origin", 1)
    fields.add_to_state(b, "random_origin", 1)
    b.tail_call(f"@fault_{variant.suffix}", arguments())
    return b.text("noinline")


def _raise(b: FunctionBuilder, variant: Variant, pc: Operand, opcode: Operand) -> None:
    """End a handler by taking the exception that the context notes, at i32 `pc`."""
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
    fields.store_context(b, "target_pc", vector)
    b.tail_call("@go_n", arguments(budget="%left", target=go_entry(b), **_tables(b)))


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
        coprocessor=u32(b, "%code") >> 8,
        opcode=u32(b, "%opcode"),
    )
    vector = exceptions.vector(fields.load_state(b, "status"), refill)
    at = b.offset("%state", STATE_OFFSETS["exceptions"])
    slot = b.emit(f"shl i64 {code.i64()}, 3")
    count = b.emit(f"add i64 {b.load('i64', at, slot)}, 1")
    b.store("i64", count, at, slot)
    fields.add_to_state(b, "tlb_refills", refill)
    cpu.finish()
    fields.store_state(b, "ll_pending", 0)
    b.do("call void @resynchronise(ptr %context, i64 %now)")
    b.return_("i32", vector.i32())
    return b.text("noinline")


# Mode.


def _update_mode() -> str:
    """Count the cycles up to %now for the mode they ran in; take the tables of the mode now."""
    b = FunctionBuilder("update_mode", "void", [("ptr", "context"), ("i64", "now")], "internal")
    state_of(b)
    elapsed = b.emit(f"sub i64 %now, {fields.load_context(b, 'mode_since')}")
    fields.store_context(b, "mode_since", "%now")
    was_user = u32(b, fields.load_context(b, "user_mode")) != 0
    cycles = Symbol.of_i64(b, elapsed)
    fields.add_to_state(b, "user_cycles", select(was_user, cycles, 0))
    fields.add_to_state(b, "kernel_cycles", select(was_user, 0, cycles))
    status = fields.load_state(b, "status")
    user = (status & r.STATUS_KUC) != 0
    fields.store_context(b, "user_mode", user.i32())
    isolated = ((status & r.STATUS_ISC) != 0).i1()
    for table in ("reads", "writes", "codes"):
        of_user, of_kernel = (
            fields.load_pointer(b, f"{mode}_{table}") for mode in ("user", "kernel")
        )
        chosen = b.emit(f"select i1 {user.i1()}, ptr {of_user}, ptr {of_kernel}")
        if table != "codes":
            empty = fields.load_pointer(b, "empty")
            chosen = b.emit(f"select i1 {isolated}, ptr {empty}, ptr {chosen}")
        b.store("ptr", chosen, "%context", CONTEXT_OFFSETS[table])
    b.do("ret void")
    return b.text("noinline")


def _resynchronise() -> str:
    """Status or EntryHi may have changed: mode and address space from cycle %now on."""
    b = FunctionBuilder("resynchronise", "void", [("ptr", "context"), ("i64", "now")], "internal")
    b.do("call void @update_mode(ptr %context, i64 %now)")
    b.do("call void @leave_address_space(ptr %context)")
    b.do("ret void")
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
    b.do(f"call void @resynchronise(ptr %context, i64 {now})")
    if refetches:
        _refetch(b, pc, now)
        last = (u32(b, pc) & 0xFFC) == 0xFFC
        with b.if_(last.i1(), "unlikely"):
            _refetch(b, pc, now, distance=4)
    time_left = Symbol.of_i1(b, b.emit("icmp sgt i64 %left, 0"))
    with b.if_((interrupt_due(b) & time_left).i1(), "unlikely"):
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
    b.tail_call("@go_n", arguments(target=go_entry(b), **_tables(b)))
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
            fields.store_context(b, "target_pc", vector)
            b.tail_call("@go_n", arguments(target=go_entry(b), **_tables(b)))


def _reschedule(variant: Variant) -> str:
    """After an instruction that concerns the timer or idling: back to the outer loop."""
    b = handler_builder(f"reschedule_{variant.suffix}")
    b.do("%left = add i64 %budget, 0")
    now = after_cycle(b)
    pc = next_address(b, variant)
    _save_place(b, PLAIN, pc, now)
    b.return_("i32", str(RESCHEDULE))
    return b.text("noinline")


def _stall(variant: Variant) -> str:
    """HI or LO is not there yet: a cycle passes, and the instruction is tried again."""
    b = handler_builder(f"stall_{variant.suffix}")
    user = u32(b, fields.load_context(b, "user_mode")) != 0
    fields.add_to_state(b, "user_stalls", select(user, Symbol.of_i64(b, "1"), 0))
    fields.add_to_state(b, "kernel_stalls", select(user, 0, Symbol.of_i64(b, "1")))
    dispatch(b, "%entry", variant)
    return b.text("noinline")
