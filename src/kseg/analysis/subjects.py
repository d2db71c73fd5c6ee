"""What is analysed: every declared instruction, and MFC0 and MTC0 once for each CP0 register.

The paper's instruction is a function from states to states. MFC0 is a different one for every
register it names, so each counts as an instruction of its own; so does one register that the
profile has not.
"""

from dataclasses import dataclass, field

from kseg.isa import cp0
from kseg.isa.disassembler import disassemble, encode
from kseg.isa.instruction import DECLARED, Instruction
from kseg.isa.instruction_set import Encoding
from kseg.isa.profile import Profile

_REGISTER = frozenset("re")
"""The operands, register and select, that choose among the CP0 registers."""


@dataclass(frozen=True)
class Subject:
    """An instruction, or one that some fixed fields make of it."""

    name: str
    """Unique in a profile: "addu", "mfc0 c0_status"."""
    declared: Instruction
    fixed: dict[str, int] = field(default_factory=dict, hash=False)

    @property
    def encoding(self) -> Encoding:
        """How its words are decoded."""
        return Encoding(self.declared.pattern, self.declared)

    def word(self, fields: dict[str, int]) -> int:
        """The word with these fields (letter to unsigned value), and the fixed ones."""
        return encode(self.declared, fields | self.fixed)

    def text(self, word: int, address: int, profile: Profile) -> str:
        """`word` as assembly. An instruction that the profile does not decode, which only a test
        can bring, is shown by its name."""
        text = disassemble(word, address, profile.name)
        return self.name if text.startswith(".word") else text


def subjects(profile: Profile) -> list[Subject]:
    """Everything that a processor of `profile` executes, in the order of declaration."""
    found = []
    for declared in DECLARED:
        if not declared.exists_in(profile):
            continue
        if declared.constants >= _REGISTER:
            found += _by_register(declared, profile)
        else:
            found.append(Subject(declared.name, declared))
    return found


def _by_register(declared: Instruction, profile: Profile) -> list[Subject]:
    registers = cp0.distinguished(profile)
    found = []
    for number, select in sorted(registers):
        register = cp0.find(profile, number, select)
        assert register is not None
        name = f"{declared.name} c0_{register.name}"
        found.append(Subject(name, declared, {"r": number, "e": select}))
    other = next(number for number in range(32) if (number, 0) not in registers)
    return [*found, Subject(f"{declared.name} ${other}", declared, {"r": other, "e": 0})]
