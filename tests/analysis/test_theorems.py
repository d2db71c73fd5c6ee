"""The verdicts on the profiles, and on processors made worse on purpose."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from kseg.analysis.analysis import Analysis, analyse
from kseg.analysis.subjects import Subject, subjects
from kseg.analysis.witnesses import WitnessKind
from kseg.isa import registers as r
from kseg.isa.instruction import Instruction
from kseg.isa.pattern import Pattern
from kseg.isa.profile import LSI, MIPS161, PROFILES, R3000, Profile
from kseg.isa.values import select

LOADS_AND_STORES = "lb lbu lh lhu lw sb sh sw lwl lwr swl swr".split()


@cache
def analysed(profile_name: str, cu0: bool = False) -> Analysis:
    return analyse(PROFILES[profile_name], cu0=cu0)


def names(analysis: Analysis, belongs: Callable[[Any], bool]) -> list[str]:
    return [one.subject.name for one in analysis.instructions if belongs(one)]


def holding(analysis: Analysis) -> list[str]:
    return [verdict.theorem for verdict in analysis.verdicts if verdict.holds]


@pytest.mark.parametrize("name", ["r3000", "mips161"])
def test_cp0_kept_from_user_mode_makes_it_virtualisable(name: str) -> None:
    analysis = analysed(name)
    assert holding(analysis) == ["1", "1 by state", "2", "3"]
    assert names(analysis, lambda one: one.user_sensitive) == []


def test_the_windows_make_loads_and_stores_location_sensitive() -> None:
    offenders = analysed("r3000").verdict("1 with windows").offenders
    assert list(offenders) == LOADS_AND_STORES
    (witness,) = analysed("r3000").named("lw").shown(WitnessKind.LOCATION)
    assert (witness.modes, witness.window) == (("kernel", "kernel"), True)
    assert witness.states[0]["frames"] != witness.states[1]["frames"]
    assert [end["end"] for end in witness.outcomes] == ["completes", "completes"]
    assert witness.outcomes[0] != witness.outcomes[1]
    assert list(analysed("mips161").verdict("1 with windows").offenders) == [
        *LOADS_AND_STORES,
        "ll",
        "sc",
    ]


@pytest.mark.parametrize("name", PROFILES)
def test_a_kernel_linked_in_kseg0_traps_on_every_fetch(name: str) -> None:
    ends = [outcome["end"] for outcome in analysed(name).fetch.outcomes]
    assert ends == ["completes", "memory-traps: AdEL"]


@pytest.mark.slow
def test_cu0_decides_on_the_r3000_and_not_on_mips161() -> None:
    granted = analysed("r3000", cu0=True)
    assert holding(granted) == []
    assert granted.verdict("1").offenders == granted.verdict("3").offenders
    assert "mfc0 c0_status" in granted.verdict("1").offenders
    assert holding(analysed("mips161", cu0=True)) == holding(analysed("mips161"))
    # The same processor, if its CP0 were to obey CU0.
    assert holding(analyse(replace(MIPS161, kernel_cp0_only=False), cu0=True)) == []


def test_user_mode_with_cu0_reads_its_mode_and_leaves_it() -> None:
    granted = analysed("r3000", cu0=True)
    (read,) = granted.named("mfc0 c0_status").shown(WitnessKind.MODE)
    assert read.modes == ("kernel", "user")
    values = [int(one["pending_load_value"], 16) for one in read.outcomes]
    assert values[0] ^ values[1] == r.STATUS_KUC
    left = [
        one
        for one in granted.named("rfe").shown(WitnessKind.CONTROL_MODE)
        if one.modes == ("user",)
    ]
    assert left[0].outcomes[0]["mode"] == "kernel"


def test_without_a_tlb_nothing_relocates_user_mode() -> None:
    analysis = analysed("lsi")
    assert holding(analysis) == []
    assert list(analysis.verdict("3").offenders) == LOADS_AND_STORES


def test_by_the_papers_own_definitions() -> None:
    sensitive = names(
        analysed("r3000"), lambda one: one.sensitivities(windows=False, paper_only=True)
    )
    assert sensitive == [
        "mfc0 c0_entryhi",
        "mtc0 c0_entryhi",
        "mtc0 c0_status",
        "tlbr",
        "tlbwi",
        "tlbwr",
        "rfe",
    ]


def test_details() -> None:
    r3000, mips161, lsi = analysed("r3000"), analysed("mips161"), analysed("lsi")
    for one in (*r3000.instructions, *mips161.instructions, *lsi.instructions):
        if one.privileged:
            assert one.trap_reads == {"status"}, one.subject.name
    # Privileged and innocuous.
    for name in ("bc0t", "mfc0 c0_prid", "mtc0 c0_epc"):
        assert r3000.named(name).privileged
        assert not r3000.named(name).sensitivities()
    # Trap in kernel mode too, so not privileged.
    for name in ("bc0t", "mfc0 $3", "mfc0 c0_config2", "syscall"):
        assert not mips161.named(name).privileged
        assert not mips161.named(name).sensitivities()
    assert mips161.named("wait").privileged
    assert mips161.named("wait").shown(WitnessKind.CONTROL_RESOURCES)
    assert mips161.named("mtc0 c0_status").shown(WitnessKind.CONTROL_MODE)
    assert mips161.named("jr").shown(WitnessKind.TRAPS_BY_ADDRESS)
    assert not r3000.named("jr").shown(WitnessKind.TRAPS_BY_ADDRESS)
    assert names(mips161, lambda one: one.shown(WitnessKind.SHOWS_A_TRAP)) == ["sc"]
    for witness in mips161.named("sc").shown(WitnessKind.SHOWS_A_TRAP):
        register = witness.disassembly.split()[1].partition(",")[0]
        assert [one[register] for one in witness.outcomes] == ["0x00000001", "0x00000000"]
    assert names(lsi, lambda one: one.shown(WitnessKind.TRAPS_BY_UNIT)) == ["cop2", "lwc2", "swc2"]
    assert names(r3000, lambda one: one.clock_dependent) == ["mfc0 c0_random", "tlbwr"]


# Processors made worse, by one instruction each.


def invented(name: str, meaning: Callable[..., None]) -> Subject:
    """An instruction that no MIPS has, in a word that none decodes."""
    return Subject(
        name,
        Instruction(
            name=name,
            pattern=Pattern("011100 ----- ttttt ----- ----- ------"),
            syntax=f"{name} t",
            meaning=meaning,
            profiles=None,
            also={},
            is_branch=False,
            constants=frozenset(),
            operands=("t",),
        ),
    )


def with_one_more(profile: Profile, name: str, meaning: Callable[..., None]) -> Analysis:
    return analyse(profile, of=[*subjects(profile)[-12:], invented(name, meaning)])


def test_a_status_register_that_all_may_read() -> None:
    """As the 80286's SMSW; fails in user mode too, so not even a hybrid monitor helps."""

    def smsw(cpu: Any, t: int) -> None:
        cpu.gpr[t] = cpu.status

    analysis = with_one_more(R3000, "smsw", smsw)
    assert holding(analysis) == []
    assert analysis.verdict("1").offenders == analysis.verdict("3").offenders == ("smsw",)
    (witness,) = analysis.named("smsw").shown(WitnessKind.MODE)
    assert [state["mode"] for state in witness.states] == ["kernel", "user"]
    assert witness.disassembly == "smsw"


def test_an_interrupt_enable_that_user_mode_cannot_write_and_need_not_trap_for() -> None:
    """As the 80386's POPF: sensitive in kernel mode alone, so that a hybrid monitor remains."""

    def popf(cpu: Any, t: int) -> None:
        writable = select((cpu.status & r.STATUS_KUC) != 0, 0, r.STATUS_IEC)
        cpu.status = (cpu.status & ~writable) | (cpu.gpr[t] & writable)

    analysis = with_one_more(MIPS161, "popf", popf)
    assert holding(analysis) == ["3"]
    assert analysis.verdict("1").offenders == ("popf",)
    assert analysis.verdict("1 by state").offenders == ("popf",)
    (witness,) = analysis.named("popf").shown(WitnessKind.CONTROL_RESOURCES)
    assert "status" in witness.outcomes[0]


def test_a_return_to_user_mode_that_does_not_trap() -> None:
    """As the PDP-10's JRST 1, the paper's example of Theorem 3."""

    def jrst(cpu: Any, t: int) -> None:  # noqa: ARG001
        cpu.status = cpu.status | r.STATUS_KUC

    analysis = with_one_more(R3000, "jrst", jrst)
    assert holding(analysis) == ["3"]
    (witness,) = analysis.named("jrst").sensitivities()
    assert (witness.kind, witness.modes) == (WitnessKind.CONTROL_MODE, ("kernel",))


def test_a_physical_address_that_all_may_ask_for() -> None:
    """As the 360/67's LRA: location-sensitive."""

    def lra(cpu: Any, t: int) -> None:
        cpu.gpr[t] = cpu.tlb_entry_lo[1]

    analysis = with_one_more(R3000, "lra", lra)
    assert holding(analysis) == []
    assert {one.kind for one in analysis.named("lra").sensitivities()} == {WitnessKind.LOCATION}


def test_a_clock_that_all_may_read() -> None:
    def rdtsc(cpu: Any, t: int) -> None:
        cpu.gpr[t] = cpu.count()

    analysis = with_one_more(MIPS161, "rdtsc", rdtsc)
    assert holding(analysis) == []
    assert analysis.named("rdtsc").clock_dependent


def test_a_privileged_instruction_with_a_hole() -> None:
    """One state in which it does not trap is enough."""

    def hole(cpu: Any, t: int) -> None:
        user = (cpu.status & r.STATUS_KUC) != 0
        cpu.trap_if(user & (cpu.gpr[t] != 0), 11)
        cpu.index = cpu.index ^ 0x100

    analysis = with_one_more(LSI, "hole", hole)
    (refuted,) = analysis.named("hole").shown(WitnessKind.NOT_PRIVILEGED)
    assert analysis.named("hole").shown(WitnessKind.PRIVILEGED)
    assert refuted.states[1]["mode"] == "user"
    assert "hole" in analysis.verdict("1").offenders


def test_the_analysis_is_deterministic() -> None:
    of = subjects(R3000)[-4:]
    first, second = (analyse(R3000, of=of) for _ in range(2))
    assert [one.witnesses for one in first.instructions] == [
        one.witnesses for one in second.instructions
    ]
