"""Native decoding: an instruction becomes an entry of its code page, when it is first executed."""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.layout import (
    BREAKPOINT,
    CODE_PAGE_ORIGINALS,
    DISCARD,
    ENTRY_FIELDS,
    ENTRY_OPERATION,
    ENTRY_WORD,
    EXECUTABLE,
    NOP,
    RESERVED,
    SHARED_OFFSETS,
    TRACED,
    TRANSLATED,
    Pattern,
)
from kseg.engine.interpreter.runtime.code_pages import (
    LAST_BUT_ONE,
    NOPS_LOOKED_THROUGH,
    code_page_of,
    entry_host,
    entry_number,
    handler_of,
)
from kseg.engine.interpreter.runtime.memory import (
    FETCH,
    NO_ADDRESS,
    find,
    region_field,
    resolve,
    u32,
)
from kseg.engine.interpreter.runtime.tracing_hooks import is_set
from kseg.isa.profile import Profile
from kseg.isa.values import select


def functions(profile: Profile, big_endian: bool) -> list[str]:
    """The text of every function of this file."""
    return [
        _peek(big_endian),
        _find_pattern(),
        _written_before(big_endian),
        _decode(profile, big_endian),
    ]


def _peek(big_endian: bool) -> str:
    """The instruction at %pc in the present mode, or 0 if it cannot be fetched."""
    b = FunctionBuilder("peek", "i32", [("ptr", "context"), ("i32", "pc")], "internal")
    physical = b.emit(f"call i64 @translate(ptr %context, i32 %pc, i32 4, i32 %pc, i32 {FETCH})")
    with b.leave_if(b.emit(f"icmp eq i64 {physical}, {NO_ADDRESS}")):
        b.return_("i32", "0")
    with b.leave_if(find(b, physical)):
        b.return_("i32", "0")
    physical = resolve(b, physical)
    with b.leave_if(((u32(b, region_field(b, "flags")) & EXECUTABLE) == 0).i1()):
        b.return_("i32", "0")
    inside = b.emit(f"sub i64 {physical}, {region_field(b, 'base')}")
    host = b.offset(region_field(b, "host"), inside)
    b.return_("i32", word_at(b, host, big_endian))
    return b.text("noinline")


def _find_pattern() -> str:
    """The decoder's row for an instruction, or null if it is none."""
    b = FunctionBuilder("find_pattern", "ptr", [("ptr", "context"), ("i32", "word")], "internal")
    word = u32(b, "%word")
    shared = fields.load_pointer(b, "shared")
    patterns = b.load("ptr", shared, SHARED_OFFSETS["patterns"])
    starts = b.offset(shared, SHARED_OFFSETS["pattern_starts"])
    major = b.emit(f"shl i64 {(word >> 26).i64()}, 2")
    row = b.variable("i32", b.load("i32", starts, major))
    end = b.load("i32", b.offset(starts, 4), major)
    with b.loop() as done:
        number = row.get()
        b.leave_loop_if(b.emit(f"icmp uge i32 {number}, {end}"), done)
        pattern = b.offset(patterns, b.emit(f"shl i64 {u32(b, number).i64()}, 4"))
        mask = u32(b, b.load("i32", pattern, Pattern.mask.offset))
        match = u32(b, b.load("i32", pattern, Pattern.match.offset))
        with b.leave_if(((word & mask) == match).i1()):
            b.return_("ptr", pattern)
        row.set(b.emit(f"add i32 {number}, 1"))
    b.return_("ptr", "null")
    return b.text("noinline")


def word_at(b: FunctionBuilder, host: Operand, big_endian: bool) -> Operand:
    """The instruction at a host address, an i32."""
    word = b.load("i32", host)
    return b.emit(f"call i32 @llvm.bswap.i32(i32 {word})") if big_endian else word


def _written_before(big_endian: bool) -> str:
    """The register (1 to 31) whose new value is in the accumulator when control comes to this
    entry from the one before, or 0 if there is none. Nops pass the accumulator on."""
    b = FunctionBuilder("written_before", "i32", [("ptr", "context"), ("ptr", "entry")], "internal")
    place = b.variable("ptr", entry_host(b, "%entry"))
    left = b.variable("i64", entry_number(b, "%entry"))
    raw = b.variable("i32", "0")
    nops = b.variable("i64", str(NOPS_LOOKED_THROUGH))
    with b.loop() as done:
        nothing_before = b.emit(f"icmp eq i64 {left.get()}, 0")
        too_many = b.emit(f"icmp slt i64 {nops.get()}, 0")
        with b.leave_if(b.emit(f"or i1 {nothing_before}, {too_many}")):
            b.return_("i32", "0")
        nops.set(b.emit(f"sub i64 {nops.get()}, 1"))
        left.set(b.emit(f"sub i64 {left.get()}, 1"))
        place.set(b.offset(place.get(), -4))
        raw.set(word_at(b, place.get(), big_endian))
        b.leave_loop_if(b.emit(f"icmp ne i32 {raw.get()}, 0"), done)
    pattern = b.emit(f"call ptr @find_pattern(ptr %context, i32 {raw.get()})")
    with b.leave_if(_is_null(b, pattern)):
        b.return_("i32", "0")
    result = u32(b, b.load("i32", pattern, Pattern.destination.offset)) >> 8
    word = u32(b, raw.get())
    in_t, in_d = (word >> 16) & 31, (word >> 11) & 31
    b.return_("i32", select(result == 1, in_t, select(result == 2, in_d, 0)).i32())
    return b.text("noinline")


def _decode(profile: Profile, big_endian: bool) -> str:
    """Fill in an entry from its instruction; the result is the operation.

    The handler in the entry is for coming from the entry before, which may have left in the
    accumulator what this one reads. Control that comes from elsewhere goes by the operation.
    """
    b = FunctionBuilder("decode", "i32", [("ptr", "context"), ("ptr", "entry")], "internal")
    raw = word_at(b, entry_host(b, "%entry"), big_endian)
    word = u32(b, raw)
    b.store("i32", raw, "%entry", ENTRY_WORD)
    operation, destination = b.variable("i32", str(RESERVED)), b.variable("i32", "0")
    jumping = b.offset(fields.load_pointer(b, "shared"), SHARED_OFFSETS["jumping"])
    pattern = b.emit(f"call ptr @find_pattern(ptr %context, i32 {raw})")
    with b.if_(b.emit(f"icmp ne ptr {pattern}, null")):
        operation.set(b.load("i32", pattern, Pattern.operation.offset))
        destination.set(b.load("i32", pattern, Pattern.destination.offset))
    for letter, shift, code in (("s", 21, 0), ("t", 16, 1), ("d", 11, 2)):
        offset = ((word >> shift) & 31) << 2
        if code:
            redirected = ((u32(b, destination.get()) & 0xFF) == code) & (offset == 0)
            offset = select(redirected, DISCARD, offset)
        byte = b.emit(f"trunc i32 {offset.i32()} to i8")
        b.store("i8", byte, "%entry", ENTRY_FIELDS[letter])
    with b.if_(is_set(b, "trace_jumps"), "unlikely"):
        recording = b.load("i8", jumping, u32(b, operation.get()).i64())
        with b.if_(b.emit(f"icmp ne i8 {recording}, 0")):
            operation.set(b.emit(f"zext i8 {recording} to i32"))
    with b.if_(is_set(b, "trace_instructions"), "unlikely"):
        originals = b.offset(code_page_of(b, "%entry"), CODE_PAGE_ORIGINALS)
        own = b.emit(f"trunc i32 {operation.get()} to i8")
        b.store("i8", own, originals, entry_number(b, "%entry"))
        operation.set(str(TRACED))
    chosen = u32(b, operation.get())
    if profile.early_fetch_faults:
        # That entry looks at the next page first, however it is reached.
        with b.leave_if(b.emit(f"icmp eq i64 {entry_number(b, '%entry')}, {LAST_BUT_ONE}")):
            b.return_("i32", chosen.i32())
    narrow = b.emit(f"trunc i32 {chosen.i32()} to i8")
    present = b.load("i8", "%entry", ENTRY_OPERATION)
    begins = b.emit(f"icmp eq i8 {present}, {TRANSLATED}")
    with b.leave_if(b.emit(f"icmp eq i8 {present}, {BREAKPOINT}")):
        # It is to be looked at each time.
        b.return_("i32", chosen.i32())
    with b.leave_if(begins):
        # The entry leads into a translation, which has asked for the instruction itself.
        originals = b.offset(code_page_of(b, "%entry"), CODE_PAGE_ORIGINALS)
        b.store("i8", narrow, originals, entry_number(b, "%entry"))
        b.return_("i32", chosen.i32())
    b.store("i8", narrow, "%entry", ENTRY_OPERATION)

    written = u32(b, b.emit("call i32 @written_before(ptr %context, ptr %entry)"))
    handler = b.variable("ptr", handler_of(b, "handlers", chosen.i64()))
    with b.if_((chosen == NOP).i1()):
        handler.set(handler_of(b, "s_handlers", str(NOP)))
    for letter, shift in (("t", 16), ("s", 21)):
        reads_it = (written != 0) & (((word >> shift) & 31) == written)
        with b.if_(reads_it.i1()):
            form = handler_of(b, f"{letter}_handlers", chosen.i64())
            handler.set(b.emit(f"select i1 {_is_null(b, form)}, ptr {handler.get()}, ptr {form}"))
    b.store("ptr", handler.get(), "%entry")
    b.return_("i32", chosen.i32())
    return b.text("noinline")


def _is_null(b: FunctionBuilder, pointer: Operand) -> Operand:
    return b.emit(f"icmp eq ptr {pointer}, null")
