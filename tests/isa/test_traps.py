"""What declarations say about exceptions and CP0 registers."""

import pytest

from kseg.isa import cp0
from kseg.isa.exceptions import MNEMONICS
from kseg.isa.instruction import DECLARED, Instruction
from kseg.isa.profile import LSI, MIPS161, R3000, Profile
from kseg.isa.traps import access, traps

BY_NAME = {declared.name: declared for declared in DECLARED}


def _names(declared: Instruction, profile: Profile) -> set[str]:
    return {MNEMONICS[code] for code in traps(declared, profile)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("addu", ""),
        ("add", "Ov"),
        ("addi", "Ov"),
        ("div", ""),
        ("beq", ""),
        ("lw", "AdEL TLBL DBE"),
        ("lwl", "AdEL TLBL DBE"),
        ("sw", "AdES TLBS Mod DBE"),
        ("swr", "AdES TLBS Mod DBE"),
        ("syscall", "Sys"),
        ("break", "Bp"),
        ("rfe", "CpU"),
        ("tlbwr", "CpU"),
        ("cop1", "CpU"),
        ("mfc0", "CpU"),
    ],
)
def test_exceptions_of_an_r3000(name: str, expected: str) -> None:
    assert _names(BY_NAME[name], R3000) == set(expected.split())


def test_profiles_differ() -> None:
    assert _names(BY_NAME["mfc0"], MIPS161) == {"CpU", "RI"}
    assert _names(BY_NAME["lw"], LSI) == {"AdEL", "DBE"}
    assert _names(BY_NAME["sc"], MIPS161) == {"AdES", "TLBS", "Mod", "DBE"}


def test_every_declaration_can_be_asked() -> None:
    for profile in (R3000, MIPS161, LSI):
        for declared in DECLARED:
            if declared.exists_in(profile):
                traps(declared, profile)


@pytest.mark.parametrize(
    ("register", "profile", "expected"),
    [
        (cp0.STATUS, R3000, "read, write"),
        (cp0.COMPARE, MIPS161, "read, write"),
        (cp0.COUNT, MIPS161, "read, write"),
        (cp0.PRID, R3000, "read"),
        (cp0.BAD_VADDR, R3000, "read"),
        (cp0.BAD_VADDR, MIPS161, "read, write"),
        (cp0.REGISTERS["mips161"][16, 2], MIPS161, "reading raises RI"),
    ],
)
def test_access_to_cp0_registers(
    register: cp0.ControlRegister, profile: Profile, expected: str
) -> None:
    assert access(register, profile) == expected
