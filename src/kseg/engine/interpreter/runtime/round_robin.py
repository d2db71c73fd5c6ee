"""Native turns without an outer loop: where several processors run, each handler chain that has
used up its turn goes straight on to the next processor's.

The outer loop (`scheduler`) prepares a ring of the processors that run, when each of them stopped
at the end of a turn and nothing but executing lies before it for a while; `next_processor` then
passes from one to the next until that time is over or a processor has an exit.
"""

from kseg.engine.codegen.builder import HANDLER_CONVENTION, FunctionBuilder, Operand
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import arguments, handler_builder
from kseg.engine.interpreter.fields import state_of
from kseg.engine.interpreter.layout import (
    CONTEXT_OFFSETS,
    ENTRY_OPERATION,
    RESUME_SLOT,
    RESUME_UNKNOWN,
    ROUND_ROBIN_NOT_STARTED,
    ROUND_ROBIN_OVER,
    ROUND_ROBIN_SLOW,
    SHARED_OFFSETS,
)
from kseg.engine.interpreter.runtime.exceptions import interrupt_due

FEWEST_ROUNDS = 2
"""A ring is not worth making for fewer."""


def functions() -> list[str]:
    """The text of every function of this file."""
    return [_next_processor(), _join(), _round_robin()]


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
    handler, given = _turn(b, following, shared, resume, began, quantum)
    b.tail_call(handler, given)
    return b.text("noinline")


def _turn(
    b: FunctionBuilder,
    context: Operand,
    shared: Operand,
    resume: Operand,
    began: Operand,
    quantum: Operand,
) -> tuple[Operand, str]:
    """Begin a processor's turn: the handler to go to, and its arguments."""
    b.store("i64", str(RESUME_UNKNOWN), context, CONTEXT_OFFSETS["resume"])
    b.store("i64", b.emit(f"add i64 {began}, {quantum}"), context, CONTEXT_OFFSETS["limit"])
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
    handlers = b.offset(shared, table)
    handler = b.load("ptr", handlers, b.emit(f"shl i64 {operation}, 3"))
    given = f"ptr {state}, ptr {entry}, i64 {quantum}, ptr {target}"
    given += f", ptr {reads}, ptr {writes}, ptr {context}, i32 0"
    return handler, given


def _join() -> str:
    """May the processor be in a ring? If so, the cycle before which it needs nothing but turns,
    else 0."""
    b = FunctionBuilder("join", "i64", [("ptr", "context")], "internal")
    state_of(b)
    resume = b.load("i64", "%context", CONTEXT_OFFSETS["resume"])
    unknown = b.emit(f"icmp eq i64 {resume}, {RESUME_UNKNOWN}")
    with b.leave_if(b.emit(f"or i1 {unknown}, {interrupt_due(b).i1()}")):
        b.return_("i64", "0")
    timer_at = b.load("i64", "%context", CONTEXT_OFFSETS["timer_at"])
    b.return_("i64", b.emit(f"call i64 @llvm.usub.sat.i64(i64 {timer_at}, i64 1)"))
    return b.text("noinline")


def _round_robin() -> str:
    """Make a ring of the processors that run, and let them take turns from cycle %round to at
    most %limit. The result says how it ended; `turn` in Shared says at which processor."""
    b = FunctionBuilder(
        "round_robin", "i32", [("ptr", "shared"), ("i64", "round"), ("i64", "limit")], "internal"
    )
    contexts = b.offset("%shared", SHARED_OFFSETS["contexts"])
    processors = b.load("i64", "%shared", SHARED_OFFSETS["context_count"])
    quantum = b.load("i64", "%shared", SHARED_OFFSETS["quantum"])

    def context_at(number: Operand) -> Operand:
        return b.load("ptr", contexts, b.emit(f"shl i64 {number}, 3"))

    until = b.variable("i64", "%limit")
    with b.count(processors) as number:
        context = context_at(number)
        with b.if_(b.emit(f"call i1 @runs(ptr {context})")):
            free = b.emit(f"call i64 @join(ptr {context})")
            until.set(b.emit(f"call i64 @llvm.umin.i64(i64 {until.get()}, i64 {free})"))
    span = b.emit(f"call i64 @llvm.usub.sat.i64(i64 {until.get()}, i64 %round)")
    rounds = b.emit(f"udiv i64 {span}, {quantum}")
    with b.leave_if(b.emit(f"icmp ult i64 {rounds}, {FEWEST_ROUNDS}")):
        b.return_("i32", str(ROUND_ROBIN_NOT_STARTED))
    end = b.emit(f"add i64 %round, {b.emit(f'mul i64 {rounds}, {quantum}')}")
    b.store("i64", end, "%shared", SHARED_OFFSETS["round_robin_until"])

    first, last = b.variable("ptr", "null"), b.variable("ptr", "null")
    with b.count(processors) as number:
        context = context_at(number)
        with b.if_(b.emit(f"call i1 @runs(ptr {context})")):
            b.do(f"call void @catch_up(ptr {context}, i64 %round)")
            b.store("i64", "%round", context, CONTEXT_OFFSETS["limit"])
            b.store("i64", "0", context, CONTEXT_OFFSETS["wraps"])
            none = b.emit(f"icmp eq ptr {first.get()}, null")
            with b.if_(none):
                first.set(context)
            with b.if_(b.emit(f"xor i1 {none}, true")):
                b.store("ptr", context, last.get(), CONTEXT_OFFSETS["next"])
            last.set(context)
    b.store("ptr", first.get(), last.get(), CONTEXT_OFFSETS["next"])
    b.store("i64", "1", last.get(), CONTEXT_OFFSETS["wraps"])

    begin = first.get()
    b.store(
        "i64", b.load("i64", begin, CONTEXT_OFFSETS["number"]), "%shared", SHARED_OFFSETS["turn"]
    )
    resume = b.load("i64", begin, CONTEXT_OFFSETS["resume"])
    handler, given = _turn(b, begin, "%shared", resume, "%round", quantum)
    code = b.emit(f"call {HANDLER_CONVENTION} i32 {handler}({given})")

    with b.count(processors) as number:
        context = context_at(number)
        member = b.load("ptr", context, CONTEXT_OFFSETS["next"])
        with b.if_(b.emit(f"icmp ne ptr {member}, null")):
            b.do(f"call void @materialise(ptr {context})")
            b.store("ptr", "null", context, CONTEXT_OFFSETS["next"])
    b.return_("i32", code)
    return b.text("noinline")
