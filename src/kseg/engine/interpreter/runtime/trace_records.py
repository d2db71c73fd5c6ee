"""Native tracing: events become records. Nothing here is reached while nothing is traced, but for
one comparison where an exception is taken, where CP0 is written, and where an engine is left.

Exceptions and what changes the TLB or the address space come by here anyway: they are looked at in
the runtime, and translations stay. Instructions and jumps do not. While they are traced, code is
decoded so that it comes by: each instruction as TRACED, which goes on to its own handler, and each
jump as another operation that does the same and records itself.
"""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    TABLES,
    Variant,
    arguments,
    handler_builder,
    pc_of,
    variants,
)
from kseg.engine.interpreter.dispatch import save_pc
from kseg.engine.interpreter.layout import (
    CODE_PAGE_ORIGINALS,
    ENTRY_WORD,
    LATCH_NONE,
    RESCHEDULE,
    SHARED_OFFSETS,
    STATE_OFFSETS,
    RecordEntry,
)
from kseg.engine.interpreter.runtime.code_pages import code_page_of, entry_number, handler_of
from kseg.engine.interpreter.runtime.memory import state_of, u32
from kseg.engine.interpreter.runtime.tracing_hooks import is_full, slot_flag
from kseg.engine.tracing import (
    BY_D,
    BY_T,
    DELAY_SLOT,
    LINK,
    LINK_IF,
    MOVE,
    RECORD,
    REFILL,
    TRAPPED,
    TraceKind,
)
from kseg.isa import registers as r
from kseg.isa.exceptions import RFE_WORD, ExceptionCode
from kseg.isa.profile import Profile
from kseg.isa.values import select

TLBR, TLBWI, TLBWR, TLBP = 0x42000001, 0x42000002, 0x42000006, 0x42000008
STACK_POINTER = 29


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    found = [
        _slot(),
        _finish(),
        _retract(),
        _instruction(),
        _jump(),
        _exception(profile),
        _changed(profile),
    ]
    if profile.has_tlb:
        found.append(_probed())
    return found + [_traced(variant) for variant in variants(profile)]


def _shared(b: FunctionBuilder, name: str, type_: str = "i64") -> Operand:
    return b.load(type_, fields.load_pointer(b, "shared"), SHARED_OFFSETS[name])


def _store_shared(b: FunctionBuilder, name: str, value: Operand, type_: str = "i64") -> None:
    b.store(type_, value, fields.load_pointer(b, "shared"), SHARED_OFFSETS[name])


def _asid(b: FunctionBuilder) -> Symbol:
    return (fields.load_state(b, "entry_hi") & r.ASID_MASK) >> r.ASID_SHIFT


def _register(b: FunctionBuilder, number: Operand) -> Operand:
    """The general register with an i32 number, an i32."""
    at = b.emit(f"shl i64 {b.emit(f'zext i32 {number} to i64')}, 2")
    return b.load("i32", b.offset("%state", STATE_OFFSETS["gpr"]), at)


def _slot() -> str:
    """Where the record of an event is to be put, its first fields filled in; null if the filter
    does not want it."""
    parameters = [("ptr", "context"), ("i32", "kind"), ("i32", "pc"), ("i64", "clock")]
    b = FunctionBuilder("trace_slot", "ptr", [*parameters, ("i32", "flags")], "internal")
    state_of(b)

    def unless(condition: Operand) -> None:
        with b.leave_if(b.emit(f"xor i1 {condition}, true")):
            b.return_("ptr", "null")

    def unless_bit(mask: Operand, number: Operand) -> None:
        unless(b.emit(f"trunc i64 {b.emit(f'lshr i64 {mask}, {number}')} to i1"))

    user = fields.load_context(b, "user_mode")
    in_user = b.emit(f"icmp ne i32 {user}, 0")
    of_user, of_kernel = (_shared(b, f"trace_{mode}", "i32") for mode in ("user", "kernel"))
    kinds = b.emit(f"select i1 {in_user}, i32 {of_user}, i32 {of_kernel}")
    unless_bit(b.emit(f"zext i32 {kinds} to i64"), b.emit("zext i32 %kind to i64"))
    number = fields.load_context(b, "number")
    processors = b.emit(f"zext i32 {_shared(b, 'trace_processors', 'i32')} to i64")
    unless_bit(processors, number)
    asid = _asid(b)
    unless_bit(_shared(b, "trace_asids"), asid.i64())
    unless(b.emit(f"icmp uge i64 %clock, {_shared(b, 'trace_first')}"))
    unless(b.emit(f"icmp ule i64 %clock, {_shared(b, 'trace_last')}"))
    ranges = _shared(b, "trace_range_count")
    inside = b.variable("i1", b.emit(f"icmp eq i64 {ranges}, 0"))
    array = b.offset(fields.load_pointer(b, "shared"), SHARED_OFFSETS["trace_ranges"])
    with b.count(ranges) as place:
        at = b.emit(f"shl i64 {place}, 3")
        first = b.emit(f"icmp uge i32 %pc, {b.load('i32', array, at)}")
        last = b.emit(f"icmp ule i32 %pc, {b.load('i32', b.offset(array, 4), at)}")
        here = b.emit(f"and i1 {first}, {last}")
        inside.set(b.emit(f"or i1 {inside.get()}, {here}"))
    unless(inside.get())

    count = _shared(b, "trace_count")
    unless(b.emit(f"icmp ult i64 {count}, {_shared(b, 'trace_limit')}"))
    after = b.emit(f"add i64 {count}, 1")
    _store_shared(b, "trace_count", after)
    with b.if_(b.emit(f"icmp uge i64 {after}, {_shared(b, 'trace_room')}"), "unlikely"):
        _store_shared(b, "trace_full", "1", "i32")
    index = b.emit(f"and i64 {count}, {_shared(b, 'trace_places')}")
    record = b.emit(
        f"getelementptr i8, ptr {_shared(b, 'trace_records', 'ptr')},"
        f" i64 {b.emit(f'mul i64 {index}, {RECORD.size}')}"
    )
    b.store("i64", "%clock", record, RecordEntry.cycle.offset)
    b.store("i32", "%pc", record, RecordEntry.pc.offset)
    for offset in range(RecordEntry.word.offset, RecordEntry.kind.offset, 4):
        b.store("i32", "0", record, offset)
    flags = b.emit(f"or i32 %flags, {b.emit(f'zext i1 {in_user} to i32')}")
    for name, value in (
        ("kind", b.emit("trunc i32 %kind to i8")),
        ("processor", b.emit(f"trunc i64 {number} to i8")),
        ("flags", b.emit(f"trunc i32 {flags} to i8")),
        ("asid", b.emit(f"trunc i32 {asid.i32()} to i8")),
    ):
        b.store("i8", value, record, getattr(RecordEntry, name).offset)
    b.return_("ptr", record)
    return b.text("noinline")


def _fill(b: FunctionBuilder, record: Operand, word: Operand, *values: Operand) -> None:
    b.store("i32", word, record, RecordEntry.word.offset)
    for number, value in enumerate(values):
        b.store("i32", value, record, RecordEntry.values.offset + 4 * number)


def _record(
    b: FunctionBuilder, kind: TraceKind, pc: Operand, clock: Operand, flags: Operand
) -> tuple[Operand, Operand]:
    """The place for a record, and whether there is one."""
    given = f"ptr %context, i32 {int(kind)}, i32 {pc}, i64 {clock}, i32 {flags}"
    record = b.emit(f"call ptr @trace_slot({given})")
    return record, b.emit(f"icmp ne ptr {record}, null")


def _finish() -> str:
    """Note the result of the processor's last instruction that was recorded."""
    b = FunctionBuilder("trace_finish", "void", [("ptr", "context")], "internal")
    state_of(b)
    pending = fields.load_context(b, "trace_pending")
    with b.if_(b.emit(f"icmp ne i64 {pending}, 0")):
        fields.store_context(b, "trace_pending", 0)
        number = b.emit(f"sub i64 {pending}, 1")
        places = _shared(b, "trace_places")
        age = b.emit(f"sub i64 {_shared(b, 'trace_count')}, {number}")
        with b.if_(b.emit(f"icmp ule i64 {age}, {places}")):
            at = b.emit(f"mul i64 {b.emit(f'and i64 {number}, {places}')}, {RECORD.size}")
            register = u32(b, fields.load_context(b, "trace_register"))
            late = register == fields.load_state(b, "pending_load_register")
            value = u32(b, _register(b, register.i32()))
            value = select(late, fields.load_state(b, "pending_load_value"), value)
            record = b.offset(_shared(b, "trace_records", "ptr"), at)
            b.store("i32", value.i32(), record, RecordEntry.values.offset + 8)
    b.do("ret void")
    return b.text("noinline")


def _retract() -> str:
    """See `tracing_hooks.retract`."""
    b = FunctionBuilder("trace_retract", "void", [("ptr", "context"), ("i64", "clock")], "internal")
    mark = fields.load_context(b, "trace_mark")
    last = b.emit(f"icmp eq i64 {mark}, {_shared(b, 'trace_count')}")
    this = b.emit(f"icmp eq i64 {fields.load_context(b, 'trace_mark_at')}, %clock")
    some = b.emit(f"icmp ne i64 {mark}, 0")
    with b.if_(b.emit(f"and i1 {some}, {b.emit(f'and i1 {last}, {this}')}")):
        _store_shared(b, "trace_count", b.emit(f"sub i64 {mark}, 1"))
        fields.store_context(b, "trace_mark", 0)
        fields.store_context(b, "trace_pending", 0)
    b.do("ret void")
    return b.text("noinline")


def _instruction() -> str:
    """An instruction is about to be executed."""
    parameters = [("ptr", "context"), ("i32", "pc"), ("i32", "word"), ("i64", "clock")]
    b = FunctionBuilder("trace_instruction", "void", [*parameters, ("i32", "flags")], "internal")
    state_of(b)
    b.do("call void @trace_finish(ptr %context)")
    fields.store_context(b, "trace_mark", 0)
    record, wanted = _record(b, TraceKind.INSTRUCTION, "%pc", "%clock", "%flags")
    with b.if_(wanted):
        word = u32(b, "%word")
        in_t = (word >> 16) & 31
        s, t = (_register(b, number.i32()) for number in ((word >> 21) & 31, in_t))
        _fill(b, record, "%word", s, t)
        count = _shared(b, "trace_count")
        fields.store_context(b, "trace_mark", count)
        fields.store_context(b, "trace_mark_at", "%clock")
        written = _destination(b, word)
        fields.store_context(b, "trace_register", written.i32())
        pending = b.emit(f"select i1 {(written != 0).i1()}, i64 {count}, i64 0")
        fields.store_context(b, "trace_pending", pending)
    b.do("ret void")
    return b.text("noinline")


def _destination(b: FunctionBuilder, word: Symbol) -> Symbol:
    """`kseg.engine.tracing.destination`."""
    rules = b.offset(fields.load_pointer(b, "shared"), SHARED_OFFSETS["trace_destinations"])
    byte = b.load("i8", rules, (word >> 26).i64())
    rule = u32(b, b.emit(f"zext i8 {byte} to i32"))
    links = (rule == LINK) | ((rule == LINK_IF) & ((word & 1 << 20) != 0))
    by_t = (rule == BY_T) | ((rule == MOVE) & (((word >> 21) & 31) == 0))
    in_t, in_d = (word >> 16) & 31, (word >> 11) & 31
    chosen = select(by_t, in_t, select(links, 31, 0))
    return u32(b, select(rule == BY_D, in_d, chosen).i32())


def _jump() -> str:
    """A jump will be made, after its delay slot."""
    parameters = [("ptr", "context"), ("i32", "pc"), ("i32", "word"), ("i64", "clock")]
    parameters += [("i32", "flags"), ("i32", "target")]
    b = FunctionBuilder("trace_jump", "void", parameters, "internal")
    record, wanted = _record(b, TraceKind.JUMP, "%pc", "%clock", "%flags")
    with b.if_(wanted):
        _fill(b, record, "%word", "%target")
    b.do("ret void")
    return b.text("noinline")


def _exception(profile: Profile) -> str:
    """An exception has been taken, but the mode is still that before it; %now is the cycle after
    it, or, for an interrupt, its own."""
    parameters = [("ptr", "context"), ("i32", "pc"), ("i32", "flags"), ("i32", "code")]
    parameters += [("i32", "vector"), ("i64", "now")]
    b = FunctionBuilder("trace_exception", "void", parameters, "internal")
    state_of(b)
    interrupt = b.emit(f"icmp eq i32 %code, {int(ExceptionCode.INTERRUPT)}")
    clock = b.emit(f"select i1 {interrupt}, i64 %now, i64 {b.emit('sub i64 %now, 1')}")
    _note_trap(b, clock, interrupt)
    kinds = f"i32 {int(TraceKind.INTERRUPT)}, i32 {int(TraceKind.EXCEPTION)}"
    kind = b.emit(f"select i1 {interrupt}, {kinds}")
    given = f"ptr %context, i32 {kind}, i32 %pc, i64 {clock}, i32 %flags"
    record = b.emit(f"call ptr @trace_slot({given})")
    with b.if_(b.emit(f"icmp ne ptr {record}, null")):
        cause = fields.load_state(b, "cause") | fields.load_state(b, "interrupt_lines")
        cause = cause | fields.load_state(b, "timer_line")
        epc, address = fields.load_state(b, "epc").i32(), fields.load_state(b, "bad_vaddr").i32()
        stack = _register(b, str(STACK_POINTER))
        _fill(b, record, "%vector", cause.i32(), epc, address, stack)
        call = b.emit(f"icmp eq i32 %code, {int(ExceptionCode.SYSTEM_CALL)}")
        _leave_at_call(b, call)
        if profile.has_tlb:
            code = u32(b, "%code")
            about_tlb = (code >= int(ExceptionCode.TLB_MODIFIED)) & (
                code <= int(ExceptionCode.TLB_STORE)
            )
            with b.if_(about_tlb.i1()):
                high = fields.load_state(b, "entry_hi").i32()
                entry = b.emit(f"call i32 @tlb_find(ptr %state, i32 {high})")
                b.store("i32", entry, record, RecordEntry.values.offset + 16)
    b.do("ret void")
    return b.text("noinline")


def _leave_at_call(b: FunctionBuilder, crossed: Operand) -> None:
    """Let the record be taken at once, if that is wanted and the i1 `crossed` says so."""
    leaves = b.emit(f"icmp ne i32 {_shared(b, 'trace_leaves_at_calls', 'i32')}, 0")
    with b.if_(b.emit(f"and i1 {leaves}, {crossed}")):
        _store_shared(b, "trace_full", "1", "i32")


def _note_trap(b: FunctionBuilder, clock: Operand, interrupt: Operand) -> None:
    """If an exception comes from the instruction that was recorded last, note that there."""
    mark = fields.load_context(b, "trace_mark")
    this = b.emit(f"icmp eq i64 {fields.load_context(b, 'trace_mark_at')}, {clock}")
    this = b.emit(f"and i1 {this}, {b.emit(f'icmp ne i64 {mark}, 0')}")
    this = b.emit(f"and i1 {this}, {b.emit(f'xor i1 {interrupt}, true')}")
    with b.if_(this):
        number = b.emit(f"and i64 {b.emit(f'sub i64 {mark}, 1')}, {_shared(b, 'trace_places')}")
        at = b.emit(f"mul i64 {number}, {RECORD.size}")
        record = b.offset(_shared(b, "trace_records", "ptr"), at)
        # Not so where what follows RFE could not be fetched.
        pc = b.load("i32", record, RecordEntry.pc.offset)
        with b.if_(b.emit(f"icmp eq i32 {pc}, %pc")):
            flags = b.load("i8", record, RecordEntry.flags.offset)
            flags = b.emit(f"or i8 {flags}, {TRAPPED}")
            b.store("i8", flags, record, RecordEntry.flags.offset)
            fields.store_context(b, "trace_pending", 0)


def flags_of_exception(b: FunctionBuilder, in_slot: Operand, refill: Symbol) -> Operand:
    """The flags of its record, an i32, from the i1 `in_slot`."""
    slot = b.emit(f"select i1 {in_slot}, i32 {DELAY_SLOT}, i32 0")
    return b.emit(f"or i32 {slot}, {select(refill, u32(b, str(REFILL)), 0).i32()}")


def _changed(profile: Profile) -> str:
    """An instruction was executed that may have changed mode, address space or TLB, but the tables
    are still those before it."""
    parameters = [("ptr", "context"), ("i32", "pc"), ("i32", "word"), ("i64", "clock")]
    b = FunctionBuilder("trace_changed", "void", [*parameters, ("i32", "flags")], "internal")
    state_of(b)
    word = u32(b, "%word")

    def record(kind: TraceKind, *values: Operand) -> None:
        place, wanted = _record(b, kind, "%pc", "%clock", "%flags")
        with b.if_(wanted):
            _fill(b, place, "%word", *values)

    with b.if_((word == RFE_WORD).i1()):
        status = fields.load_state(b, "status")
        place, wanted = _record(b, TraceKind.RETURN, "%pc", "%clock", "%flags")
        with b.if_(wanted):
            _fill(b, place, "%word", status.i32(), _register(b, str(STACK_POINTER)))
            _leave_at_call(b, "true")
    if profile.has_tlb:
        high, low = (fields.load_state(b, name).i32() for name in ("entry_hi", "entry_lo"))
        with b.if_(((word == TLBWI) | (word == TLBWR)).i1()):
            index, old_high, old_low = (
                fields.load_context(b, f"trace_tlb_{name}") for name in ("index", "high", "low")
            )
            record(TraceKind.TLB, index, high, low, old_high, old_low)
        with b.if_((word == TLBR).i1()):
            index = ((fields.load_state(b, "index") & r.INDEX_MASK) >> r.INDEX_SHIFT).i32()
            record(TraceKind.TLB, index, high, low)
        old, new = u32(b, fields.load_context(b, "asid")) >> r.ASID_SHIFT, _asid(b)
        with b.if_((old != new).i1()):
            record(TraceKind.ADDRESS_SPACE, old.i32(), new.i32())
    b.do("ret void")
    return b.text("noinline")


def _probed() -> str:
    """TLBP was executed, with the result %found, negative if there is none."""
    parameters = [("ptr", "context"), ("i32", "found"), ("i32", "pc"), ("i64", "clock")]
    b = FunctionBuilder("trace_probed", "void", [*parameters, ("i32", "flags")], "internal")
    state_of(b)
    record, wanted = _record(b, TraceKind.TLB, "%pc", "%clock", "%flags")
    with b.if_(wanted):
        high = fields.load_state(b, "entry_hi").i32()
        low = b.variable("i32", "0")
        with b.if_(b.emit("icmp sge i32 %found, 0")):
            at = b.emit(f"shl i64 {b.emit('zext i32 %found to i64')}, 2")
            low.set(b.load("i32", b.offset("%state", STATE_OFFSETS["tlb_entry_lo"]), at))
        _fill(b, record, str(TLBP), "%found", high, low.get())
    b.do("ret void")
    return b.text("noinline")


def record_traced_jump(b: FunctionBuilder, variant: Variant, pc: Operand, target: Operand) -> None:
    """In the handler of a jump that records itself: it is taken, to i32 `target`."""
    limit = fields.load_context(b, "limit")
    clock = b.emit(f"sub i64 {b.emit(f'sub i64 {limit}, %left')}, 1")
    word = b.load("i32", "%entry", ENTRY_WORD)
    given = f"ptr %context, i32 {pc}, i32 {word}, i64 {clock}, i32 {slot_flag(variant)}"
    b.do(f"call void @trace_jump({given}, i32 {target})")


def leave_if_full(b: FunctionBuilder, variant: Variant, *, recorded: Operand = "false") -> None:
    """At the beginning of a handler, with %left named: let the records be taken first, unless
    the instruction has an answer to take up, or has been `recorded` already."""
    waits = b.emit(f"icmp eq i32 {fields.load_context(b, 'latch')}, {LATCH_NONE}")
    waits = b.emit(f"and i1 {waits}, {b.emit(f'xor i1 {recorded}, true')}")
    with b.leave_if(b.emit(f"and i1 {waits}, {is_full(b)}")):
        limit = fields.load_context(b, "limit")
        clock = b.emit(f"sub i64 {b.emit(f'sub i64 {limit}, %left')}, 1")
        save_pc(b, variant, pc_of(b, "%entry"), clock)
        b.return_("i32", str(RESCHEDULE))


def _traced(variant: Variant) -> str:
    """Record the instruction, then execute it."""
    b = handler_builder(f"traced_{variant.suffix}")
    b.do("%left = sub i64 %budget, 1")
    with b.leave_if(b.emit("icmp slt i64 %left, 0")):
        b.tail_call(f"@stop_{variant.suffix}", arguments())
    leave_if_full(b, variant)
    clock = b.emit(f"sub i64 {fields.load_context(b, 'limit')}, %budget")
    word = b.load("i32", "%entry", ENTRY_WORD)
    given = f"ptr %context, i32 {pc_of(b, '%entry')}, i32 {word}, i64 {clock}"
    b.do(f"call void @trace_instruction({given}, i32 {slot_flag(variant)})")
    originals = b.offset(code_page_of(b, "%entry"), CODE_PAGE_ORIGINALS)
    operation = b.load("i8", originals, entry_number(b, "%entry"))
    number = b.emit(f"zext i8 {operation} to i64")
    b.tail_call(handler_of(b, TABLES[variant], number), arguments())
    return b.text("noinline")
