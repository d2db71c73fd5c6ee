"""The registers of CP0: masks, read-only ones, and which profile has which."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.isa import cp0
from kseg.isa.exceptions import ExceptionCode, Fatal
from kseg.isa.profile import LSI, MIPS161, PROFILES, R3000, Profile

words = st.integers(0, 0xFFFFFFFF)


class Cpu:
    """As much of a processor as the registers touch; notes what is done to it."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.status = self.cause = self.epc = self.bad_vaddr = self.context = 0
        self.entry_hi = self.entry_lo = self.index = self.compare = self.target_address = 0
        self.interrupt_lines = self.timer_line = 0
        self.cycles = 0
        self.done: list[Any] = []

    def count(self) -> int:
        return self.cycles

    def set_count(self, value: int) -> None:
        self.cycles = value

    def random(self) -> int:
        return 17

    def arm_timer(self) -> None:
        self.done.append("arm_timer")

    def changed_status(self) -> None:
        self.done.append("changed_status")

    def changed_address_space(self) -> None:
        self.done.append("changed_address_space")

    def trap(self, code: ExceptionCode, _coprocessor: int = 0) -> None:
        self.done.append(code)

    def fatal_if(self, condition: bool, reason: Fatal, value: int) -> None:
        if condition:
            self.done.append((reason, value))


def written(register: cp0.ControlRegister, profile: Profile, value: int) -> Any:
    """What a register reads as after `value` was written to it."""
    cpu: Any = Cpu(profile)
    register.write(cpu, value)
    return register.read(cpu)


@pytest.mark.parametrize(
    ("register", "profile", "mask"),
    [
        (cp0.INDEX, R3000, 0x80003F00),
        (cp0.ENTRY_LO, R3000, 0xFFFFFF00),
        (cp0.ENTRY_HI, R3000, 0xFFFFFFC0),
        (cp0.CONTEXT, R3000, 0xFFE00000),
        (cp0.CONTEXT, MIPS161, 0xFFFFFFFF),
        (cp0.BAD_VADDR, R3000, 0),
        (cp0.BAD_VADDR, MIPS161, 0xFFFFFFFF),
        (cp0.STATUS, R3000, 0xF04BFF3F),
        (cp0.STATUS, MIPS161, 0xF040FF3F),
        (cp0.CAUSE, R3000, 0x300),
        (cp0.EPC, R3000, 0),
        (cp0.CACHE_CONFIGURATION, R3000, 0),
    ],
)
@given(value=words)
def test_what_a_write_leaves(
    register: cp0.ControlRegister, profile: Profile, mask: int, value: int
) -> None:
    assert written(register, profile, value) == value & mask


def test_read_only_registers() -> None:
    assert written(cp0.PRID, R3000, 0xFFFFFFFF) == R3000.processor_id
    assert written(cp0.RANDOM, R3000, 0) == 17 << 8
    assert written(cp0.REGISTERS["mips161"][16, 0], MIPS161, 0) == 0x800083F3


def test_cause_shows_the_interrupt_lines() -> None:
    cpu: Any = Cpu(MIPS161)
    cpu.cause, cpu.interrupt_lines, cpu.timer_line = 0x20, 0x400, 0x8000
    assert cp0.CAUSE.read(cpu) == 0x8420
    cp0.CAUSE.write(cpu, 0)
    assert cp0.CAUSE.read(cpu) == 0x8420


def test_the_engine_hears_of_what_concerns_it() -> None:
    cpu: Any = Cpu(R3000)
    cp0.STATUS.write(cpu, 1)
    cp0.ENTRY_HI.write(cpu, 0x40)
    assert cpu.done == ["changed_status", "changed_address_space"]


def test_cache_isolation_is_fatal_where_there_are_no_caches() -> None:
    cpu: Any = Cpu(MIPS161)
    cp0.STATUS.write(cpu, 0x10000)
    assert (Fatal.STATUS_BITS, 0x10000) in cpu.done


@pytest.mark.parametrize(("count", "compare", "left"), [(5, 100, 5), (100, 5, 0), (5, 5, 5)])
def test_writing_compare_starts_the_timer(count: int, compare: int, left: int) -> None:
    cpu: Any = Cpu(MIPS161)
    cpu.cycles, cpu.timer_line = count, 0x8000
    cp0.COMPARE.write(cpu, compare)
    assert (cpu.cycles, cpu.compare, cpu.timer_line) == (left, compare, 0)
    assert cpu.done == ["arm_timer"]


def test_reserved_registers() -> None:
    assert cp0.find(MIPS161, 3, 0) is None
    assert cp0.find(MIPS161, 12, 1) is None
    assert cp0.find(R3000, 9, 0) is cp0.UNIMPLEMENTED
    assert cp0.find(LSI, 0, 0) is cp0.UNIMPLEMENTED
    cpu: Any = Cpu(MIPS161)
    register = cp0.find(MIPS161, 16, 3)
    assert register
    register.read(cpu)
    assert cpu.done == [ExceptionCode.RESERVED_INSTRUCTION]


def test_selects_do_not_matter_where_there_are_none() -> None:
    assert cp0.find(R3000, 12, 5) is cp0.STATUS


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_names_are_unambiguous(profile: Profile) -> None:
    pairs = cp0.distinguished(profile)
    names = [register.name for pair in pairs if (register := cp0.find(profile, *pair))]
    assert len(names) == len(set(names)) == len(pairs)
