"""Decoding: every declaration is found by its bits, and nothing else is."""

from dataclasses import replace

import pytest
from hypothesis import given

from kseg.isa import instruction_set as module
from kseg.isa.instruction import DECLARED, instruction
from kseg.isa.instruction_set import InstructionSet, instruction_set
from kseg.isa.pattern import Pattern, PatternError
from kseg.isa.profile import PROFILES, R3000
from tests.isa.words import PROFILE_NAMES, Sample, samples


@given(samples(ignored_bits=True))
def test_every_instruction_decodes_to_itself(sample: Sample) -> None:
    found = instruction_set(sample.profile).decode(sample.word)
    assert found is not None
    assert found.instruction is sample.encoding.instruction


@given(samples(ignored_bits=True))
def test_operands_come_in_the_order_of_the_meaning(sample: Sample) -> None:
    found = instruction_set(sample.profile).decode(sample.word)
    assert found is not None
    fields = found.pattern.fields
    by_letter = {
        letter: fields[letter].extract(sample.word) for letter in found.instruction.operands
    }
    assert found.operands(sample.word) == list(by_letter.values())
    for letter, value in by_letter.items():
        assert value == found.pattern.fields[letter].extract(sample.word)


@pytest.mark.parametrize("profile", PROFILE_NAMES)
def test_no_two_patterns_of_a_profile_overlap(profile: str) -> None:
    encodings = instruction_set(profile).encodings
    for index, one in enumerate(encodings):
        for other in encodings[:index]:
            if not one.instruction.is_rest:
                assert not one.pattern.overlaps(other.pattern), (one, other)


def test_the_rest_of_coprocessor_1_is_what_the_unit_lacks() -> None:
    for profile in ("r3000-fpu", "r3000-r3010"):
        names = [
            found.instruction.name if (found := instruction_set(profile).decode(word)) else ""
            for word in (0x46000000, 0x46000004, 0x45000001, 0x45020001, 0x46003021, 0x46800000)
        ]
        assert names == ["add.s", "cop1", "bc1f", "cop1", "cvt.d.s", "cop1"]


def test_an_overlap_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = replace(DECLARED[0], name="twin", pattern=Pattern("000000" + "-" * 26))
    monkeypatch.setattr(module, "DECLARED", [*DECLARED, twin])
    with pytest.raises(PatternError, match=r"r3000: twin .* overlaps add"):
        InstructionSet(R3000)


def test_an_operand_must_be_a_field() -> None:
    def meaning(_cpu: object, x: int) -> None: ...

    with pytest.raises(ValueError, match="no field x"):
        instruction("0" * 27 + "sssss", "odd s")(meaning)


@pytest.mark.parametrize(
    "word",
    [
        0x00000001,  # SPECIAL functions that MIPS I leaves out
        0x00000005,
        0x0000000A,
        0x0000000B,
        0x0000000E,
        0x00000014,
        0x00000028,
        0x00000030,  # tge, MIPS II
        0x0000003F,
        0x40200000,  # dmfc0
        0x42000005,  # COP0 functions
        0x42000018,  # eret
        0x50000000,  # beql
        0x60000000,
        0x70000000,
        0x7C000000,
        0x9C000000,  # lwu
        0xB0000000,
        0xD4000000,  # ldc1
        0xDC000000,
        0xFC000000,
        0xFFFFFFFF,
    ],
)
@pytest.mark.parametrize("profile", PROFILE_NAMES)
def test_reserved_words(profile: str, word: int) -> None:
    assert instruction_set(profile).decode(word) is None


@pytest.mark.parametrize(
    ("word", "names"),
    [
        (0xC0000000, {"r3000": "lwc0", "mips161": "ll", "lsi": "lwc0"}),
        (0xE0000000, {"r3000": "swc0", "mips161": "sc", "lsi": "swc0"}),
        (0x0000000F, {"r3000": None, "mips161": "sync", "lsi": None}),
        (0x42000020, {"r3000": None, "mips161": "wait", "lsi": None}),
        (0x42000001, {"r3000": "tlbr", "mips161": "tlbr", "lsi": None}),
        (0x04020000, {"r3000": None, "mips161": None, "lsi": "bltz"}),
    ],
)
def test_profiles_differ_where_they_should(word: int, names: dict[str, str | None]) -> None:
    for profile in PROFILES:
        found = instruction_set(profile).decode(word)
        assert (found and found.instruction.name) == names[PROFILES[profile].family]


def test_every_instruction_is_documented_and_in_a_profile_that_exists() -> None:
    for declared in DECLARED:
        assert declared.summary.endswith("."), declared.name
        assert declared.documentation.startswith(declared.summary.split()[0])
        assert any(declared.exists_in(profile) for profile in PROFILES.values())
        assert set(declared.also) <= set(PROFILES)
