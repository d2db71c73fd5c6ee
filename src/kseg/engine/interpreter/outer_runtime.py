"""The native outer loop: `run`, the one function that Python calls to execute guest code.

`run_processor` lets one processor run for a number of cycles: timer, interrupts, handlers. `run`
lets all processors of the machine take turns, exactly as the reference engine does.
"""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import BOTH, LOADED, PLAIN, SLOT, commit_pending
from kseg.engine.interpreter.dispatch import go_entry
from kseg.engine.interpreter.exception_runtime import interrupt_due
from kseg.engine.interpreter.layout import (
    CONTEXT_OFFSETS,
    LATCH_NONE,
    RESCHEDULE,
    SHARED_OFFSETS,
    STATE_OFFSETS,
    STEADY_SLOTS,
)
from kseg.engine.interpreter.memory_runtime import state_of, u32
from kseg.isa.profile import Profile
from kseg.isa.values import WORD

TIMER_LINE = 1 << 15
WAKING_LINES = 0xC00

BUDGET, IDLE = str(int(ExitReason.BUDGET)), str(int(ExitReason.IDLE))


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    return [_enter(profile), _run_processor(profile), _stand_still(), _runs(), _run()]


def _enter(profile: Profile) -> str:
    """Execute from the stored state for at most %budget cycles."""
    b = FunctionBuilder("enter", "i32", [("ptr", "context"), ("i64", "budget")], "internal")
    state_of(b)
    clock = b.load("i64", "%state", STATE_OFFSETS["clock"])
    limit = b.emit(f"add i64 {clock}, %budget")
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
    given += f", ptr {reads}, ptr {writes}, ptr %context"

    def call(suffix: str) -> None:
        result = b.emit(f"call preserve_nonecc i32 @go_{suffix}({given})")
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
    """Run the processor until its clock is %end, it waits, or the monitor must be asked."""
    b = FunctionBuilder("run_processor", "i32", [("ptr", "context"), ("i64", "end")], "internal")
    state_of(b)

    def synchronise() -> None:
        clock = fields.load_state(b, "clock").i64()
        b.do(f"call void @resynchronise(ptr %context, i64 {clock})")

    with b.loop():
        synchronise()
        timer = _cycles_to_timer(b) if profile.timer else str(1 << 40)
        left = b.emit(f"sub i64 %end, {fields.load_state(b, 'clock').i64()}")
        with b.leave_if(b.emit(f"icmp sle i64 {left}, 0")):
            b.return_("i32", BUDGET)
        with b.leave_if((fields.load_state(b, "waiting") != 0).i1()):
            b.return_("i32", IDLE)
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
            synchronise()
            b.return_("i32", code)
    b.do("unreachable")
    return b.text("noinline")


def _stand_still() -> str:
    """Let %cycles pass in which the processor does not run."""
    b = FunctionBuilder("stand_still", "void", [("ptr", "context"), ("i64", "cycles")], "internal")
    state_of(b)
    cycles = Symbol.of_i64(b, "%cycles")
    for name in ("clock", "count_origin", "random_origin"):
        fields.add_to_state(b, name, cycles)
    since = b.emit(f"add i64 {fields.load_context(b, 'mode_since')}, %cycles")
    fields.store_context(b, "mode_since", since)
    b.do("ret void")
    return b.text("noinline")


def _runs() -> str:
    """Does the processor run? A raised line ends its waiting."""
    b = FunctionBuilder("runs", "i1", [("ptr", "context")], "internal")
    state_of(b)
    raised = (fields.load_state(b, "interrupt_lines") & WAKING_LINES) != 0
    with b.if_(raised.i1()):
        fields.store_state(b, "waiting", 0)
    enabled = fields.load_state(b, "enabled") != 0
    b.return_("i1", (enabled & (fields.load_state(b, "waiting") == 0)).i1())
    return b.text("noinline")


def _run() -> str:
    """Run all processors until the board's clock is %limit; the result is an ExitReason.

    A processor that runs alone is not interrupted at the end of its quantum; the rounds are
    reckoned as if it had been.
    """
    b = FunctionBuilder("run", "i32", [("ptr", "shared"), ("i64", "limit")], "hidden")
    contexts = b.offset("%shared", SHARED_OFFSETS["contexts"])
    processors = b.load("i64", "%shared", SHARED_OFFSETS["context_count"])

    def get(name: str) -> Operand:
        return b.load("i64", "%shared", SHARED_OFFSETS[name])

    def put(name: str, operand: Operand) -> None:
        b.store("i64", operand, "%shared", SHARED_OFFSETS[name])

    def context_at(number: Operand) -> Operand:
        return b.load("ptr", contexts, b.emit(f"shl i64 {number}, 3"))

    def clock_of(context: Operand) -> Operand:
        state = b.load("ptr", context, CONTEXT_OFFSETS["state"])
        return b.load("i64", state, STATE_OFFSETS["clock"])

    def catch_up(context: Operand, clock: Operand) -> None:
        """The cycles in which the processor did not run while another did."""
        behind = b.emit(f"sub i64 {clock}, {clock_of(context)}")
        with b.if_(b.emit(f"icmp sgt i64 {behind}, 0")):
            state = b.load("ptr", context, CONTEXT_OFFSETS["state"])
            fields.add_to_state(b, "idle_cycles", Symbol.of_i64(b, behind), state)
            b.do(f"call void @stand_still(ptr {context}, i64 {behind})")

    def settle_and_return(code: str) -> None:
        round_ = get("round")
        with b.count(processors) as number:
            catch_up(context_at(number), round_)
        b.return_("i32", code)

    def whole_rounds(cycles: Operand, *, up: bool) -> Operand:
        """`cycles` rounded to the quantum."""
        quantum = get("quantum")
        more = b.emit(f"add i64 {cycles}, {b.emit(f'sub i64 {quantum}, 1')}") if up else cycles
        return b.emit(f"mul i64 {b.emit(f'udiv i64 {more}, {quantum}')}, {quantum}")

    forgotten = b.emit(f"icmp eq i64 {get('keep_steady')}, 0")
    with b.if_(forgotten):
        for slot in range(STEADY_SLOTS):
            b.store("i64", "0", "%shared", SHARED_OFFSETS["steady_keys"] + 8 * slot)
    put("keep_steady", "0")
    with b.loop():
        running = b.variable("i64", "0")
        with b.count(processors) as number:
            runs = b.emit(f"call i1 @runs(ptr {context_at(number)})")
            running.set(b.emit(f"add i64 {running.get()}, {b.emit(f'zext i1 {runs} to i64')}"))
        alone = b.emit(f"icmp eq i64 {running.get()}, 1")
        with b.if_(b.emit(f"icmp eq i64 {get('turn')}, 0")):
            with b.leave_if(b.emit(f"icmp uge i64 {get('round')}, %limit")):
                settle_and_return(BUDGET)
            with b.leave_if(b.emit(f"icmp eq i64 {running.get()}, 0")):
                settle_and_return(IDLE)
        whole = b.emit(f"sub i64 %limit, {get('round')}")
        quantum = b.emit(f"call i64 @llvm.umin.i64(i64 {get('quantum')}, i64 {whole})")
        passed = b.variable("i64", quantum)
        context = context_at(get("turn"))
        with b.if_(b.emit(f"call i1 @runs(ptr {context})")):
            catch_up(context, get("round"))
            span = b.emit(f"select i1 {alone}, i64 {whole}, i64 {quantum}")
            end = b.emit(f"add i64 {get('round')}, {span}")
            code = b.emit(f"call i32 @run_processor(ptr {context}, i64 {end})")
            ran = b.emit(f"sub i64 {clock_of(context)}, {get('round')}")
            answer = u32(b, code)
            asked = ((answer != int(BUDGET)) & (answer != int(IDLE))).i1()
            with b.leave_if(asked):
                with b.if_(alone):
                    whole_ran = whole_rounds(ran, up=False)
                    put("round", b.emit(f"add i64 {get('round')}, {whole_ran}"))
                settle_and_return(code)
            with b.if_(alone):
                rounded = whole_rounds(ran, up=True)
                passed.set(b.emit(f"call i64 @llvm.umin.i64(i64 {rounded}, i64 {whole})"))
        # The next one's turn; after a processor that ran alone, everybody's has passed.
        turn = b.emit(f"add i64 {get('turn')}, 1")
        over = b.emit(f"or i1 {b.emit(f'icmp uge i64 {turn}, {processors}')}, {alone}")
        with b.if_(over):
            put("turn", "0")
            put("round", b.emit(f"add i64 {get('round')}, {passed.get()}"))
        with b.if_(b.emit(f"xor i1 {over}, true")):
            put("turn", turn)
    b.do("unreachable")
    return b.text("noinline")
