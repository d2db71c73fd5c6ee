"""The native loop over processors: `run`, the one function that Python calls to execute code.

All processors of the machine take turns, exactly as in the reference engine.
"""

from kseg.engine.codegen.builder import HANDLER_CONVENTION, FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import PLAIN, SLOT
from kseg.engine.interpreter.dispatch import entry_handler
from kseg.engine.interpreter.fields import state_of, u32
from kseg.engine.interpreter.layout import (
    CONTEXT_OFFSETS,
    RESCHEDULE,
    RESUME_SLOT,
    RESUME_UNKNOWN,
    ROUND_ROBIN_NOT_STARTED,
    ROUND_ROBIN_OVER,
    ROUND_ROBIN_SLOW,
    SHARED_OFFSETS,
    STATE_OFFSETS,
    STEADY_SLOTS,
)
from kseg.engine.interpreter.runtime.exceptions import interrupt_due
from kseg.engine.interpreter.runtime.processor_loop import BUDGET, IDLE
from kseg.isa.registers import WAKING_LINES


def functions() -> list[str]:
    """The text of every function of this file."""
    return [_stand_still(), _runs(), _catch_up(), _go_on(), _Scheduler().text]


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
    return b.text("alwaysinline")


def _catch_up() -> str:
    """The cycles before %clock in which the processor did not run while another did."""
    b = FunctionBuilder("catch_up", "void", [("ptr", "context"), ("i64", "clock")], "internal")
    state_of(b)
    behind = b.emit(f"sub i64 %clock, {fields.load_state(b, 'clock').i64()}")
    with b.if_(b.emit(f"icmp sgt i64 {behind}, 0"), "unlikely"):
        fields.add_to_state(b, "idle_cycles", Symbol.of_i64(b, behind))
        b.do(f"call void @stand_still(ptr %context, i64 {behind})")
    b.do("ret void")
    return b.text("alwaysinline")


def _go_on() -> str:
    """Let the processor run from its clock to %end.

    Where it stopped because its turn was over, it goes on with the next handler at once, unless
    its timer is near or an interrupt is due.
    """
    b = FunctionBuilder("go_on", "i32", [("ptr", "context"), ("i64", "end")], "internal")
    state_of(b)
    resume = b.load("i64", "%context", CONTEXT_OFFSETS["resume"])
    known = b.emit(f"icmp ne i64 {resume}, {RESUME_UNKNOWN}")
    timer_at = b.load("i64", "%context", CONTEXT_OFFSETS["timer_at"])
    untimed = b.emit(f"icmp ult i64 %end, {timer_at}")
    clock = fields.load_state(b, "clock").i64()
    time_left = b.emit(f"icmp ult i64 {clock}, %end")
    at_once = b.emit(f"and i1 {b.emit(f'and i1 {known}, {untimed}')}, {time_left}")
    interrupted = interrupt_due(b).i1()
    at_once = b.emit(f"and i1 {at_once}, {b.emit(f'xor i1 {interrupted}, true')}")
    code = b.variable("i32", str(RESCHEDULE))
    with b.if_(at_once, "likely"):
        b.store("i64", str(RESUME_UNKNOWN), "%context", CONTEXT_OFFSETS["resume"])
        b.store("i64", "%end", "%context", CONTEXT_OFFSETS["limit"])
        entry = b.load("ptr", "%context", CONTEXT_OFFSETS["resume_entry"])
        target = b.load("ptr", "%context", CONTEXT_OFFSETS["resume_target"])
        handler = b.variable("ptr", entry_handler(b, entry, PLAIN))
        with b.if_(b.emit(f"icmp eq i64 {resume}, {RESUME_SLOT}")):
            handler.set(entry_handler(b, entry, SLOT))
        budget = b.emit(f"sub i64 %end, {clock}")
        reads, writes = (fields.load_pointer(b, name) for name in ("reads", "writes"))
        given = f"ptr %state, ptr {entry}, i64 {budget}, ptr {target}"
        given += f", ptr {reads}, ptr {writes}, ptr %context, i32 0"
        code.set(b.emit(f"call {HANDLER_CONVENTION} i32 {handler.get()}({given})"))
        with b.leave_if(b.emit(f"icmp eq i32 {code.get()}, {BUDGET}")):
            b.return_("i32", BUDGET)
    with b.leave_if(b.emit(f"icmp eq i32 {code.get()}, {RESCHEDULE}")):
        b.return_("i32", b.emit("call i32 @run_processor(ptr %context, i64 %end)"))
    b.return_("i32", code.get())
    return b.text("noinline")


class _Scheduler:
    """The function `run(shared, limit)`; the result is an ExitReason.

    A round gives each processor one turn of `quantum` cycles. A processor that runs alone is not
    interrupted at the end of its turn; the rounds are reckoned as if it had been.
    """

    def __init__(self) -> None:
        parameters = [("ptr", "shared"), ("i64", "limit")]
        self.b = b = FunctionBuilder("run", "i32", parameters, "hidden")
        b.do("call void @enter_code()")
        self.processors = self._shared("context_count")
        self.quantum = self._shared("quantum")
        self.round = b.variable("i64", self._shared("round"))
        self.turn = b.variable("i64", self._shared("turn"))
        self.running = b.variable("i64", "0")
        self._enter()
        with b.loop():
            with b.if_(b.emit(f"icmp eq i64 {self.turn.get()}, 0")):
                self._begin_round()
                with b.if_(b.emit(f"icmp ugt i64 {self.running.get()}, 1")):
                    self._run_round_robin()
            self._take_turn()
        b.do("unreachable")
        self.text = b.text("noinline")

    def _shared(self, name: str) -> Operand:
        return self.b.load("i64", "%shared", SHARED_OFFSETS[name])

    def _context(self, number: Operand) -> Operand:
        contexts = self.b.offset("%shared", SHARED_OFFSETS["contexts"])
        return self.b.load("ptr", contexts, self.b.emit(f"shl i64 {number}, 3"))

    def _enter(self) -> None:
        """Whatever was remembered may have been changed between two runs."""
        b = self.b
        with b.if_(b.emit(f"icmp eq i64 {self._shared('keep_steady')}, 0")):
            for slot in range(STEADY_SLOTS):
                b.store("i64", "0", "%shared", SHARED_OFFSETS["steady_keys"] + 8 * slot)
        b.store("i64", "0", "%shared", SHARED_OFFSETS["keep_steady"])
        with b.count(self.processors) as number:
            context = self._context(number)
            b.store("i64", str(RESUME_UNKNOWN), context, CONTEXT_OFFSETS["resume"])
        self._count_running()

    def _count_running(self) -> None:
        b = self.b
        self.running.set("0")
        with b.count(self.processors) as number:
            runs = b.emit(f"call i1 @runs(ptr {self._context(number)})")
            one = b.emit(f"zext i1 {runs} to i64")
            self.running.set(b.emit(f"add i64 {self.running.get()}, {one}"))

    def _return(self, code: Operand) -> None:
        """Return, with no processor's clock behind the round's beginning."""
        b = self.b
        b.store("i64", self.round.get(), "%shared", SHARED_OFFSETS["round"])
        b.store("i64", self.turn.get(), "%shared", SHARED_OFFSETS["turn"])
        with b.count(self.processors) as number:
            context = self._context(number)
            b.do(f"call void @catch_up(ptr {context}, i64 {self.round.get()})")
            state = b.load("ptr", context, CONTEXT_OFFSETS["state"])
            clock = b.load("i64", state, STATE_OFFSETS["clock"])
            b.do(f"call void @resynchronise(ptr {context}, i64 {clock})")
        b.return_("i32", code)

    def _begin_round(self) -> None:
        b = self.b
        self._count_running()
        with b.leave_if(b.emit(f"icmp uge i64 {self.round.get()}, %limit")):
            self._return(BUDGET)
        with b.leave_if(b.emit(f"icmp eq i64 {self.running.get()}, 0")):
            self._return(IDLE)

    def _run_round_robin(self) -> None:
        """Let the processors take turns in a ring for as long as that can be."""
        b = self.b
        begin = self.round.get()
        code = b.emit(f"call i32 @round_robin(ptr %shared, i64 {begin}, i64 %limit)")
        with b.if_(b.emit(f"icmp ne i32 {code}, {ROUND_ROBIN_NOT_STARTED}")):
            context = self._context(self._shared("turn"))
            end = b.load("i64", context, CONTEXT_OFFSETS["limit"])
            slow = b.emit(f"icmp eq i32 {code}, {ROUND_ROBIN_SLOW}")
            over = b.emit(f"icmp eq i32 {code}, {ROUND_ROBIN_OVER}")
            # At ROUND_ROBIN_SLOW the turn has not begun: the end is that of the one before.
            started = b.emit(f"sub i64 {end}, {self.quantum}")
            now = b.emit(f"select i1 {slow}, i64 {end}, i64 {started}")
            until = self._shared("round_robin_until")
            self.round.set(b.emit(f"select i1 {over}, i64 {until}, i64 {now}"))
            turn = self._shared("turn")
            self.turn.set(b.emit(f"select i1 {over}, i64 0, i64 {turn}"))
            answer = u32(b, code)
            asked = (answer != int(BUDGET)) & (answer < RESCHEDULE)
            with b.leave_if(asked.i1()):
                self._return(code)

    def _take_turn(self) -> None:
        b = self.b
        round_ = self.round.get()
        whole = b.emit(f"sub i64 %limit, {round_}")
        quantum = b.emit(f"call i64 @llvm.umin.i64(i64 {self.quantum}, i64 {whole})")
        passed = b.variable("i64", quantum)
        context = self._context(self.turn.get())
        has_turn = b.emit(f"call i1 @runs(ptr {context})")
        only_one = b.emit(f"icmp eq i64 {self.running.get()}, 1")
        alone = b.emit(f"and i1 {has_turn}, {only_one}")
        with b.if_(has_turn):
            b.do(f"call void @catch_up(ptr {context}, i64 {round_})")
            span = b.emit(f"select i1 {alone}, i64 {whole}, i64 {quantum}")
            end = b.emit(f"add i64 {round_}, {span}")
            code = b.emit(f"call i32 @go_on(ptr {context}, i64 {end})")
            answer = u32(b, code)
            asked = (answer != int(BUDGET)) & (answer != int(IDLE))
            with b.leave_if(asked.i1()):
                with b.if_(alone):
                    ran = self._rounds_of(context, round_, up=False)
                    self.round.set(b.emit(f"add i64 {round_}, {ran}"))
                self._return(code)
            with b.if_(alone):
                rounded = self._rounds_of(context, round_, up=True)
                passed.set(b.emit(f"call i64 @llvm.umin.i64(i64 {rounded}, i64 {whole})"))
        # The next one's turn; after a processor that ran alone, every processor's has passed.
        turn = b.emit(f"add i64 {self.turn.get()}, 1")
        last = b.emit(f"icmp uge i64 {turn}, {self.processors}")
        over = b.emit(f"or i1 {last}, {alone}")
        self.turn.set(b.emit(f"select i1 {over}, i64 0, i64 {turn}"))
        added = b.emit(f"select i1 {over}, i64 {passed.get()}, i64 0")
        self.round.set(b.emit(f"add i64 {round_}, {added}"))

    def _rounds_of(self, context: Operand, begin: Operand, *, up: bool) -> Operand:
        """The cycles the processor has run since `begin`, in whole turns."""
        b = self.b
        state = b.load("ptr", context, CONTEXT_OFFSETS["state"])
        clock = b.load("i64", state, STATE_OFFSETS["clock"])
        cycles = b.emit(f"sub i64 {clock}, {begin}")
        if up:
            cycles = b.emit(f"add i64 {cycles}, {b.emit(f'sub i64 {self.quantum}, 1')}")
        turns = b.emit(f"udiv i64 {cycles}, {self.quantum}")
        return b.emit(f"mul i64 {turns}, {self.quantum}")
