"""A declaration becomes the body of a handler.

`Lifter` implements `kseg.isa.semantics.Processor` on symbols. Reads are emitted where they stand;
writes are kept back until the instruction can no longer trap, then `finish` makes them. Rare
exits (traps, device accesses) leave through a tail call to the variant's runtime function.
"""

from typing import Any

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    Variant,
    arguments,
    commit_pending,
    pc_of,
    target_pc,
)
from kseg.engine.interpreter.floating_point import FloatOperation, FloatRegisters
from kseg.engine.interpreter.layout import (
    CONTROL_FIELDS,
    DISCARD,
    FROM_INSTRUCTION,
    STATE_OFFSETS,
    STATE_TYPES,
)
from kseg.engine.interpreter.memory_access import MemoryAccess
from kseg.engine.interpreter.operands import RegisterField
from kseg.engine.interpreter.runtime.exceptions import interrupt_due
from kseg.engine.interpreter.runtime.tracing_hooks import slot_flag
from kseg.isa import floating_point as fp
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode, Fatal
from kseg.isa.profile import Profile
from kseg.isa.values import WORD, Value, select


class _Registers:
    def __init__(self, lifter: "Lifter") -> None:
        self._lifter = lifter

    def __getitem__(self, number: Any) -> Value:
        return self._lifter.read_register(number)

    def __setitem__(self, number: Any, value: Value) -> None:
        self._lifter.register_writes.append((number, value))


class Lifter(MemoryAccess):
    """One declaration being lifted into one variant of its handler."""

    def __init__(
        self,
        builder: FunctionBuilder,
        profile: Profile,
        big_endian: bool,
        variant: Variant,
        slow_copy: str = "",
        accumulator: str = "",
        virtual: bool = False,
    ) -> None:
        """`slow_copy` is the function that does the same where the tables do not suffice; without
        it, this is that function. `accumulator` is the register field that the accumulator
        holds. `virtual`: CP0 is that of another processor, the context's `virtual` one."""
        set_ = object.__setattr__
        set_(self, "virtual", virtual)
        set_(self, "slow_copy", slow_copy)
        set_(self, "uses_slow_copy", False)
        set_(self, "accumulator", accumulator)
        set_(self, "result", "")
        set_(self, "result_field", "")
        set_(self, "b", builder)
        set_(self, "profile", profile)
        set_(self, "big_endian", big_endian)
        set_(self, "variant", variant)
        set_(self, "gpr", _Registers(self))
        set_(self, "fpr", FloatRegisters(builder))
        set_(self, "register_writes", [])
        set_(self, "register_reads", set())
        set_(self, "field_writes", {})
        set_(self, "loaded", None)
        set_(self, "branched", None)
        set_(self, "link", None)
        set_(self, "resynchronise", False)
        set_(self, "refetches", False)
        set_(self, "reschedule", False)
        set_(self, "trapped", False)

    b: FunctionBuilder
    profile: Profile
    fpr: FloatRegisters
    variant: Variant
    virtual: bool
    register_writes: list[tuple[Any, Value]]
    register_reads: set[str]
    field_writes: dict[str, Value]
    loaded: tuple[Any, Value] | None
    """The register that a load writes after its delay, and the value."""
    branched: tuple[Value, Value] | None
    """Condition and target of the branch."""
    link: tuple[Any, Value] | None
    """The register that a call leaves its link in, and the link."""
    resynchronise: bool
    """Mode, address space or interrupts may have changed."""
    refetches: bool
    """What follows is to be looked at before the instruction is over."""
    reschedule: bool
    """The engine's outer loop must look at timer or idling."""
    accumulator: str
    result: str
    """After `finish`: the operand that was written to the register `result_field`, if that is the
    one register written."""
    result_field: str
    trapped: bool
    """The instruction always traps: nothing follows."""

    # State.

    def __getattr__(self, name: str) -> Any:
        if name not in STATE_OFFSETS:
            raise AttributeError(name)
        if name in self.field_writes:
            return self.field_writes[name]
        return fields.load_state(self.b, name, self._state_of(name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN_ATTRIBUTES:
            object.__setattr__(self, name, value)
        else:
            self.field_writes[name] = value

    def _state_of(self, name: str) -> Operand:
        """The state that has a field."""
        if not self.virtual or name not in CONTROL_FIELDS:
            return "%state"
        known = self.b.known("virtual")
        if known is None:
            known = self.b.remember("virtual", fields.load_pointer(self.b, "virtual"))
        return known

    @property
    def pc(self) -> Symbol:
        """The entry's address tells it."""
        return self._once("pc", lambda: pc_of(self.b, "%entry"))

    @property
    def next_pc(self) -> Symbol:
        """In a delay slot the branch's target, else the next address."""
        if self.variant.in_slot:
            return self._once("next_pc", lambda: target_pc(self.b))
        return Symbol.of_i32(self.b, (self.pc + 4).i32())

    def _once(self, key: str, make: Any) -> Symbol:
        known = self.b.known(key)
        return Symbol.of_i32(self.b, self.b.remember(key, make()) if known is None else known)

    def clock(self) -> Symbol:
        """The cycle in which this instruction executes."""
        limit = fields.load_context(self.b, "limit")
        # The budget in hand has this cycle already taken off.
        after = self.b.emit(f"sub i64 {limit}, %left")
        return Symbol.of_i64(self.b, self.b.emit(f"sub i64 {after}, 1"))

    # Registers.

    def read_register(self, number: Any) -> Symbol:
        """A general register as the instruction sees it: without a load still pending."""
        if isinstance(number, RegisterField):
            self.register_reads.add(number.letter)
            if number.letter == self.accumulator:
                return Symbol.of_i32(self.b, "%accumulator")
            return Symbol.of_i32(self.b, self.b.load("i32", self._register_address(number)))
        return Symbol.of_i32(
            self.b, self.b.load("i32", "%state", STATE_OFFSETS["gpr"] + 4 * number)
        )

    def _register_address(self, number: RegisterField) -> Operand:
        return self.b.offset("%state", self.b.emit(f"zext i32 {number.byte_offset()} to i64"))

    def load_gpr(self, number: Any, value: Value) -> None:
        if self.profile.load_delay:
            self.loaded = (number, value)
        else:
            self.register_writes.append((number, value))

    def latest_gpr(self, number: Any) -> Value:
        value = self.read_register(number)
        if not self.variant.load_pending:
            return value
        pending = fields.load_state(self.b, "pending_load_register")
        return select(pending == number, fields.load_state(self.b, "pending_load_value"), value)

    def interlock(self, *, hi: bool, lo: bool) -> None:
        if not self.profile.hi_lo_interlock:
            return
        clock = self.clock()
        ready = [name for name, wanted in (("hi_ready", hi), ("lo_ready", lo)) if wanted]
        for name in ready:
            with self.b.leave_if((fields.load_state(self.b, name) > clock).i1()):
                self._leave(f"stall_{self.variant.suffix}")

    def occupy(self, *, hi: bool, lo: bool) -> None:
        if not self.profile.hi_lo_interlock:
            return
        if hi:
            self.hi_ready = self.clock() + 2
        if lo:
            self.lo_ready = self.clock() + 2

    # Control.

    def branch(
        self, condition: Value, target: Value, link: tuple[Any, Value] | None = None
    ) -> None:
        self.branched = (condition, target)
        self.link = link
        if link is not None:
            self.gpr[link[0]] = link[1]

    def leave_link(self) -> None:
        """A fault at the target of a call: write the link, if the exception is taken."""
        if self.link is None or not self.profile.links_first:
            return
        register, value = self.link
        reason = Symbol.of_i32(self.b, fields.load_context(self.b, "fault_reason"))
        taken = (reason == 0) & (fields.load_state(self.b, "supervised") == 0)
        with self.b.if_(taken.i1()):
            self.b.store("i32", _word_operand(value), self._destination(register))

    def trap(self, code: ExceptionCode, coprocessor: int = 0) -> None:
        self._raise(code, coprocessor)
        self.trapped = True

    def trap_if(self, condition: Value, code: ExceptionCode, coprocessor: int = 0) -> None:
        if isinstance(condition, Symbol):
            with self.b.leave_if(condition.i1()):
                self._raise(code, coprocessor)
        elif condition:
            self.trap(code, coprocessor)

    def stop_if_debugged(self) -> None:
        asked = Symbol.of_i32(self.b, fields.load_context(self.b, "stop_on_break")) != 0
        unmapped = (self.pc >= r.KSEG0) & (self.pc < r.KSEG2)
        with self.b.leave_if((asked & unmapped).i1()):
            self._exit(ExitReason.BREAK)

    def fatal_if(self, condition: Symbol, reason: Fatal, value: Symbol) -> None:
        with self.b.leave_if(condition.i1()):
            fields.store_context(self.b, "exit_fatal", int(reason))
            fields.store_context(self.b, "exit_value", value.i32())
            self._exit(ExitReason.FATAL)

    def _leave(self, function: str) -> None:
        """End the handler in a tail call, this cycle taken off the budget."""
        self.b.tail_call(f"@{function}", arguments(budget="%left"))

    def _raise(self, code: ExceptionCode, coprocessor: int) -> None:
        self._fault(int(code), coprocessor=coprocessor)
        self._leave(f"fault_{self.variant.suffix}")

    def _fault(self, code: int, coprocessor: int = 0) -> None:
        fields.store_context(self.b, "fault_reason", 0)
        fields.store_context(self.b, "fault_code", code | coprocessor << 8)
        fields.store_context(self.b, "fault_refill", 0)

    def _exit(self, reason: ExitReason) -> None:
        fields.store_context(self.b, "fault_reason", int(reason))
        self._leave(f"fault_{self.variant.suffix}")

    # Floating point.

    def compute(self, format_: int, operation: int, fd: Value, fs: Value, ft: Value) -> None:
        b = self.b
        own = FloatOperation(b, format_, operation)
        before = self._unit_state()
        attempt = own.attempt(fs, ft)
        sure, unsure, done = b.label("sure"), b.label("unsure"), b.label("computed")
        b.branch(attempt.sure, sure, unsure, "likely")
        b.place(sure)
        with b.scope():
            own.write(attempt, fd)
        b.jump(done)
        with b.cold():
            b.place(unsure)
            numbers = ", ".join(f"i32 {_word_operand(each)}" for each in (fd, fs, ft))
            given = f"ptr %state, i32 {format_}, i32 {operation}, {numbers}"
            r3010 = str(self.profile.floating_point == "r3010").lower()
            raised = b.emit(f"call zeroext i1 @compute({given}, i1 {r3010})")
            self._interrupt_if(Symbol.of_i1(b, raised), before)
            b.jump(done)
        b.place(done)

    def raise_unimplemented(self) -> None:
        before = self._unit_state()
        self.b.do("call void @raise_unimplemented(ptr %state)")
        self._interrupt_if(Symbol.of_i1(self.b, "true"), before)

    def write_fcsr(self, value: Symbol) -> None:
        raised = fp.signals(value) != 0
        supervised = fields.load_state(self.b, "supervised") != 0
        with self.b.leave_if((raised & supervised).i1()):
            self._raise(ExceptionCode.INTERRUPT, 0)  # for the monitor to do
        self.fcsr = value
        self.timer_line = select(raised, r.FLOATING_POINT_LINE, 0)
        self.resynchronise = True

    def _unit_state(self) -> dict[str, Operand]:
        """FCSR and the interrupt line as they are."""
        return {name: fields.load_state(self.b, name).i32() for name in ("fcsr", "timer_line")}

    def _interrupt_if(self, raised: Symbol, before: dict[str, Operand]) -> None:
        """The floating-point unit has raised its line: take the interrupt now, if it is let
        through. On a supervised processor nothing has happened, and the monitor does it all."""
        with self.b.leave_if((raised & (fields.load_state(self.b, "supervised") != 0)).i1()):
            for name, operand in before.items():
                self.b.store("i32", operand, "%state", STATE_OFFSETS[name])
            self._raise(ExceptionCode.INTERRUPT, 0)
        with self.b.leave_if((raised & interrupt_due(self.b)).i1()):
            self._fault(FROM_INSTRUCTION | ExceptionCode.INTERRUPT)
            self._leave(f"fault_{self.variant.suffix}")

    # The privileged half.

    def require_cp0(self) -> None:
        status = self.status
        refused = (status & r.STATUS_KUC) != 0
        if not self.profile.kernel_cp0_only:
            refused = refused & ((status & (1 << r.STATUS_CU_SHIFT)) == 0)
        self.trap_if(refused, ExceptionCode.COPROCESSOR_UNUSABLE)

    def count(self) -> Symbol:
        return (self.clock() - self.count_origin) & WORD

    def set_count(self, value: Value) -> None:
        clock = self.clock().i64()
        wide = value.i64() if isinstance(value, Symbol) else str(value)
        self.count_origin = Symbol.of_i64(self.b, self.b.emit(f"sub i64 {clock}, {wide}"))
        self.reschedule = True

    def arm_timer(self) -> None:
        self.timer_armed = 1
        self.reschedule = True

    def random(self) -> Symbol:
        ran = self.b.emit(f"sub i64 {self.clock().i64()}, {self.random_origin.i64()}")
        # Far less than 2**63 cycles will ever have run.
        value: Symbol = self.profile.random(Symbol.of_i64(self.b, ran, (0, (1 << 63) - 1)))
        return value

    def changed_status(self) -> None:
        self.resynchronise = True

    def returned_from_exception(self) -> None:
        self.resynchronise = True
        self.refetches = self.profile.early_fetch_faults

    def changed_address_space(self) -> None:
        self.resynchronise = True

    def tlb_read(self) -> None:
        self.b.do("call void @tlb_read(ptr %context)")
        self.resynchronise = True

    def tlb_write(self, number: Symbol) -> None:
        failed = self.b.emit(f"call i1 @tlb_write(ptr %context, i32 {number.i32()})")
        with self.b.leave_if(failed):
            self._leave(f"fault_{self.variant.suffix}")
        self.resynchronise = True

    def tlb_probe(self) -> None:
        given = f"i32 {self.pc.i32()}, i64 {self.clock().i64()}, i32 {slot_flag(self.variant)}"
        self.b.do(f"call void @tlb_probe(ptr %context, {given})")

    def wait(self) -> None:
        quiet = (self.interrupt_lines | self.timer_line) == 0
        self.waiting = quiet
        self.reschedule = True

    def tally(self, counter: str, amount: Value = 1) -> None:
        self.field_writes[counter] = getattr(self, counter) + amount

    # The end: what was kept back.

    def finish(self) -> None:
        """Make the writes, in the order in which the hardware's pipeline would."""
        writes = [
            (name, value.i64() if STATE_TYPES[name] == "i64" else value.i32())
            if isinstance(value, Symbol)
            else (name, str(int(value)))
            for name, value in self.field_writes.items()
        ]
        registers = [(number, _word_operand(value)) for number, value in self.register_writes]
        loaded = None
        if self.loaded is not None:
            loaded = self._load_destination(self.loaded[0]), _word_operand(self.loaded[1])
        if self.variant.load_pending:
            self._commit_pending(loaded[0] if loaded else None)
        for name, operand in writes:
            self.b.store(STATE_TYPES[name], operand, self._state_of(name), STATE_OFFSETS[name])
        for number, operand in registers:
            self.b.store("i32", operand, self._destination(number))
        if len(registers) == 1 and isinstance(registers[0][0], RegisterField):
            self.result_field, self.result = registers[0][0].letter, registers[0][1]
        if loaded:
            is_zero = self.b.emit(f"icmp eq i32 {loaded[0]}, 0")
            value = self.b.emit(f"select i1 {is_zero}, i32 0, i32 {loaded[1]}")
            self._set_pending(loaded[0], value)
        elif self.variant.load_pending:
            self._set_pending("0", "0")

    def _set_pending(self, register: Operand, value: Operand) -> None:
        fields.store(
            self.b,
            "i32",
            Symbol.of_i32(self.b, register),
            "%state",
            STATE_OFFSETS["pending_load_register"],
        )
        fields.store(
            self.b,
            "i32",
            Symbol.of_i32(self.b, value),
            "%state",
            STATE_OFFSETS["pending_load_value"],
        )

    def _load_destination(self, number: Any) -> Operand:
        """The register's number, 0 also where the entry redirects register 0."""
        return self.b.emit(f"and i32 {number.i32()}, 31")

    def _commit_pending(self, superseded_by: Operand | None) -> None:
        commit_pending(self.b, superseded_by)

    def _destination(self, number: Any) -> Operand:
        """Where a register write goes. Register 0 is redirected by the decoder, except in an
        instruction that also reads the field."""
        if not isinstance(number, RegisterField):
            return self.b.offset("%state", STATE_OFFSETS["gpr"] + 4 * number)
        if number.letter not in self.register_reads:
            return self._register_address(number)
        offset = number.byte_offset()
        is_zero = self.b.emit(f"icmp eq i32 {offset}, 0")
        redirected = self.b.emit(f"select i1 {is_zero}, i32 {DISCARD}, i32 {offset}")
        return self.b.offset("%state", self.b.emit(f"zext i32 {redirected} to i64"))

    def redirected_field(self) -> str:
        """The register field in which the decoder must redirect register 0, or ""."""
        written = [number for number, _ in self.register_writes]
        if self.loaded is not None:
            written.append(self.loaded[0])
        for number in written:
            if isinstance(number, RegisterField) and number.letter not in self.register_reads:
                return number.letter
        return ""


_OWN_ATTRIBUTES = Lifter.__annotations__.keys() | MemoryAccess.__annotations__.keys()
"""What is not a field of the processor."""


def _word_operand(value: Value) -> Operand:
    """The low 32 bits of a value, symbolic or not."""
    return value.i32() if isinstance(value, Symbol) else str(int(value) & WORD)
