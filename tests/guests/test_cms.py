"""cms under every engine: what its programs print, and that no program brings it down."""

import pytest

from kseg import Machine
from kseg.engine import ENGINES

PROGRAMS = {
    "primes 30": "2 3 5 7 11 13 17 19 23 29",
    "sieve 1000": "sieve 1000: 168 primes, checksum a2b7754e",
    "echo one two": "one two",
    "syscalls 20": "syscalls 20: done",
    "spawn 2": "spawn 2: done",
    "faults 5": "faults 5: done",
    "switches 5": "switches 5: done",
    "misses 600": "misses 600: done",
    "spawn 0": "spawn 0: done",
    "counter 2": "1 2",
    "nosuch": "nosuch: no such program (try: help)",
    "echo hi > a:/x; cat a:/x; rm a:/x": "hi",
}

LONGER = {
    "sieve": "sieve 100000: 9592 primes, checksum 44820012",
    "matmul": "matmul 64: checksum ba0ef4c5",
    "crc": "crc 100000: checksum 3def360f",
    "sort": "sort 10000: checksum 6f2df52c",
    "vmtest": "vmtest 100: checksum d7aecfe4",
}
"""Too long for the reference engine."""

COUNTED = ("syscalls", "faults", "misses", "spawn", "switches")
"""Programs whose only argument says how often."""

MISBEHAVIOUR = {
    "fault": "ended: store to unmapped address 0x00000000",
    "fault privileged": "ended: privileged instruction",
    "fault jump-kernel": "ended: jump to kernel address 0x80000000",
    "fault unaligned": "ended:",
    "fault unknown": "ended:",
    "fault delay-slot": "ended: system call in a branch delay slot",
    "overflow arithmetic": "ended: arithmetic overflow",
    "overflow stack": "ended: stack overflow",
}


def output_of(command: str, engine: str) -> str:
    """What cms prints for a command, in one line; the machine must switch itself off."""
    with Machine("cms", f"{command}; halt", engine=engine) as machine:
        stop = machine.run(seconds=60)
        assert stop.exit_code == 0
        # The first line is the banner.
        return " ".join(machine.console.output.split("\n")[1:]).strip()


@pytest.mark.slow("reference")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("command", PROGRAMS)
def test_programs_print_what_they_should(command: str, engine: str) -> None:
    assert output_of(command, engine) == PROGRAMS[command]


@pytest.mark.parametrize("command", LONGER)
def test_longer_programs(command: str) -> None:
    assert output_of(command, "interpreter") == LONGER[command]


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("count", ["x", "-1", "1x", "4294967296"])
def test_a_count_that_is_no_number_is_refused(name: str, count: str) -> None:
    printed = output_of(f"{name} {count}", "interpreter")
    assert printed == f"{name}: {count} is not a number {name}: exit status 2"


@pytest.mark.parametrize("name", COUNTED)
def test_more_than_a_count_is_refused(name: str) -> None:
    printed = output_of(f"{name} 1 2", "interpreter")
    assert printed == f"usage: {name} [N] {name}: exit status 2"


@pytest.mark.parametrize("command", MISBEHAVIOUR)
def test_misbehaving_programs_are_ended_and_cms_lives_on(command: str) -> None:
    printed = output_of(f"{command}; echo alive", "interpreter")
    assert MISBEHAVIOUR[command] in printed
    assert printed.endswith("alive")


def test_a_hog_is_ended_by_its_limit() -> None:
    printed = output_of("limit 1; hog; echo alive", "interpreter")
    assert "hog: ended: used 1 seconds of CPU time (limit 1)" in printed
    assert printed.endswith("alive")


def test_misses_are_misses() -> None:
    """As many refills as were asked for, and a few that starting takes."""
    refills = []
    for count in (1000, 11000):
        with Machine("cms", f"misses {count}; halt", engine="interpreter") as machine:
            machine.run(seconds=60)
            refills.append(machine.statistics.processors[0].tlb_refills)
    assert refills[1] - refills[0] == pytest.approx(10000, rel=0.05)


@pytest.mark.slow
def test_engines_agree_on_every_count() -> None:
    counts = []
    for engine in ENGINES:
        with Machine("cms", "faults 3; fault; primes 20; halt", engine=engine, epoch=0) as machine:
            machine.run(seconds=60)
            statistics = machine.statistics
            counts.append((machine.cycles, statistics.processors, machine.console.output))
    assert counts[0] == counts[1]
