"""What an instruction must not follow too closely: the hazards of a MIPS I processor.

An R3000 has no interlocks: what a load brings is there one instruction later, and HI and LO must
not be written within two instructions of being read (MIPS RISC Architecture, appendix A). Which
registers an instruction uses comes from executing its declaration once, with a processor that
only takes notes.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from kseg.isa.floating_point import COMPARE
from kseg.isa.instruction_set import instruction_set
from kseg.isa.operands import syntax_of
from kseg.isa.profile import PROFILES
from kseg.isa.semantics import Processor

if TYPE_CHECKING:
    from kseg.isa.assembler.expansion import Operation

ALL = -1
"""Every register, as a mask."""


def _each(names: str, *traits: str) -> dict[str, frozenset[str]]:
    return dict.fromkeys(names.split(), frozenset(traits))


_TRAITS = {
    # What is loaded into coprocessors' registers is not known here.
    **_each("lwc0 lwc1 lwc2 lwc3", "loads"),
    **_each("mfc0 cfc0 mfc1 cfc1", "coprocessor", "from coprocessor"),
    **_each("mtc0 ctc0 mtc1 ctc1", "coprocessor", "to coprocessor"),
    **_each("bc0f bc0t bc1f bc1t", "coprocessor", "reads condition"),
    **_each("cop2 cop3 swc0 swc2 swc3", "coprocessor"),
    **_each("syscall break", "stays"),
    **_each("j jal jr jalr", "always"),
}
"""See `Use`: what declarations do not say."""


@dataclass(frozen=True, slots=True)
class Use:
    """What one instruction uses. General registers are masks. Its traits:

    * `loads`: what it writes is late by one instruction. So is what comes `from coprocessor`, and
      still on MIPS II and III, whose loads wait by themselves.
    * `coprocessor`: it moves `from coprocessor`, `to coprocessor` or by one; `reads condition`.
    * `writes condition`: it compares floating-point registers.
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
    def fpr(self) -> dict[int, int]:
        return defaultdict(int)

    def compute(self, _format: int, operation: int, *_registers: int) -> None:
        self.used.add("coprocessor")
        if operation >= COMPARE:
            self.used.add("writes condition")

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


@cache
def _pattern_of_use(
    name: str, profile: str
) -> tuple[frozenset[int], frozenset[int], frozenset[str]]:
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


_MARKS = {"s": 101, "t": 102, "d": 103}
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


def _mask(numbers: frozenset[int], fields: dict[int, int]) -> int:
    """Registers as a mask; register zero is never late."""
    mask = 0
    for number in numbers:
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
    if late and (second is ANYTHING or first.writes & second.reads):
        return 1
    if "writes condition" in before and "reads condition" in behind and level < 4:
        return 1
    if "to coprocessor" in before and level < 4:
        if "reads condition" in behind:
            return 2
        if "coprocessor" in behind:
            return 1
    return 0
