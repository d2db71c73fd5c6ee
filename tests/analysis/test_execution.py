"""Single instructions on the testbed's processor."""

import pytest

from kseg.analysis.execution import End, Examination, Outcome
from kseg.analysis.sampling import samples
from kseg.analysis.states import DATA, State, moved, retagged
from kseg.analysis.subjects import Subject, subjects
from kseg.isa.assembler import assemble
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.profile import MIPS161, PROFILES, R3000, Profile


def named(name: str, profile: Profile) -> Subject:
    return next(subject for subject in subjects(profile) if subject.name == name)


class Bench:
    """Executes assembly from a sampled state, with a0 set."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.examination = Examination(profile)
        drawn = samples(named("addu", profile), self.examination, cu0=False)
        self.state = next(state for _, state in drawn).in_mode("kernel")

    def run(self, text: str, state: State | None = None, a0: int = 0) -> Outcome:
        word = assemble(text, 0, self.examination.byte_order, self.profile.name).words[0]
        state = state or self.state
        gpr = (*state.gpr[:4], a0, *state.gpr[5:])
        given = State(state.fields, gpr, state.tlb_hi, state.tlb_lo, state.frames)
        name = text.split()[0]
        return self.examination.execute(named(name, self.profile).encoding, word, given)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_program_finds_itself_wherever_it_is(profile: Profile) -> None:
    bench = Bench(profile)
    here = bench.run("lw a1, 0(a0)", a0=DATA + 0x100)
    assert (here.end, here.addresses) == (End.COMPLETES, (DATA + 0x100,))
    assert {"a0", "status"} <= here.reads
    assert "a1" not in here.reads
    there = bench.run("lw a1, 0(a0)", moved(bench.state), a0=DATA + 0x100)
    # Without a TLB the program was moved, and its addresses were not.
    assert (here.program == there.program) is profile.has_tlb


def test_another_address_space_holds_the_same_program() -> None:
    bench = Bench(R3000)
    there = bench.run("lw a1, 0(a0)", retagged(bench.state), a0=DATA + 0x100)
    assert there.program == bench.run("lw a1, 0(a0)", a0=DATA + 0x100).program
    assert there.map != bench.run("addu a1, a0, a0").map


def test_ends() -> None:
    bench = Bench(MIPS161)
    user = bench.state.in_mode("user")
    assert bench.run("lw a1, 0(a0)", a0=0x80004000).end is End.COMPLETES
    trapped = bench.run("lw a1, 0(a0)", user, a0=0x80004000)
    assert (trapped.end, trapped.code) == (End.MEMORY_TRAPS, ExceptionCode.ADDRESS_ERROR_LOAD)
    assert bench.run("lw a1, 0(a0)", a0=0xBFE00000).end is End.ASKS
    assert bench.run("syscall").end is End.TRAPS
    assert bench.run("wait", user).end is End.TRAPS


def test_an_exception_clears_the_link_of_ll() -> None:
    bench = Bench(MIPS161)
    linked = bench.state.having(ll_pending=1)
    assert bench.run("addu a1, a0, a0", linked).fields["ll_pending"] == 1
    assert bench.run("syscall", linked).fields["ll_pending"] == 0
