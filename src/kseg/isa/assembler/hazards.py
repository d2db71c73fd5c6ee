"""What an instruction must not follow too closely: the hazards of a MIPS I processor.

An R3000 has no interlocks: what a load brings is there one instruction later, and HI and LO must
not be written within two instructions of being read (MIPS RISC Architecture, appendix A). Which
registers an instruction uses comes from executing its declaration once, with a processor that
only takes notes.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from kseg.isa import floating_point as fp
from kseg.isa.instruction_set import instruction_set
from kseg.isa.operands import syntax_of
from kseg.isa.profile import PROFILES
from kseg.isa.semantics import Processor

if TYPE_CHECKING:
    from kseg.isa.assembler.expansion import Operation

ALL = -1
"""Every register, as a mask."""
_GENERAL = 0xFFFFFFFF


def _each(names: str, *traits: str) -> dict[str, frozenset[str]]:
    return dict.fromkeys(names.split(), frozenset(traits))


_TRAITS = {
    # What is loaded into coprocessors' registers is not known here.
    **_each("lwc0 lwc1 lwc2 lwc3", "loads"),
    **_each("mfc0 cfc0", "coprocessor", "from coprocessor"),
    **_each("mfc1 cfc1", "from coprocessor"),
    **_each("mtc0 ctc0", "coprocessor", "to coprocessor"),
    **_each("mtc1", "to floating point"),
    **_each("bc0f bc0t", "coprocessor", "reads condition"),
    **_each("bc1f bc1t", "reads condition"),
    **_each("ctc1", "to control"),
    **_each("cop2 cop3 swc0 swc2 swc3", "coprocessor"),
    **_each("syscall break", "stays"),
    **_each("j jal jr jalr", "always"),
}
"""See `Use`: what declarations do not say."""


@dataclass(frozen=True, slots=True)
class Use:
    """What one instruction uses. Registers are masks: general ones, then floating-point ones. Its
    traits:

    * `loads`: what it writes is late by one instruction. So is what comes `from coprocessor`, and
      still on MIPS II and III, whose loads wait by themselves.
    * `coprocessor`: it moves `from coprocessor`, `to coprocessor` or by one; `reads condition`.
    * `to floating point`, `to control`: it moves there; `writes condition`: the unit's.
    * `reads_hi`, `reads_lo`, `writes_hi`, `writes_lo`.
    * `branch`; `always`: it goes to its target whatever happens.
    * `stays`: it cannot be in a delay slot.
    """

    reads: int = 0
    writes: int = 0
    traits: frozenset[str] = frozenset()


ANYTHING = Use(ALL, ALL, frozenset(("writes_hi", "writes_lo", "coprocessor", "reads condition")))
"""An instruction of which nothing is known."""
NOTHING = Use(traits=frozenset(("stays",)))
"""A nop of the assembler's own, which stays where it is."""


class _Notes:
    """A processor that notes what a declaration does to it."""

    def __init__(self, profile: str) -> None:
        self.__dict__.update(
            profile=PROFILES[profile], big_endian=True, reads=set(), writes=set(), used=set()
        )

    def __getattr__(self, name: str) -> Any:
        if name in Processor.__annotations__:
            self.used.add(f"reads_{name}")
            return 0
        return lambda *_args, **_named: 0

    def __setattr__(self, name: str, value: object) -> None:
        self.used.add(f"writes_{name}")

    @property
    def fpr(self) -> "_FloatNotes":
        return _FloatNotes(self)

    def compute(self, format_: int, operation: int, fd: int, fs: int, ft: int) -> None:
        self.reads.add(_Float(fs, format_ == fp.DOUBLE))
        if fp.has_two_operands(operation):
            self.reads.add(_Float(ft, format_ == fp.DOUBLE))
        if operation >= fp.COMPARE:
            self.used.add("writes condition")
        else:
            self.writes.add(_Float(fd, fp.result_format(format_, operation) == fp.DOUBLE))

    @property
    def gpr(self) -> "_Notes":
        return self

    def __getitem__(self, number: int) -> int:
        self.reads.add(number)
        return 0

    def __setitem__(self, number: int, value: object) -> None:
        self.writes.add(number)

    def branch(
        self, _condition: object, _target: object, link: tuple[int, object] | None = None
    ) -> None:
        if link is not None:
            self.writes.add(link[0])

    def load_gpr(self, number: int, _value: object) -> None:
        self.writes.add(number)
        self.used.add("loads")


class _FloatNotes:
    """The floating-point registers of such a processor. Of a pair, the declaration asks for the one
    with the lowest bit set, too: that says which."""

    def __init__(self, notes: _Notes) -> None:
        self._notes = notes

    def __getitem__(self, number: int) -> int:
        self._note(self._notes.reads, number)
        return 0

    def __setitem__(self, number: int, _value: object) -> None:
        self._note(self._notes.writes, number)

    @staticmethod
    def _note(noted: set[Any], number: int) -> None:
        if number & ~0xFF:
            noted.add(_Float(number & ~0xFF, bool(number & 1)))


class _Float(NamedTuple):
    """A floating-point register, or a pair, by its mark."""

    mark: int
    is_pair: bool


_Used = int | _Float


@cache
def _pattern_of_use(
    name: str, profile: str
) -> tuple[frozenset[_Used], frozenset[_Used], frozenset[str]]:
    """Registers read and written, as letters' numbers (`_MARKS`) or registers, and the rest."""
    instruction = instruction_set(profile).by_name[name]
    notes = _Notes(profile)
    arguments = [_MARKS.get(letter, 0) for letter in instruction.operands]
    instruction.meaning(notes, *arguments)
    syntax = syntax_of(instruction.syntax, instruction.pattern)
    bases = {_MARKS[operand.base] for operand in syntax.operands if operand.base}
    reads, writes = set(notes.reads) | bases, set(notes.writes)
    traits = _TRAITS.get(name, frozenset()) | notes.used
    if "from coprocessor" in traits:
        writes.add(_MARKS["t"])
    if "to coprocessor" in traits:
        reads.add(_MARKS["t"])
    if instruction.is_branch:
        traits |= {"branch", "stays"}
    return frozenset(reads), frozenset(writes), frozenset(traits)


_MARKS = {"s": 0x100, "t": 0x200, "d": 0x300, "v": 0x400, "w": 0x500}
"""Numbers that stand for the register operands while a declaration is executed."""


def use_of(operation: "Operation", profile: str) -> Use:
    name, fields = operation.instruction.name, operation.fields
    if name == "sll" and not any(fields.values()):
        return Use()  # nop
    registers = tuple(fields.get(letter, 0) for letter in _MARKS)
    return _use(name, registers, operation.always, profile)


@lru_cache(1 << 13)
def _use(name: str, registers: tuple[int, ...], always: bool, profile: str) -> Use:
    reads, writes, traits = _pattern_of_use(name, profile)
    numbers = dict(zip(_MARKS.values(), registers, strict=True))
    if always:
        return Use(0, _mask(writes, numbers), traits | {"always"})
    return Use(_mask(reads, numbers), _mask(writes, numbers), traits)


def _mask(numbers: frozenset[_Used], fields: dict[int, int]) -> int:
    """Registers as a mask; register zero is never late."""
    mask = 0
    for number in numbers:
        if isinstance(number, _Float):
            at = fields[number.mark]
            mask |= 3 << 32 + (at & 30) if number.is_pair else 1 << 32 + at
        else:
            mask |= 1 << fields.get(number, number)
    return mask & ~1


def nops_between(first: Use, second: Use, level: int) -> int:
    """How many instructions must stand between two, on a processor of MIPS `level`."""
    before, behind = first.traits, second.traits
    if level < 4:
        if "reads_lo" in before and "writes_lo" in behind:
            return 2
        if "reads_hi" in before and "writes_hi" in behind:
            return 2
    late = ("loads" in before and level < 2) or ("from coprocessor" in before and level < 4)
    if late and (second is ANYTHING or first.writes & second.reads & _GENERAL):
        return 1
    moved = "to floating point" in before and level < 4
    if moved and (second is ANYTHING or first.writes & second.reads):
        return 1
    if "writes condition" in before and "reads condition" in behind and level < 4:
        return 1
    if "to control" in before and "reads condition" in behind and level < 4:
        return 2
    if "to coprocessor" in before and level < 4:
        if "reads condition" in behind:
            return 2
        if "coprocessor" in behind:
            return 1
    return 0
