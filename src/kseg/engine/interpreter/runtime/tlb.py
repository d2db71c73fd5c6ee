"""Native TLB operations, and the tables that mirror the TLB.

A table slot is filled when an access first finds its entry, and emptied when the entry goes or
its address space is left; so a full slot always means what the TLB would say.
"""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.codegen.vector import each_bit, matching
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.layout import STATE_OFFSETS
from kseg.engine.interpreter.runtime.memory import state_of, u32
from kseg.engine.interpreter.runtime.tracing_hooks import if_traced
from kseg.engine.state import TLB_SIZE
from kseg.isa import registers as r
from kseg.isa.exceptions import Fatal
from kseg.isa.profile import Profile
from kseg.isa.values import select


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    return [
        _tlb_find(),
        _unmap(),
        _leave_address_space(),
        _tlb_read(),
        _tlb_place(),
        _tlb_write(profile),
        _leave_state(),
        _tlb_probe(),
    ]


def tlb_word(b: FunctionBuilder, field: str, number: Operand, state: Operand = "%state") -> Symbol:
    """Word i64 `number` of `tlb_entry_hi` or `tlb_entry_lo`."""
    at = b.emit(f"shl i64 {number}, 2")
    return u32(b, b.load("i32", b.offset(state, STATE_OFFSETS[field]), at))


def is_mapped(page: Symbol) -> Symbol:
    """Does the TLB translate addresses of the virtual page number (kuseg or kseg2)?"""
    return (page < r.KSEG0 >> 12) | (page >= r.KSEG2 >> 12)


def _indexed(b: FunctionBuilder) -> Operand:
    """The number in Index, an i64."""
    return ((fields.load_state(b, "index") & r.INDEX_MASK) >> r.INDEX_SHIFT).i64()


def _with_page(b: FunctionBuilder, entry_hi: Operand) -> Operand:
    """An i64 with a bit for each entry that is for the virtual page of the i32 `entry_hi`."""
    table = b.offset("%state", STATE_OFFSETS["tlb_entry_hi"])
    return matching(b, table, entry_hi, r.VPN_MASK, TLB_SIZE)


def _tlb_find() -> str:
    """The lowest entry that matches EntryHi's page and ASID, or -1."""
    b = FunctionBuilder("tlb_find", "i32", [("ptr", "state"), ("i32", "entry_hi")], "hidden")
    with each_bit(b, _with_page(b, "%entry_hi")) as number:
        difference = tlb_word(b, "tlb_entry_hi", number) ^ u32(b, "%entry_hi")
        is_global = (tlb_word(b, "tlb_entry_lo", number) & r.ENTRY_LO_G) != 0
        with b.leave_if((is_global | ((difference & r.ASID_MASK) == 0)).i1()):
            b.return_("i32", b.emit(f"trunc i64 {number} to i32"))
    b.return_("i32", "-1")
    return b.text("noinline")


def _unmap() -> str:
    """Empty a virtual page number's slots in every table, if the TLB could have filled them."""
    b = FunctionBuilder("unmap", "void", [("ptr", "context"), ("i32", "page")], "internal")
    with b.if_(is_mapped(u32(b, "%page")).i1()):
        at = b.emit(f"shl i64 {b.emit('zext i32 %page to i64')}, 3")
        for mode in ("kernel", "user"):
            for table in ("reads", "writes", "codes"):
                b.store("i64", "0", fields.load_pointer(b, f"{mode}_{table}"), at)
    b.do("ret void")
    return b.text("noinline")


def _unmap_entry(b: FunctionBuilder, entry_hi: Symbol) -> None:
    b.do(f"call void @unmap(ptr %context, i32 {(entry_hi >> 12).i32()})")


def _leave_address_space() -> str:
    """If the ASID has changed, empty every slot that belongs to one."""
    b = FunctionBuilder("leave_address_space", "void", [("ptr", "context")], "internal")
    state_of(b)
    asid = fields.load_state(b, "entry_hi") & r.ASID_MASK
    left = u32(b, fields.load_context(b, "asid"))
    with b.if_((asid != left).i1(), "unlikely"):
        fields.store_context(b, "asid", asid.i32())
        table = b.offset("%state", STATE_OFFSETS["tlb_entry_hi"])
        theirs = matching(b, table, left.i32(), r.ASID_MASK, TLB_SIZE)
        with each_bit(b, theirs) as number:
            is_global = (tlb_word(b, "tlb_entry_lo", number) & r.ENTRY_LO_G) != 0
            with b.if_((is_global == 0).i1()):
                _unmap_entry(b, tlb_word(b, "tlb_entry_hi", number))
    b.do("ret void")
    return b.text("noinline")


def _tlb_read() -> str:
    b = FunctionBuilder("tlb_read", "void", [("ptr", "context")], "internal")
    state_of(b)
    number = _indexed(b)
    fields.store_state(b, "entry_hi", tlb_word(b, "tlb_entry_hi", number))
    fields.store_state(b, "entry_lo", tlb_word(b, "tlb_entry_lo", number))
    b.do("ret void")
    return b.text("noinline")


def _tlb_write(profile: Profile) -> str:
    """Write an entry; true, with the exit noted and nothing written, if that is fatal."""
    b = FunctionBuilder("tlb_write", "i1", [("ptr", "context"), ("i32", "number")], "internal")
    state_of(b)
    high, low = fields.load_state(b, "entry_hi"), fields.load_state(b, "entry_lo")
    high, low = u32(b, high.i32()), u32(b, low.i32())
    wide = b.emit("zext i32 %number to i64")
    if profile.duplicate_tlb_is_fatal:
        with each_bit(b, _with_page(b, high.i32())) as other:
            difference = tlb_word(b, "tlb_entry_hi", other) ^ high
            is_other = Symbol.of_i1(b, b.emit(f"icmp ne i64 {other}, {wide}"))
            with b.if_(is_other.i1()):
                any_global = ((tlb_word(b, "tlb_entry_lo", other) | low) & r.ENTRY_LO_G) != 0
                with b.leave_if((any_global | ((difference & r.ASID_MASK) == 0)).i1()):
                    fields.store_context(b, "fault_reason", int(ExitReason.FATAL))
                    fields.store_context(b, "exit_fatal", int(Fatal.DUPLICATE_TLB))
                    fields.store_context(b, "exit_value", high.i32())
                    b.return_("i1", "true")
    with if_traced(b):
        fields.store_context(b, "trace_tlb_index", "%number")
        for kept, name in (("high", "hi"), ("low", "lo")):
            old = tlb_word(b, f"tlb_entry_{name}", wide)
            fields.store_context(b, f"trace_tlb_{kept}", old.i32())
    b.do(f"call void @tlb_place(ptr %context, i64 {wide}, i32 {high.i32()}, i32 {low.i32()})")
    b.return_("i1", "false")
    return b.text("noinline")


def _tlb_place() -> str:
    """Put an entry into the TLB, whatever else is there."""
    b = FunctionBuilder(
        "tlb_place",
        "void",
        [("ptr", "context"), ("i64", "number"), ("i32", "high"), ("i32", "low")],
        "hidden",
    )
    state_of(b)
    _unmap_entry(b, tlb_word(b, "tlb_entry_hi", "%number"))
    _unmap_entry(b, u32(b, "%high"))
    at = b.emit("shl i64 %number, 2")
    b.store("i32", "%high", b.offset("%state", STATE_OFFSETS["tlb_entry_hi"]), at)
    b.store("i32", "%low", b.offset("%state", STATE_OFFSETS["tlb_entry_lo"]), at)
    written = b.emit("shl i64 1, %number")
    written = b.emit(f"or i64 {fields.load_context(b, 'tlb_written')}, {written}")
    fields.store_context(b, "tlb_written", written)
    b.do("ret void")
    return b.text("noinline")


def _leave_state() -> str:
    """Empty every slot that the TLB could have filled: the processor is to be another one."""
    b = FunctionBuilder("leave_state", "void", [("ptr", "context")], "hidden")
    state_of(b)
    with b.count(TLB_SIZE) as number:
        _unmap_entry(b, tlb_word(b, "tlb_entry_hi", number))
    b.do("ret void")
    return b.text("noinline")


def _tlb_probe() -> str:
    parameters = [("ptr", "context"), ("i32", "pc"), ("i64", "clock"), ("i32", "flags")]
    b = FunctionBuilder("tlb_probe", "void", parameters, "internal")
    state_of(b)
    found = b.emit(f"call i32 @tlb_find(ptr %state, i32 {fields.load_state(b, 'entry_hi').i32()})")
    failed = Symbol.of_i1(b, b.emit(f"icmp slt i32 {found}, 0"))
    kept = (fields.load_state(b, "index") & r.INDEX_MASK) | r.INDEX_PROBE_FAILED
    fields.store_state(b, "index", select(failed, kept, u32(b, found) << r.INDEX_SHIFT))
    with if_traced(b):
        given = f"ptr %context, i32 {found}, i32 %pc, i64 %clock, i32 %flags"
        b.do(f"call void @trace_probed({given})")
    b.do("ret void")
    return b.text("noinline")
