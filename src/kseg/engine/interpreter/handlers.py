"""One handler for each instruction and variant: the declaration's body between a beginning that
counts the cycle and an end that goes on to the next entry."""

from dataclasses import dataclass, replace

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    LOADED,
    PLAIN,
    SLOT,
    Variant,
    arguments,
    handler_builder,
)
from kseg.engine.interpreter.dispatch import (
    code_is_unknown,
    dispatch,
    fall_through,
    go_entry,
    stop_if_spent,
)
from kseg.engine.interpreter.fields import fault, u32
from kseg.engine.interpreter.layout import ENTRY_SIZE
from kseg.engine.interpreter.lifter import Lifter
from kseg.engine.interpreter.operands import operand_symbols
from kseg.engine.interpreter.runtime.control_flow import check_fetch
from kseg.engine.interpreter.runtime.tracing_hooks import (
    is_set,
    leave_if_full,
    record_traced_jump,
)
from kseg.engine.interpreter.runtime.translations import record_jump
from kseg.isa import cp0
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.instruction import Instruction
from kseg.isa.instruction_set import InstructionSet
from kseg.isa.pattern import Pattern
from kseg.isa.profile import Profile
from kseg.isa.values import Value


@dataclass(frozen=True)
class Operation:
    """One operation of the interpreter: an instruction, with its constant operands fixed."""

    name: str
    instruction: Instruction
    patterns: tuple[Pattern, ...]
    constants: tuple[tuple[str, int], ...] = ()
    virtual: bool = False
    """It works on the CP0 of the context's `virtual` processor; no instruction is decoded as it."""
    records_jump: bool = False
    """It records the jump that it makes; instructions are decoded as it while jumps are traced."""


def operations(instructions: InstructionSet) -> list[Operation]:
    """Every operation of an instruction set, the more specific patterns first."""
    found: dict[str, Operation] = {}
    for encoding in instructions.encodings:
        declared = encoding.instruction
        for constants in _constant_values(declared, instructions.profile):
            suffix = "".join(f"_{value}" for _, value in constants)
            name = declared.name + suffix
            pattern = _with_constants(encoding.pattern, dict(constants))
            old = found.get(name)
            patterns = (*old.patterns, pattern) if old else (pattern,)
            found[name] = Operation(name, declared, patterns, constants)
    return sorted(
        found.values(),
        key=lambda operation: (operation.instruction.is_rest, not operation.constants),
    )


def rewritable(found: list[Operation], profile: Profile, big_endian: bool) -> dict[int, Operation]:
    """By index in `found`, what a monitor can have executed instead of a privileged instruction
    that traps: the same done to a virtual processor's CP0.

    Those that move one register of CP0, and after which nothing is different but that: neither
    mode nor address space, TLB, timer or interrupts.
    """
    chosen = {}
    for index, operation in enumerate(found):
        if operation.constants:
            virtual = replace(
                operation, name=f"virtual_{operation.name}", patterns=(), virtual=True
            )
            _, lifted = _lifted(virtual.name, virtual, profile, big_endian, PLAIN, "")
            if not (lifted.resynchronise or lifted.reschedule or lifted.trapped):
                chosen[index] = virtual
    return chosen


def recording(found: list[Operation], profile: Profile, big_endian: bool) -> dict[int, Operation]:
    """By index in `found`, for each operation that can jump the one that records it."""
    chosen = {}
    for index, operation in enumerate(found):
        if not operation.virtual:
            _, lifted = _lifted(operation.name, operation, profile, big_endian, PLAIN, "")
            if lifted.branched is not None:
                chosen[index] = replace(
                    operation, name=f"recording_{operation.name}", patterns=(), records_jump=True
                )
    return chosen


def _constant_values(declared: Instruction, profile: Profile) -> list[tuple[tuple[str, int], ...]]:
    """The combinations of constant operands that have handlers of their own.

    Those are CP0 register numbers and selects; the last combination stands for all others.
    """
    if not declared.constants:
        return [()]
    known: list[tuple[tuple[str, int], ...]] = [
        (("r", number), ("e", select)) if profile.has_register_selects else (("r", number),)
        for number, select in cp0.distinguished(profile)
    ]
    return [*known, (("r", -1), ("e", -1))]


def _with_constants(pattern: Pattern, constants: dict[str, int]) -> Pattern:
    """The pattern with constant fields written out (left open where the value is -1)."""
    bits = list(pattern.bits)
    for letter, value in constants.items():
        field = pattern.fields[letter]
        for bit in range(field.width):
            place = 31 - field.low - bit
            bits[place] = "-" if value < 0 else str(value >> bit & 1)
    return Pattern("".join(bits))


def handlers(
    name: str, operation: Operation, profile: Profile, big_endian: bool, variant: Variant
) -> tuple[list[str], Lifter]:
    """The text of one operation's handler, with that of its slow copy where there is one, and
    what lifting it found out."""
    fast, lifter = _lifted(name, operation, profile, big_endian, variant, f"{name}_slow")
    texts = [fast]
    if lifter.uses_slow_copy:
        texts.append(_lifted(f"{name}_slow", operation, profile, big_endian, variant, "")[0])
    return texts, lifter


RARE = frozenset("add sub addi mult multu div divu lwl lwr swl swr ll sc cache mthi mtlo".split())
"""Instructions for which another handler is not worth its compilation."""


def accumulator_name(operation: Operation, letter: str) -> str:
    """The name of an operation's handler that takes field `letter` from the accumulator."""
    return f"op_{operation.name}_n_from_{letter}"


def accumulator_handler(
    operation: Operation, profile: Profile, big_endian: bool, letter: str
) -> str:
    """The text of an operation's plain handler that takes the register field `letter` from the
    accumulator; "" if it does not read that field, or is rare.

    Its slow copy is the plain one's, for the registers in memory are up to date.
    """
    if operation.constants or operation.records_jump or operation.name in RARE:
        return ""
    slow_copy = f"op_{operation.name}_n_slow"
    text, lifter = _lifted(
        accumulator_name(operation, letter),
        operation,
        profile,
        big_endian,
        PLAIN,
        slow_copy,
        accumulator=letter,
    )
    return text if letter in lifter.register_reads else ""


def _lifted(
    name: str,
    operation: Operation,
    profile: Profile,
    big_endian: bool,
    variant: Variant,
    slow_copy: str,
    accumulator: str = "",
) -> tuple[str, Lifter]:
    b = handler_builder(name)
    stop_if_spent(b, variant)
    if operation.records_jump:
        leave_if_full(b, variant, recorded=is_set(b, "trace_instructions"))
    lifter = Lifter(b, profile, big_endian, variant, slow_copy, accumulator, operation.virtual)
    constants = dict(operation.constants)
    for letter in operation.instruction.constants:
        constants.setdefault(letter, 0)
    operation.instruction.meaning(
        lifter, *operand_symbols(b, operation.instruction.operands, constants)
    )
    if not lifter.trapped:
        _Ending(b, lifter, records_jump=operation.records_jump).emit()
    return b.text(), lifter


class _Ending:
    """How a handler goes on: to the next entry, the delay slot, or the runtime."""

    def __init__(self, b: FunctionBuilder, lifter: Lifter, *, records_jump: bool) -> None:
        self.b, self.lifter, self.variant = b, lifter, lifter.variant
        self.records_jump = records_jump

    def emit(self) -> None:
        """Make the writes, and end the function."""
        lifter = self.lifter
        if lifter.branched is not None:
            self._branch(*lifter.branched)
            return
        lifter.finish()
        slot = SLOT if self.variant.in_slot else PLAIN
        if lifter.reschedule or lifter.resynchronise:
            name = "reschedule" if lifter.reschedule else "resync"
            if lifter.refetches:
                name = "refetch"
            self.b.tail_call(f"@{name}_{slot.suffix}", arguments(budget="%left"))
            return
        if lifter.loaded:
            following = "%target" if self.variant.in_slot else self.b.offset("%entry", ENTRY_SIZE)
            self._dispatch(following, LOADED)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """To the next entry, or in a delay slot to the branch's target."""
        if self.variant.in_slot:
            self._dispatch("%target", PLAIN)
        else:
            fall_through(self.b, self.lifter.result or "0")

    def _dispatch(self, entry: Operand, variant: Variant, **changed: Operand) -> None:
        dispatch(self.b, entry, variant, budget="%left", **changed)

    # Branches.

    def _branch(self, condition: Value, target: Value) -> None:
        b = self.b
        pc, next_pc = self.lifter.pc.i32(), self.lifter.next_pc.i32()
        target_operand = target.i32()
        if isinstance(condition, Symbol):
            taken, untaken = b.label("taken"), b.label("untaken")
            b.branch(condition.i1(), taken, untaken)
            b.place(taken)
            with b.scope():
                self._taken(pc, next_pc, target_operand)
            b.place(untaken)
            with b.scope():
                self._untaken(next_pc)
        elif condition:
            if self.lifter.register_reads and self.variant == PLAIN:
                record_jump(b, pc, target_operand)
            self._taken(pc, next_pc, target_operand)
        else:
            self._untaken(next_pc)

    def _taken(self, pc: Operand, next_pc: Operand, target: Operand) -> None:
        b, profile = self.b, self.lifter.profile
        if self.variant.in_slot:
            self._check_target(target)
            self._record(pc, target)
            self.lifter.finish()
            self._slot_elsewhere(next_pc, target)
            return
        # Within the page the target's entry is known from its distance.
        distance = u32(b, target) ^ u32(b, pc)
        outside = (distance & 0xFFFFF003) != 0
        if profile.early_fetch_faults:
            # The delay slot will have to look at the page after the target's: `go_s` does.
            outside = outside | ((u32(b, target) & 0xFFC) == 0xFFC)
        far = b.label("far")
        near = b.label("near")
        b.branch(outside.i1(), far, near)
        b.place(far)
        with b.scope():
            self._check_target(target)
            self._record(pc, target)
            self.lifter.finish()
            if profile.early_fetch_faults:
                with b.leave_if(((u32(b, target) & 0xFFC) == 0xFFC).i1()):
                    self._slot_elsewhere(next_pc, target)
            fields.store_context(b, "target_pc", target)
            self._into_slot(go_entry(b))
        b.place(near)
        with b.scope():
            self._record(pc, target)
            self.lifter.finish()
            words = b.emit(f"sub i32 {target}, {pc}")
            bytes_ = b.emit(f"shl i64 {b.emit(f'sext i32 {words} to i64')}, 2")
            self._into_slot(b.offset("%entry", bytes_))

    def _record(self, pc: Operand, target: Operand) -> None:
        if self.records_jump:
            record_traced_jump(self.b, self.variant, pc, target)

    def _check_target(self, target: Operand) -> None:
        """Early fetch faults: the target is translated at the jump, before the delay slot."""
        b = self.b
        if not self.lifter.profile.early_fetch_faults:
            return
        misaligned = (u32(b, target) & 3) != 0
        if self.lifter.slow_copy:
            unknown = Symbol.of_i1(b, code_is_unknown(b, target))
            with b.leave_if((misaligned | unknown).i1()):
                self.lifter.go_slow()
            return
        with b.leave_if(misaligned.i1()):
            fault(b, int(ExceptionCode.ADDRESS_ERROR_LOAD), u32(b, target))
            self.lifter.leave_link()
            b.tail_call(f"@fault_{self.variant.suffix}", arguments(budget="%left"))
        check_fetch(
            b,
            target,
            self.variant,
            unless_rfe_at=self.lifter.next_pc.i32(),
            before_fault=self.lifter.leave_link,
        )

    def _untaken(self, next_pc: Operand) -> None:
        self.lifter.finish()
        if self.lifter.profile.untaken_branch_has_slot:
            if self.variant.in_slot:
                after = self.b.emit(f"add i32 {next_pc}, 4")
                self._slot_elsewhere(next_pc, after)
            else:
                self._into_slot(self.b.offset("%entry", 2 * ENTRY_SIZE))
        else:
            self._go_on()

    def _into_slot(self, target: Operand) -> None:
        """Execute the next entry as a delay slot, `target` after it."""
        self._dispatch(self.b.offset("%entry", ENTRY_SIZE), SLOT, target=target)

    def _slot_elsewhere(self, slot_pc: Operand, target: Operand) -> None:
        """A branch in a delay slot: its own delay slot is the other branch's target."""
        b = self.b
        fields.store_context(b, "slot_pc", slot_pc)
        fields.store_context(b, "target_pc", target)
        b.tail_call(f"@go_{SLOT.suffix}", arguments(budget="%left", target=go_entry(b)))
