"""Native control flow: going to an address, running over a page's end, decoding on the way."""

from collections.abc import Callable

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    PLAIN,
    SLOT,
    TABLES,
    Variant,
    arguments,
    handler_builder,
    pc_of,
    target_pc,
    variants,
)
from kseg.engine.interpreter.dispatch import (
    code_is_unknown,
    dispatch,
    go_entry,
    save_pc,
    stop_if_spent,
)
from kseg.engine.interpreter.entries import entry_host, handler_of
from kseg.engine.interpreter.fields import u32
from kseg.engine.interpreter.layout import (
    CONTEXT_OFFSETS,
    RESUME_PLAIN,
    RESUME_SLOT,
)
from kseg.engine.interpreter.runtime.entering import stop_in_ring
from kseg.engine.interpreter.runtime.exceptions import raise_exception
from kseg.isa import registers as r
from kseg.isa.exceptions import RFE_WORD
from kseg.isa.profile import Profile


def functions(profile: Profile, big_endian: bool) -> list[str]:
    """The text of every function of this file."""
    found = []
    for variant in variants(profile):
        found += [
            _stop(variant),
            _go(variant, profile.early_fetch_faults),
            _sentinel(variant),
            _predecode(variant),
        ]
    if profile.early_fetch_faults:
        found += [_page_end(variant, big_endian) for variant in (PLAIN, SLOT)]
        found.append(_page_after())
    return found


def _stop(variant: Variant) -> str:
    """The budget is spent: stop before the instruction."""
    b = handler_builder(f"stop_{variant.suffix}")
    if not variant.load_pending:
        stop_in_ring(b, RESUME_SLOT if variant.in_slot else RESUME_PLAIN)
    limit = fields.load_context(b, "limit")
    save_pc(b, variant, pc_of(b, "%entry"), b.emit(f"sub i64 {limit}, %budget"))
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
            save_pc(b, variant, pc, fields.load_context(b, "limit"))
            b.return_("i32", "0")
        b.do("%left = sub i64 %budget, 1")
        raise_exception(b, variant, pc, "0")

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
    b.do("%left = sub i64 %budget, 1")
    with b.leave_if(b.emit("icmp slt i64 %left, 0")):
        # Not as other stops: a processor that goes on with the entry at once would not come by here
        # again.
        save_pc(b, SLOT, pc_of(b, "%entry"), fields.load_context(b, "limit"))
        b.return_("i32", "0")
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
    _decode_and_execute(b, variant)
    return b.text("noinline")


def _decode_and_execute(b: FunctionBuilder, variant: Variant) -> None:
    operation = u32(b, b.emit("call i32 @decode(ptr %context, ptr %entry)"))
    b.tail_call(handler_of(b, TABLES[variant], operation.i64()), arguments())


def _page_end(variant: Variant, big_endian: bool) -> str:
    """Early fetch faults: the last instruction but one of a page looks at the next page, unless
    it is in a delay slot. It is decoded each time."""
    b = handler_builder(f"page_end_{variant.suffix}")
    stop_if_spent(b, variant)
    if not variant.in_slot:
        word = b.load("i32", entry_host(b, "%entry"))
        if big_endian:
            word = b.emit(f"call i32 @llvm.bswap.i32(i32 {word})")
        following = b.emit(f"add i32 {pc_of(b, '%entry')}, 8")
        with b.if_((u32(b, word) != RFE_WORD).i1()):
            check_fetch(b, following, PLAIN)
    _decode_and_execute(b, variant)
    return b.text("noinline")


def check_fetch(
    b: FunctionBuilder,
    pc: Operand,
    variant: Variant,
    *,
    unless_rfe_at: Operand = "",
    before_fault: Callable[[], None] = lambda: None,
) -> None:
    """Leave for the exception if the instruction at i32 `pc` could not be fetched.

    With `unless_rfe_at`, for a jump: not if the delay slot there is RFE, for then the target is
    looked at in the mode to come. Without, for the page that follows: the cycle is not counted.
    `before_fault` emits what is done where it leaves.
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
                before_fault()
                b.tail_call(f"@{name}_{variant.suffix}", arguments(budget="%left"))
