"""What an instruction must not follow too closely: the hazards of a MIPS I processor.

An R3000 has no interlocks: what a load brings is there one instruction later, and HI and LO must
not be written within two instructions of being read (MIPS RISC Architecture, appendix A). Which
registers an instruction uses comes from executing its declaration once, with a processor that
only takes notes.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from kseg.isa.instruction import Instruction
from kseg.isa.instruction_set import instruction_set
from kseg.isa.operands import code_bits, parse_syntax
from kseg.isa.profile import PROFILES
from kseg.isa.semantics import Processor

if TYPE_CHECKING:
    from kseg.isa.assembler.expansion import Operation

ALL = -1
"""Every register, as a mask."""
_FROM_COPROCESSOR = ("mfc0", "cfc0")
_TO_COPROCESSOR = ("mtc0", "ctc0")
_OF_CONDITION = ("bc0f", "bc0t")
_OF_COPROCESSORS = ("cop2", "cop3", "swc0", "swc2", "swc3")
_LOADS = ("lwc0", "lwc1", "lwc2", "lwc3")
"""Into registers that are not known here."""
_NOT_IN_A_SLOT = ("syscall", "break")
_ALWAYS = ("j", "jal", "jr", "jalr")


@dataclass(frozen=True, slots=True)
class Use:
    """What one instruction uses. General registers are masks."""

    reads: int = 0
    writes: int = 0
    loads: bool = False
    """What it writes is late by one instruction."""
    reads_hi: bool = False
    reads_lo: bool = False
    writes_hi: bool = False
    writes_lo: bool = False
    from_coprocessor: bool = False
    """So is this, and still on MIPS II and III, whose loads wait by themselves."""
    coprocessor: bool = False
    """It moves to, from or by a coprocessor."""
    to_coprocessor: bool = False
    reads_condition: bool = False
    branch: bool = False
    always: bool = False
    """It goes to its target whatever happens."""
    stays: bool = False
    """It cannot be in a delay slot."""


ANYTHING = Use(
    reads=ALL, writes=ALL, writes_hi=True, writes_lo=True, coprocessor=True, reads_condition=True
)
"""An instruction of which nothing is known."""
NOTHING = Use(stays=True)
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
    instruction = _declared(profile)[name]
    notes = _Notes(profile)
    arguments = [_MARKS.get(letter, 0) for letter in instruction.operands]
    instruction.meaning(notes, *arguments)
    syntax = parse_syntax(instruction.syntax, code_bits(instruction.pattern.text))
    bases = {_MARKS[operand.base] for operand in syntax.operands if operand.base}
    reads, writes = set(notes.reads) | bases, set(notes.writes)
    if instruction.name in (*_FROM_COPROCESSOR, *_TO_COPROCESSOR):
        (writes if instruction.name in _FROM_COPROCESSOR else reads).add(_MARKS["t"])
    return frozenset(reads), frozenset(writes), frozenset(notes.used)


@cache
def _declared(profile: str) -> dict[str, Instruction]:
    encodings = instruction_set(profile).encodings
    return {encoding.instruction.name: encoding.instruction for encoding in encodings}


_MARKS = {"s": 101, "t": 102, "d": 103}
"""Numbers that stand for the register operands while a declaration is executed."""


def use_of(operation: "Operation", profile: str) -> Use:
    """What an operation uses."""
    name, fields = operation.instruction.name, operation.fields
    if name == "sll" and not any(fields.values()):
        return Use()  # nop
    registers = tuple(fields.get(letter, 0) for letter in _MARKS)
    return _use(name, registers, operation.always, profile)


@lru_cache(1 << 13)
def _use(name: str, registers: tuple[int, ...], always: bool, profile: str) -> Use:
    reads, writes, used = _pattern_of_use(name, profile)
    numbers = dict(zip(_MARKS.values(), registers, strict=True))
    is_branch = _declared(profile)[name].is_branch
    return Use(
        reads=0 if always else _mask(reads, numbers),
        writes=_mask(writes, numbers),
        loads="loads" in used or name in _LOADS,
        reads_hi="reads_hi" in used,
        reads_lo="reads_lo" in used,
        writes_hi="writes_hi" in used,
        writes_lo="writes_lo" in used,
        from_coprocessor=name in _FROM_COPROCESSOR,
        coprocessor=name
        in (*_FROM_COPROCESSOR, *_TO_COPROCESSOR, *_OF_CONDITION, *_OF_COPROCESSORS),
        to_coprocessor=name in _TO_COPROCESSOR,
        reads_condition=name in _OF_CONDITION,
        branch=is_branch,
        always=always or name in _ALWAYS,
        stays=is_branch or name in _NOT_IN_A_SLOT,
    )


def _mask(numbers: frozenset[int], fields: dict[int, int]) -> int:
    """Registers as a mask; register zero is never late."""
    mask = 0
    for number in numbers:
        mask |= 1 << fields.get(number, number)
    return mask & ~1


def nops_between(first: Use, second: Use, level: int) -> int:
    """How many instructions must stand between two, on a processor of MIPS `level`."""
    if level < 4:
        if first.reads_lo and second.writes_lo:
            return 2
        if first.reads_hi and second.writes_hi:
            return 2
    late = (first.loads and level < 2) or (first.from_coprocessor and level < 4)
    if late and (second is ANYTHING or first.writes & second.reads):
        return 1
    if first.to_coprocessor and level < 4:
        if second.reads_condition:
            return 2
        if second.coprocessor:
            return 1
    return 0
