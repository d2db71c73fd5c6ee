"""What an instruction statement becomes: operands matched with forms, pseudo-instructions written
out."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

from kseg.isa.assembler.expression import Lookup, Value, evaluate
from kseg.isa.assembler.forms import CLOSE, OPEN, Form, forms, parts_of
from kseg.isa.assembler.macros import BYTE_PLACES, LETTERS
from kseg.isa.assembler.operand import Address, Register, Written
from kseg.isa.assembler.problem import SourceError
from kseg.isa.assembler.unknown import why_unknown
from kseg.isa.disassembler import encode
from kseg.isa.instruction import Instruction
from kseg.isa.operands import (
    BRANCH,
    CONTROL,
    FLOAT,
    GENERAL,
    JUMP,
    REGION_JUMP,
    UNIT,
    Operand,
    OperandError,
    OperandKind,
)
from kseg.isa.values import signed

_UNITS = {GENERAL: "general", FLOAT: "float", CONTROL: "control", UNIT: ""}
_HALVES = "iu"
"""Letters of operands that a part of an address, such as %lo(x), may be."""
_REGION = 1 << 28


class NoFormError(SourceError):
    """There is no such instruction, or its operands are of other kinds."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One instruction with its operands, not yet at an address."""

    instruction: Instruction
    fields: dict[str, int]
    targets: dict[str, tuple[OperandKind, int]] = field(default_factory=dict)
    """Of branches and jumps, whose fields depend on the instruction's address."""
    always: bool = False
    """A branch that is always taken, by its name."""

    def word(self, address: int) -> int:
        """The instruction word at `address`; OperandError where a target is out of reach."""
        fields = self.fields
        if self.targets:
            fields = dict(fields)
            for letter, (kind, target) in self.targets.items():
                fields[letter] = kind.to_field(target, address)
        return encode(self.instruction, fields)


@dataclass
class Expansion:
    """What a statement becomes: operations, and OPEN and CLOSE between them. Finished ones are
    shared, so nobody changes them."""

    items: list[Operation | str]
    uses_at: bool = False

    @property
    def words(self) -> int:
        return sum(isinstance(item, Operation) for item in self.items)


@dataclass(frozen=True, slots=True)
class Operands:
    """One operand, evaluated: a register, or a number with or without a base register."""

    register: Register | None = None
    value: Value | None = None
    base: Register | None = None


def read(operand: Written, lookup: Lookup) -> Operands:
    if isinstance(operand, Register):
        return Operands(register=operand)
    if isinstance(operand, Address):
        return Operands(value=evaluate(operand.offset, lookup), base=operand.base)
    return Operands(value=evaluate(operand, lookup))


def _without_zero_base(operand: Operands) -> Operands:
    """An address with register zero as its base is an address, but for a small number."""
    value, base = operand.value, operand.base
    if value is None or base is None or base.number != 0 or value.half:
        return operand
    if not value.is_address and -0x8000 <= signed(value.number) < 0x8000:
        return operand
    return Operands(value=value)


class Target:
    """The processor that is assembled for: which forms there are, and what they become."""

    def __init__(self, profile: str, byte_order: str) -> None:
        self.profile = profile
        self.forms = forms(profile)
        self._places = {name: Value(place) for name, place in BYTE_PLACES[byte_order].items()}
        self.expand = lru_cache(1 << 12)(self._expand)
        """`_expand`, but what is the same is expanded once: programs repeat themselves."""

    def _expand(self, name: str, written: tuple[Operands, ...], least: int = 0) -> Expansion:
        """What the instruction `name` becomes, in `least` words or more where there is a choice.

        SourceError or OperandError where its operands do not fit.
        """
        operands = [_without_zero_base(operand) for operand in written]
        candidates = self.forms.get(name)
        if candidates is None:
            raise NoFormError(why_unknown(name, self.profile))
        found = self._first(candidates, operands, least)
        if found is None and len(operands) == 2:
            three = tuple(form for form in candidates if form.destination_first)
            found = self._first(three, [operands[0], *operands], least)
        if found is None:
            texts = dict.fromkeys(form.shown for form in candidates if form.shown)
            raise NoFormError(f"expected {' or '.join(texts)}")
        return found

    def _first(
        self, candidates: tuple[Form, ...], operands: list[Operands], least: int
    ) -> Expansion | None:
        """The first that fits; None where no form has operands of these kinds.

        An address stands for the number that it is only where nothing takes addresses.
        """
        found = self._first_with(candidates, operands, least, strict=True)
        if isinstance(found, Expansion):
            return found
        if any(operand.value is not None and operand.value.weight for operand in operands):
            found = self._first_with(candidates, operands, least, strict=False)
        if isinstance(found, ValueError):
            raise found
        return found

    def _first_with(
        self, candidates: tuple[Form, ...], operands: list[Operands], least: int, strict: bool
    ) -> Expansion | ValueError | None:
        if any(operand.value is not None and operand.value.late for operand in operands):
            # GNU as takes a name that is defined later for an address, where that can be.
            candidates = (*(form for form in candidates if form.takes_address), *candidates)
        error: ValueError | None = None
        last: Expansion | None = None
        for form in candidates:
            try:
                binding = bind(form, operands, strict)
                if binding is None:
                    continue
                last = self._expansion(form, binding)
                if last.words >= least:
                    return last
            except NoFormError:
                raise
            except (SourceError, OperandError) as problem:
                error = problem
        return error if last is None else last

    def _expansion(self, form: Form, binding: "Binding") -> Expansion:
        if form.instruction is not None:
            fields = binding.registers | binding.numbers
            return Expansion([Operation(form.instruction, fields, binding.targets)])
        found = Expansion([], form.uses_at)
        places: dict[str, int] = {}
        waiting: list[tuple[Operation, str, int]] = []
        count = 0
        for part in parts_of(form, tuple(binding.registers.items()), self.profile):
            if part.label:
                places[part.label] = count
            if part.mnemonic in (OPEN, CLOSE):
                found.items.append(part.mnemonic)
            elif part.mnemonic:
                inner = self._inner(part.mnemonic, part.operands, binding)
                found.uses_at |= inner.uses_at
                for item in inner.items:
                    if isinstance(item, Operation):
                        if form.always and not item.always:
                            item = replace(item, always=True)
                        if part.skips_to:
                            item = replace(item, fields=dict(item.fields), targets={})
                            waiting.append((item, part.skips_to, count))
                        count += 1
                    found.items.append(item)
        for operation, label, index in waiting:
            operation.fields["b"] = places[label] - index - 1
        return found

    def _inner(self, name: str, operands: tuple[Written, ...], binding: "Binding") -> Expansion:
        def lookup(symbol: str) -> Value:
            if symbol in binding.numbers:
                return Value(binding.numbers[symbol], weight=int(symbol == "a"))
            if binding.where is not None and symbol in binding.targets:
                return binding.where
            return self._places.get(symbol, Value(0, weight=1))

        return self.expand(name, tuple(read(operand, lookup) for operand in operands))


@dataclass
class Binding:
    """The operands of a statement, as a form's letters."""

    registers: dict[str, int] = field(default_factory=dict)
    """Of registers and of optional operands: fields."""
    numbers: dict[str, int] = field(default_factory=dict)
    """Of a declared instruction: fields; of a pseudo-instruction: values."""
    targets: dict[str, tuple[OperandKind, int]] = field(default_factory=dict)
    where: Value | None = None
    """Where a branch goes."""


def bind(form: Form, operands: list[Operands], strict: bool = True) -> Binding | None:
    """Match operands with a form; None if they are of other kinds, OperandError if they do not
    fit. Not `strict`, an address counts as a number."""
    slots = form.syntax.operands
    if not form.syntax.required <= len(operands) <= len(slots):
        return None
    binding = Binding()
    for slot, operand in zip(slots, operands, strict=False):
        if not _bind_registers(binding, slot, operand):
            return None
    for slot in slots[len(operands) :]:
        binding.registers.setdefault(slot.letter, 0)
    for slot, operand in zip(slots, operands, strict=False):
        if operand.value is not None:
            _bind_value(binding, form, slot, operand.value, strict)
    return binding


def _bind_registers(binding: Binding, slot: Operand, operand: Operands) -> bool:
    known = operand.register
    if known is not None:
        if not slot.kind.is_register or slot.base is not None:
            return False
        if known.unit not in ("", _UNITS[slot.kind]):
            return False
        if slot.fixed is not None:
            return known.number == slot.fixed
        if known.select is not None:
            binding.registers["e"] = known.select
        return binding.registers.setdefault(slot.letter, known.number) == known.number
    if slot.kind.is_register or (operand.base is None) != (slot.base is None):
        return False
    if operand.base is not None and slot.base is not None:
        if operand.base.unit not in ("", "general"):
            return False
        number = operand.base.number
        return binding.registers.setdefault(slot.base, number) == number
    return True


def _bind_value(binding: Binding, form: Form, slot: Operand, value: Value, strict: bool) -> None:
    kind, letter, number = slot.kind, slot.letter, value.number
    if kind in (BRANCH, JUMP):
        if kind is JUMP and not value.weight and 0 <= number < _REGION:
            kind = REGION_JUMP
        binding.targets[letter] = (kind, number)
        binding.where = value
        return
    if value.half:
        if letter not in _HALVES:
            raise OperandError("it takes no part of an address here")
        number = number & 0xFFFF if letter == "u" else int(signed(number, 16))
    elif strict and value.weight and letter != "a":
        raise OperandError("it takes a number here, not an address (la takes addresses)")
    field_or_value = kind.to_field(number, 0)
    is_field = form.instruction is not None or letter in LETTERS
    binding.numbers[letter] = field_or_value if is_field else number
