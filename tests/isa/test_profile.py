"""Processor profiles."""

import pytest

from kseg.isa.profile import LSI, MIPS161, PROFILES, R3000, Profile, profile_named
from kseg.isa.registers import STATUS_BEV


def test_profiles_are_found_by_name() -> None:
    for name, profile in PROFILES.items():
        assert profile_named(name) is profile
        assert profile.name == name


def test_an_unknown_name_lists_those_that_exist() -> None:
    with pytest.raises(ValueError, match="no processor profile 'r4000'; there are: r3000, r3"):
        profile_named("r4000")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_random_stays_in_range_and_starts_at_63(profile: Profile) -> None:
    values = [profile.random(cycle) for cycle in range(200)]
    assert values[0] == 63
    assert set(values) == set(range(8, 64))
    assert values[:56] == values[56:112]


def test_random_counts_down_on_hardware_and_up_on_mips161() -> None:
    assert [R3000.random(cycle) for cycle in range(3)] == [63, 62, 61]
    assert [MIPS161.random(cycle) for cycle in range(3)] == [63, 8, 9]


@pytest.mark.parametrize(
    ("dividend", "is_signed", "hardware", "mips161"),
    [
        (5, True, (0xFFFFFFFF, 5), (0x7FFFFFFF, 0)),
        (0, True, (0xFFFFFFFF, 0), (0x7FFFFFFF, 0)),
        (-5, True, (1, -5), (0xFFFFFFFF, 0)),
        (5, False, (0xFFFFFFFF, 5), (0xFFFFFFFF, 0)),
    ],
)
def test_division_by_zero(
    dividend: int, is_signed: bool, hardware: tuple[int, int], mips161: tuple[int, int]
) -> None:
    assert R3000.divide_by_zero(dividend, is_signed) == hardware
    assert LSI.divide_by_zero(dividend, is_signed) == hardware
    assert MIPS161.divide_by_zero(dividend, is_signed) == mips161


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_status_after_reset_is_one_that_could_be_written(profile: Profile) -> None:
    reset = profile.status_at_reset
    assert reset & STATUS_BEV
    assert not reset & ~profile.status_writable
    assert not profile.status_fatal & profile.status_writable
