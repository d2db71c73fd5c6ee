"""How native code comes into handlers: from the stored state, from where a processor stopped, and
from one processor to the next.

Where several processors run, each handler chain that has used up its turn goes straight on to the
next processor's. The scheduler prepares a ring of the processors that run, when each of them
stopped at the end of a turn and nothing but executing lies before it for a while; `next_processor`
then passes from one to the next until that time is over or a processor has an exit.
"""

from kseg.engine.codegen.builder import HANDLER_CONVENTION, FunctionBuilder, Operand
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    BOTH,
    LOADED,
    PLAIN,
    SLOT,
    arguments,
    handler_builder,
)
from kseg.engine.interpreter.dispatch import go_entry
from kseg.engine.interpreter.fields import state_of
from kseg.engine.interpreter.layout import (
    CONTEXT_OFFSETS,
    ENTRY_OPERATION,
    RESUME_SLOT,
    RESUME_UNKNOWN,
    ROUND_ROBIN_OVER,
    ROUND_ROBIN_SLOW,
    SHARED_OFFSETS,
    STATE_OFFSETS,
)
from kseg.isa.profile import Profile


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    return [_enter(profile), _go_on_at_entry(), _next_processor()]


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


def _go_on_at_entry() -> str:
    """Execute from the entry at which the processor stopped, for %budget cycles up to %end."""
    parameters = [("ptr", "context"), ("i64", "end"), ("i64", "budget")]
    b = FunctionBuilder("go_on_at_entry", "i32", parameters, "internal")
    handler, given = _turn(b, "%context", "%end", "%budget")
    b.return_("i32", b.emit(f"call {HANDLER_CONVENTION} i32 {handler}({given})"))
    return b.text()


def stop_in_ring(b: FunctionBuilder, kind: int) -> None:
    """In a stop handler: remember the place, and if there is a ring, go on with the next
    processor."""
    b.store("i64", str(kind), "%context", CONTEXT_OFFSETS["resume"])
    b.store("ptr", "%entry", "%context", CONTEXT_OFFSETS["resume_entry"])
    b.store("ptr", "%target", "%context", CONTEXT_OFFSETS["resume_target"])
    following = fields.load_pointer(b, "next")
    with b.leave_if(b.emit(f"icmp ne ptr {following}, null")):
        b.tail_call("@next_processor", arguments())


def _next_processor() -> str:
    """The processor's turn is over: on to the next one in the ring."""
    b = handler_builder("next_processor")
    shared = fields.load_pointer(b, "shared")
    following = fields.load_pointer(b, "next")
    began = b.load("i64", following, CONTEXT_OFFSETS["limit"])
    wraps = b.load("i64", "%context", CONTEXT_OFFSETS["wraps"])
    until = b.load("i64", shared, SHARED_OFFSETS["round_robin_until"])
    spent = b.emit(f"icmp uge i64 {began}, {until}")
    last = b.emit(f"icmp ne i64 {wraps}, 0")
    with b.leave_if(b.emit(f"and i1 {last}, {spent}")):
        b.return_("i32", str(ROUND_ROBIN_OVER))
    number = b.load("i64", following, CONTEXT_OFFSETS["number"])
    b.store("i64", number, shared, SHARED_OFFSETS["turn"])
    resume = b.load("i64", following, CONTEXT_OFFSETS["resume"])
    with b.leave_if(b.emit(f"icmp eq i64 {resume}, {RESUME_UNKNOWN}")):
        b.return_("i32", str(ROUND_ROBIN_SLOW))
    quantum = b.load("i64", shared, SHARED_OFFSETS["quantum"])
    end = b.emit(f"add i64 {began}, {quantum}")
    handler, given = _turn(b, following, end, quantum)
    b.tail_call(handler, given)
    return b.text("noinline")


def _turn(
    b: FunctionBuilder, context: Operand, end: Operand, budget: Operand
) -> tuple[Operand, str]:
    """Begin a processor's turn, at the entry where it stopped, of i64 `budget` cycles up to `end`:
    the handler to go to, and its arguments."""
    resume = b.load("i64", context, CONTEXT_OFFSETS["resume"])
    b.store("i64", str(RESUME_UNKNOWN), context, CONTEXT_OFFSETS["resume"])
    b.store("i64", end, context, CONTEXT_OFFSETS["limit"])
    state, entry, target, reads, writes = (
        b.load("ptr", context, CONTEXT_OFFSETS[name])
        for name in ("state", "resume_entry", "resume_target", "reads", "writes")
    )
    operation = b.emit(f"zext i8 {b.load('i8', entry, ENTRY_OPERATION)} to i64")
    in_slot = b.emit(f"icmp eq i64 {resume}, {RESUME_SLOT}")
    table = b.emit(
        f"select i1 {in_slot}, i64 {SHARED_OFFSETS['slot_handlers']}, "
        f"i64 {SHARED_OFFSETS['handlers']}"
    )
    handlers = b.offset(b.load("ptr", context, CONTEXT_OFFSETS["shared"]), table)
    handler = b.load("ptr", handlers, b.emit(f"shl i64 {operation}, 3"))
    given = f"ptr {state}, ptr {entry}, i64 {budget}, ptr {target}"
    given += f", ptr {reads}, ptr {writes}, ptr {context}, i32 0"
    return handler, given
