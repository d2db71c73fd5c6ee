"""What the interpreter knows of translations: how control comes into one, and out of it.

A translation (`kseg.engine.translator`) is native code for many instructions. It begins at one or
more entries, its *heads*: their operation is TRANSLATED and their handler the translation's code,
which has the handlers' convention. It ends by executing another entry. Whatever it cannot do
itself it leaves to the interpreter, before the instruction, with `interpret`.
"""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    LOADED,
    PLAIN,
    TABLES,
    Variant,
    arguments,
    commit_pending,
    handler_builder,
    variants,
)
from kseg.engine.interpreter.dispatch import dispatch
from kseg.engine.interpreter.entries import (
    code_page_of,
    entry_host,
    entry_number,
    handler_of,
    word_at,
)
from kseg.engine.interpreter.fields import u32
from kseg.engine.interpreter.layout import (
    CODE_PAGE_ORIGINALS,
    CONTEXT_OFFSETS,
    ENTRY_OPERATION,
    JUMPS,
    TRANSLATED,
)
from kseg.isa.profile import Profile

MEMORY_ACCESSES = 32 << 26
"""From this instruction word on, all are loads, stores or for coprocessors."""


def functions(profile: Profile, big_endian: bool) -> list[str]:
    """The text of every function of this file."""
    found = [_translated(), _dispatch()]
    found += [_interpret(variant) for variant in variants(profile)]
    if profile.load_delay:
        found.append(_translated_after_load(big_endian))
    return found


def _interpret(variant: Variant) -> str:
    """Execute the entry's own instruction, whether or not a translation begins there."""
    b = handler_builder(f"interpret_{variant.suffix}")
    operation = b.variable("i8", b.load("i8", "%entry", ENTRY_OPERATION))
    with b.if_(b.emit(f"icmp eq i8 {operation.get()}, {TRANSLATED}")):
        originals = b.offset(code_page_of(b, "%entry"), CODE_PAGE_ORIGINALS)
        operation.set(b.load("i8", originals, entry_number(b, "%entry")))
    number = b.emit(f"zext i8 {operation.get()} to i64")
    b.tail_call(handler_of(b, TABLES[variant], number), arguments())
    return b.text("noinline")


def _translated() -> str:
    """Enter the translation that begins at the entry."""
    b = handler_builder(f"translated_{PLAIN.suffix}")
    b.tail_call(b.load("ptr", "%entry"), arguments())
    return b.text("noinline")


def _translated_after_load(big_endian: bool) -> str:
    """With a load pending, enter the translation only if its first instruction cannot tell.

    It must execute, for the load arrives here already: neither a spent budget nor a device may
    stop before it.
    """
    b = handler_builder(f"translated_{LOADED.suffix}")
    pending = fields.load_state(b, "pending_load_register")
    # The entry may not have been decoded, so that it does not have the word.
    word = u32(b, word_at(b, entry_host(b, "%entry"), big_endian))
    concerned = pending == 31  # jal writes it without naming it
    concerned = concerned | (word >= MEMORY_ACCESSES)
    concerned = concerned | Symbol.of_i1(b, b.emit("icmp slt i64 %budget, 1"))
    for shift in (21, 16, 11):
        concerned = concerned | (((word >> shift) & 31) == pending)
    with b.leave_if(concerned.i1()):
        b.tail_call(f"@interpret_{LOADED.suffix}", arguments())
    commit_pending(b, None)
    fields.store_state(b, "pending_load_register", 0)
    fields.store_state(b, "pending_load_value", 0)
    b.tail_call(b.load("ptr", "%entry"), arguments())
    return b.text("noinline")


def _dispatch() -> str:
    """Go on with whatever the entry has, as after a jump."""
    b = handler_builder("dispatch_n")
    dispatch(b, "%entry", PLAIN)
    return b.text("noinline")


def record_jump(b: FunctionBuilder, origin: Operand, target: Operand) -> None:
    """Remember that the instruction at i32 `origin` jumped to the i32 address `target`."""
    count = fields.load_context(b, "jump_count")
    slot = b.emit(f"shl i64 {b.emit(f'and i64 {count}, {JUMPS - 1}')}, 3")
    jumps = b.offset("%context", CONTEXT_OFFSETS["jumps"])
    b.store("i32", origin, jumps, slot)
    b.store("i32", target, b.offset(jumps, 4), slot)
    fields.store_context(b, "jump_count", b.emit(f"add i64 {count}, 1"))
