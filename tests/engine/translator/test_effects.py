"""What is said of an instruction's effects, against what the reference engine does with it."""

import random
import struct

import pytest

from kseg.engine import ExitReason, ProcessorState, create
from kseg.engine.translator.effects import HI, LO, Effects, effects
from kseg.isa.instruction_set import instruction_set
from kseg.memory.physical import PhysicalMemory
from tests.engine.random_programs import random_word

PC = 0x80001000
PROFILES = [("mips161", "big"), ("r3000", "little"), ("lsi", "little")]
SAMPLES = 6
"""Words tried of each encoding."""

CP0 = (
    "status cause epc bad_vaddr context entry_hi entry_lo index compare target_address timer_line "
    "timer_armed ll_pending ll_address ll_value waiting ll_count sc_success sc_failure sync_count"
).split()


class Trial:
    """One word executed once."""

    def __init__(
        self, profile: str, byte_order: str, word: int, values: list[int], stalls: bool
    ) -> None:
        """`values` are the registers', HI and LO included; where `stalls`, HI and LO are late."""
        memory = PhysicalMemory(8192)
        order = ">" if byte_order == "big" else "<"
        memory.write(PC & 0xFFFF, struct.pack(f"{order}I", word))
        self.state = state = ProcessorState()
        state.reset(status=0x10000000, pc=PC)
        state.enabled = 1
        state.gpr[1:32] = values[1:32]
        state.hi, state.lo = values[HI], values[LO]
        state.hi_ready = state.lo_ready = 1 if stalls else 0
        self.before = ProcessorState.from_buffer_copy(state)
        self.exit = create("reference", profile, byte_order, memory, [state]).run(1)
        self.memory = bytes(memory.ram.data)

    @property
    def changed(self) -> set[int]:
        """The registers that have another value now."""
        numbers = range(1, 32)
        found = {n for n in numbers if self.state.gpr[n] != self.before.gpr[n]}
        found |= {HI} if self.state.hi != self.before.hi else set()
        found |= {LO} if self.state.lo != self.before.lo else set()
        register = self.state.pending_load_register
        return found | ({register} if register else set())

    def value(self, register: int) -> int:
        """What a register has now, a load on its way included."""
        state = self.state
        if register == state.pending_load_register:
            return int(state.pending_load_value)
        found = state.hi if register == HI else state.lo if register == LO else state.gpr[register]
        return int(found)

    @property
    def trapped(self) -> bool:
        return any(self.state.exceptions)

    @property
    def cp0(self) -> list[int]:
        return [getattr(self.state, name) for name in CP0]


def values(rng: random.Random) -> list[int]:
    """Registers, mostly with addresses of memory in them."""
    return [
        rng.choice((0x80000000 | rng.randrange(8192), rng.getrandbits(32), rng.randrange(9)))
        for _ in range(34)
    ]


def words(profile: str, rng: random.Random) -> list[int]:
    """A few words of every encoding, and some that are none."""
    found = [rng.getrandbits(32) for _ in range(50)] + [random_word(rng, instruction_set(profile))]
    for encoding in instruction_set(profile).encodings:
        pattern = encoding.pattern
        found += [rng.getrandbits(32) & ~pattern.mask | pattern.match for _ in range(SAMPLES)]
    return found


def check(word: int, said: Effects, trial: Trial) -> None:
    """Nothing may happen that was not said."""
    state, before = trial.state, trial.before
    what = f"{word:08x}: {said}"
    if trial.exit.reason is not ExitReason.BUDGET:
        assert said.is_hard or said.accesses_memory, what
        return
    if trial.trapped:
        assert said.is_hard or said.may_trap or said.accesses_memory or said.is_branch, what
        return
    if said.is_hard:
        return
    if state.kernel_stalls:
        assert said.uses_hi or said.uses_lo, what
        return
    assert trial.cp0 == [getattr(before, name) for name in CP0], what
    assert trial.changed <= said.writes, what
    assert state.pending_load_register in {0, *said.loads}, what
    assert (state.hi_ready != before.hi_ready) == (said.occupies_hi and state.hi_ready > 1), what
    assert (state.lo_ready != before.lo_ready) == (said.occupies_lo and state.lo_ready > 1), what
    for register, value in said.constants.items():
        assert trial.value(register) == value, what
    if said.is_branch:
        taken = (state.next_pc if state.in_delay_slot else state.pc) != PC + 8
        if not said.is_conditional and said.target is not None:
            assert state.in_delay_slot
            assert state.next_pc == said.target, what
        elif taken and state.in_delay_slot and said.target is not None:
            assert state.next_pc == said.target, what
    else:
        assert state.pc == PC + 4, what
        assert not state.in_delay_slot, what


@pytest.mark.parametrize(("profile", "byte_order"), PROFILES)
def test_nothing_happens_that_was_not_said(profile: str, byte_order: str) -> None:
    rng = random.Random(1)
    for word in words(profile, rng):
        check(
            word,
            effects(profile, PC, word),
            Trial(profile, byte_order, word, values(rng), rng.random() < 0.2),
        )


@pytest.mark.parametrize(("profile", "byte_order"), PROFILES)
def test_registers_that_are_not_read_do_not_matter(profile: str, byte_order: str) -> None:
    rng = random.Random(2)
    for word in words(profile, rng):
        said = effects(profile, PC, word)
        if said.is_hard:
            continue
        first, second = values(rng), values(rng)
        for register in said.reads:
            second[register] = first[register]
        one, other = (Trial(profile, byte_order, word, each, False) for each in (first, second))
        what = f"{word:08x}: {said}"
        assert one.exit == other.exit, what
        assert one.memory == other.memory, what
        for name in ("pc", "next_pc", "in_delay_slot", *CP0):
            assert getattr(one.state, name) == getattr(other.state, name), what
        for register in one.changed & other.changed:
            assert one.value(register) == other.value(register), what


def test_a_declared_instruction_is_hard_where_only_the_interpreter_can_do_it() -> None:
    for word in (0x0000000C, 0x0000000D, 0x42000010, 0x42000002, 0x40806000, 0xFFFFFFFF):
        assert effects("r3000", PC, word).is_hard
    for word in (0xC0000000, 0xE0000000, 0x42000020):
        assert effects("mips161", PC, word).is_hard


def test_a_branch_knows_its_target_and_whether_it_must_be_taken() -> None:
    always = effects("r3000", PC, 0x10000003)
    assert (always.target, always.is_conditional) == (PC + 16, False)
    maybe = effects("r3000", PC, 0x14400003)
    assert (maybe.target, maybe.is_conditional) == (PC + 16, True)
    through = effects("r3000", PC, 0x03E00008)
    assert (through.target, through.is_conditional) == (None, False)
    assert effects("r3000", PC, 0x14000003).is_hard
