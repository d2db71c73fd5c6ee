"""What an instruction reads, writes and may do, found out by running its declaration.

An abstract interpretation: the declaration runs on a processor whose registers hold `UNKNOWN`,
which absorbs every operator. Nothing about single instructions is written down twice.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kseg.isa import floating_point as fp
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.instruction_set import instruction_set
from kseg.isa.profile import Profile
from kseg.isa.unknown import UNKNOWN, Unknown
from kseg.isa.values import WORD, Value

HI, LO = 32, 33
"""HI and LO, numbered after the general registers."""
FPR, FCSR = 34, 66
"""The first floating-point register, and FCSR: the same of the floating-point unit."""

EFFECTS_KEPT = 1 << 15

_CP0 = frozenset(
    "status cause epc bad_vaddr context entry_hi entry_lo index compare target_address "
    "interrupt_lines timer_line".split()
)


@dataclass
class Effects:
    """What one instruction does, as far as a translation must know before it is emitted."""

    reads: set[int] = field(default_factory=set)
    writes: set[int] = field(default_factory=set)
    """Registers written, those of `loads` included."""
    loads: set[int] = field(default_factory=set)
    """Registers written after the load delay, where the profile has one."""
    constants: dict[int, int] = field(default_factory=dict)
    """Registers written with a value that depends on nothing but the instruction's address."""
    accesses_memory: bool = False
    is_floating: bool = False
    """It uses the floating-point unit."""
    may_trap: bool = False
    uses_hi: bool = False
    uses_lo: bool = False
    """It waits for HI or LO, where the profile has an interlock."""
    occupies_hi: bool = False
    occupies_lo: bool = False
    is_branch: bool = False
    is_conditional: bool = False
    target: int | None = None
    """Where it branches to; None if only a register tells."""
    is_hard: bool = False
    """The interpreter must execute it."""

    @property
    def is_constant(self) -> bool:
        """Does it do nothing but write `constants`, or nothing at all?"""
        does_more = (
            self.is_floating
            or self.accesses_memory
            or self.may_trap
            or self.is_branch
            or self.is_hard
        )
        waits = self.uses_hi or self.uses_lo or self.occupies_hi or self.occupies_lo
        return not does_more and not waits and self.writes == self.constants.keys()


def effects(profile_name: str, pc: int, word: int) -> Effects:
    """What the instruction `word` at virtual address `pc` does."""
    encoding = instruction_set(profile_name).decode(word)
    if encoding is None:
        return Effects(is_hard=True)
    return _interpreted(profile_name, pc if encoding.instruction.is_branch else None, word)


@lru_cache(EFFECTS_KEPT)
def _interpreted(profile_name: str, pc: int | None, word: int) -> Effects:
    """What the instruction does; without an address, one that asks for its own is hard."""
    instructions = instruction_set(profile_name)
    encoding = instructions.decode(word)
    assert encoding is not None
    watcher = _AbstractProcessor(instructions.profile)
    if pc is not None:
        watcher.__dict__.update(pc=pc, next_pc=pc + 4 & 0xFFFFFFFF)
    declared = encoding.instruction
    declared.meaning(watcher, *encoding.operands(word))
    found = watcher.found
    if declared.is_branch and not found.is_branch:
        found.is_hard = True
    found.writes.discard(0)
    found.loads.discard(0)
    return found


class _Registers:
    def __init__(self, found: Effects) -> None:
        self._found = found

    def __getitem__(self, number: int) -> Value:
        if number == 0:
            return 0
        self._found.reads.add(number)
        return UNKNOWN

    def __setitem__(self, number: int, value: Value) -> None:
        self._found.writes.add(number)
        if number and isinstance(value, int):
            self._found.constants[number] = int(value) & WORD


class _FloatRegisters:
    def __init__(self, found: Effects) -> None:
        self._found = found

    def __getitem__(self, number: int) -> Value:
        self._found.reads.add(FPR + number)
        return UNKNOWN

    def __setitem__(self, number: int, _: Value) -> None:
        self._found.writes.add(FPR + number)


class _AbstractProcessor:
    """A processor on which a declaration is interpreted abstractly."""

    big_endian = True

    found: Effects
    profile: Profile
    gpr: _Registers

    def __init__(self, profile: Profile) -> None:
        found = Effects()
        # Past __setattr__, which is for what the declaration does.
        self.__dict__.update(found=found, profile=profile, gpr=_Registers(found))

    @property
    def hi(self) -> Value:
        self.found.reads.add(HI)
        return UNKNOWN

    @hi.setter
    def hi(self, _: Value) -> None:
        self.found.writes.add(HI)

    @property
    def lo(self) -> Value:
        self.found.reads.add(LO)
        return UNKNOWN

    @lo.setter
    def lo(self, _: Value) -> None:
        self.found.writes.add(LO)

    def __getattr__(self, name: str) -> Any:
        """CP0 registers can be read; everything else that is not defined here is hard."""
        if name not in _CP0:
            self.found.is_hard = True
        return UNKNOWN

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in _CP0:
            # Written CP0 registers are for the interpreter: few, and seldom without consequence.
            self.found.is_hard = True

    def load_gpr(self, number: int, _: Value) -> None:
        self.found.writes.add(number)
        self.found.loads.add(number)

    def latest_gpr(self, number: int) -> Value:
        return self.gpr[number]

    def interlock(self, *, hi: bool, lo: bool) -> None:
        self.found.uses_hi |= hi
        self.found.uses_lo |= lo

    def occupy(self, *, hi: bool, lo: bool) -> None:
        self.found.occupies_hi |= hi
        self.found.occupies_lo |= lo

    def branch(
        self, condition: Value, target: Value, link: tuple[int, Value] | None = None
    ) -> None:
        if link is not None:
            # Whether it sees the register before or after that is nothing to be fast about.
            self.found.is_hard |= link[0] in self.found.reads
            self.gpr[link[0]] = link[1]
        self.found.is_branch = True
        self.found.is_conditional = isinstance(condition, Unknown)
        if condition is False:
            self.found.is_hard = True
        self.found.target = target & 0xFFFFFFFF if isinstance(target, int) else None

    def trap_if(self, condition: Value, _: ExceptionCode, __: int = 0) -> None:
        self.found.may_trap = True
        if not isinstance(condition, Unknown) and condition:
            self.found.is_hard = True

    def load(self, _: Value, __: int) -> Value:
        self.found.accesses_memory = True
        return UNKNOWN

    def load_around(self, _: Value) -> Value:
        self.found.accesses_memory = True
        return UNKNOWN

    def store(self, _: Value, __: int, ___: Value) -> None:
        self.found.accesses_memory = True

    def store_masked(self, _: Value, __: Value, ___: Value) -> None:
        self.found.accesses_memory = True

    def require_cp0(self) -> None:
        self.found.may_trap = True

    @property
    def fpr(self) -> "_FloatRegisters":
        self.found.is_floating = True
        return _FloatRegisters(self.found)

    @property
    def fcsr(self) -> Value:
        self.found.is_floating = True
        self.found.reads.add(FCSR)
        return UNKNOWN

    def write_fcsr(self, _: Value) -> None:
        self.found.is_floating = self.found.may_trap = True
        self.found.writes.add(FCSR)

    def compute(self, format_: int, operation: int, fd: int, fs: int, ft: int) -> None:
        found = self.found
        found.is_floating = found.may_trap = True
        found.reads |= {FCSR, *operands(format_, operation, fs, ft)}
        found.writes |= {FCSR, *results(format_, operation, fd)}


def operands(format_: int, operation: int, fs: int, ft: int) -> list[int]:
    """The registers that a floating-point operation reads, by their numbers here."""
    numbers = [fs, ft] if fp.has_two_operands(operation) else [fs]
    return [each for number in numbers for each in _registers(format_, number)]


def results(format_: int, operation: int, fd: int) -> list[int]:
    """The registers that it writes."""
    if operation >= fp.COMPARE:
        return []
    return _registers(fp.result_format(format_, operation), fd)


def _registers(format_: int, number: int) -> list[int]:
    if format_ == fp.DOUBLE:
        return [FPR + (number & 30), FPR + (number | 1)]
    return [FPR + number]
