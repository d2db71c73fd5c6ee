"""Stencils for instructions: each declaration lifted with holes for its operands."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from kseg.engine.codegen.builder import Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter.convention import arguments, handler_builder
from kseg.engine.interpreter.handlers import Operation, operations
from kseg.engine.translator.effects import Effects, effects
from kseg.engine.translator.llvm.lifter import RegionLifter
from kseg.engine.translator.offsets import register_offset
from kseg.engine.translator.stencils.holes import NEXT, Immediate, as_pointer, low_word, place, wide
from kseg.engine.translator.stencils.stencil import (
    IN_ACCUMULATOR,
    IN_MEMORY,
    NONE_PENDING,
    OTHER_PENDING,
    SAME_PENDING,
    ZERO,
    Family,
    stencil_name,
)
from kseg.isa.instruction_set import InstructionSet
from kseg.isa.profile import Profile
from kseg.isa.values import WORD, Value

_REGISTER_LETTERS = "std"
_MOST_SPELLED = 5
"""Bits of an operand that has a stencil for each value: shifts by a constant are one instruction
of the host's, but only by a constant that its code generator knows."""
_EXAMPLE_PC = 0x80000000


@dataclass(frozen=True)
class _Register:
    """A register operand that is a hole."""

    letter: str


def example(operation: Operation, profile: Profile) -> Effects:
    """What an operation does when all its registers are others."""
    pattern = operation.patterns[0]
    word = pattern.match
    for letter, field in pattern.fields.items():
        if letter in _REGISTER_LETTERS:
            word |= field.insert(1 + _REGISTER_LETTERS.index(letter))
    for letter, value in operation.constants:
        field = operation.instruction.pattern.fields[letter]
        if value < 0:
            word |= field.insert((1 << field.width) - 1)  # any that is not distinguished
    return effects(profile.name, _EXAMPLE_PC, word)


def needs_stencil(does: Effects) -> bool:
    """Is there anything that a stencil must do? A jump to a known address alone is none: what it
    writes is known, and the translation knows where it leads. Floating point is left to the next
    tier: what there is to check makes stencils that are long, and gain little."""
    if does.is_hard or does.is_constant or does.is_floating:
        return False
    jumps = does.is_branch and not does.is_conditional and does.target is not None
    return not jumps or does.may_trap


def families(
    instructions: InstructionSet, big_endian: bool
) -> Iterator[tuple[str, Family, list[str]]]:
    """Every operation that has stencils: its name, what there is of it, and the functions."""
    for operation in operations(instructions):
        does = example(operation, instructions.profile)
        if needs_stencil(does):
            maker = _Maker(operation, does, instructions.profile, big_endian)
            yield operation.name, maker.family, list(maker.functions())


class _Maker:
    """Makes the stencils of one operation."""

    def __init__(
        self, operation: Operation, does: Effects, profile: Profile, big_endian: bool
    ) -> None:
        self.operation, self.does = operation, does
        self.profile, self.big_endian = profile, big_endian
        self._fields = operation.patterns[0].fields
        self._constants = dict.fromkeys(operation.instruction.constants, 0)
        self._constants |= dict(operation.constants)
        operands = operation.instruction.operands
        spelled = [letter for letter in operands if self._is_spelled(letter)]
        self._read: set[str] = set()
        self._loads = bool(does.loads) and profile.load_delay
        trial = self._lift("trial", {}, dict.fromkeys(spelled, 0), NONE_PENDING)
        written = [] if does.is_branch else list(trial.written)
        result = written[0] if len(written) == 1 else None
        self.family = Family(
            reads="".join(letter for letter in operands if letter in self._read),
            result=result.letter if isinstance(result, _Register) else "",
            spelled="".join(spelled),
            loads=self._loads,
            patterns=[(pattern.mask, pattern.match) for pattern in operation.patterns],
        )

    def _is_spelled(self, letter: str) -> bool:
        if letter in _REGISTER_LETTERS or letter in self._constants:
            return False
        return self._fields[letter].width <= _MOST_SPELLED

    def functions(self) -> Iterator[str]:
        """The text of every stencil."""
        reads, spelled = self.family.reads, self.family.spelled
        values = [range(1 << self._fields[letter].width) for letter in spelled]
        pendings = (NONE_PENDING, SAME_PENDING, OTHER_PENDING) if self._loads else (NONE_PENDING,)
        for places in product((ZERO, IN_ACCUMULATOR, IN_MEMORY), repeat=len(reads)):
            for numbers in product(*values):
                for pending in pendings:
                    at = list(zip(reads, places, strict=True))
                    given = list(zip(spelled, numbers, strict=True))
                    name = stencil_name(self.operation.name, at, given, pending)
                    lifter = self._lift(name, dict(at), dict(given), pending)
                    self._end(lifter, pending)
                    yield lifter.b.text("optsize nounwind")

    def _lift(
        self, name: str, places: dict[str, str], spelled: dict[str, int], pending: str
    ) -> RegionLifter:
        b = handler_builder(f'"{name}"')

        def read(register: Any) -> Operand:
            if isinstance(register, _Register):
                self._read.add(register.letter)
                if places.get(register.letter) == IN_ACCUMULATOR:
                    return "%accumulator"
            return b.load("i32", "%state", _offset(register))

        def leave() -> None:
            b.tail_call(place("leave"), arguments(accumulator="poison"))

        operands: list[Any] = []
        for letter in self.operation.instruction.operands:
            if letter in self._constants:
                operands.append(self._constants[letter])
            elif letter in spelled:
                operands.append(spelled[letter])
            elif letter in _REGISTER_LETTERS:
                is_zero = places.get(letter) == ZERO
                operands.append(0 if is_zero else _Register(letter))
            else:
                operands.append(Immediate(b, letter))
        earlier: Any = None
        if pending != NONE_PENDING:
            register = self._load_destination() if pending == SAME_PENDING else _Register("p")
            earlier = register, low_word(b, "%target")
        lifter = RegionLifter(b, self.profile, self.big_endian, 0, read, earlier, leave)
        self.operation.instruction.meaning(lifter, *operands)
        return lifter

    def _load_destination(self) -> _Register:
        trial = self._lift("trial", {}, dict.fromkeys(self.family.spelled, 0), NONE_PENDING)
        assert trial.loaded is not None
        register: Any = trial.loaded[0]
        assert isinstance(register, _Register)
        return register

    def _end(self, lifter: RegionLifter, pending: str) -> None:
        """Make the writes and go on."""
        b = lifter.b
        if lifter.branched is not None:
            self._branch(lifter, *lifter.branched)
            return
        changed: dict[str, Operand] = {}
        loaded = _operand(lifter.loaded[1]) if lifter.loaded is not None else ""
        writes = {register: _operand(value) for register, value in lifter.written.items()}
        if pending == OTHER_PENDING:
            b.store("i32", low_word(b, "%target"), "%state", wide("p"))
        for register, operand in writes.items():
            if register != 0:
                b.store("i32", operand, "%state", _offset(register))
        if loaded:
            changed["target"] = as_pointer(b, loaded)
        result: Any = _Register(self.family.result)
        if result in writes:
            changed["accumulator"] = writes[result]
        b.tail_call(place(NEXT), arguments(**changed))

    def _branch(self, lifter: RegionLifter, condition: Value, target: Value) -> None:
        """Only the decision: what a branch writes is known (`Effects.constants`)."""
        b = lifter.b
        assert self.does.writes == self.does.constants.keys()
        changed: dict[str, Operand] = {}
        if isinstance(condition, Symbol):
            with b.cold_if(condition.i1()):
                b.tail_call(place("taken"), arguments())
        elif self.does.target is None:
            changed["entry"] = as_pointer(b, _operand(target))
        b.tail_call(place(NEXT), arguments(**changed))


def _offset(register: Any) -> int | Operand:
    """Where the processor's state has a register."""
    if isinstance(register, _Register):
        return wide(register.letter)
    return register_offset(register)


def _operand(value: Value) -> Operand:
    return value.i32() if isinstance(value, Symbol) else str(int(value) & WORD)
