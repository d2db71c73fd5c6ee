"""Timer interrupts that come early: exact to the cycle, on every engine, part of states."""

import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg import Machine
from kseg.engine import ENGINES
from kseg.errors import StateError
from kseg.isa.registers import TIMER_LINE
from kseg.machine.board_state import BoardState
from kseg.machine.preemption import Preemption
from kseg.monitor.stop import StopReason
from tests.exploration.racing import boot, racing

GUESTS = [
    {"card": False, "processors": 1},
    {"card": True, "processors": 1},
    {"card": False, "processors": 2},
    {"card": True, "processors": 2},
]
LAST = 560_000
"""About the cycle in which the guests switch off."""

some = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])


def plan(seed: int, count: int, last: int = LAST) -> list[Preemption]:
    numbers = random.Random(seed)
    return [
        Preemption(int(numbers.random() * last), int(numbers.random() * 2)) for _ in range(count)
    ]


def seen(machine: Machine) -> BoardState:
    return msgspec.structs.replace(machine.board.save(), configuration="")


@pytest.mark.slow
@pytest.mark.parametrize("guest", GUESTS)
@pytest.mark.parametrize("quantum", [1, 50])
def test_engines_agree(tmp_path: Path, guest: dict[str, int], quantum: int) -> None:
    """In lock-step with the reference engine, over a part of the run."""
    processors = guest["processors"]
    machines = [
        boot(tmp_path, racing(**guest), engine=name, cpus=processors, quantum=quantum)
        for name in ENGINES
    ]
    wanted = [Preemption(each.at, each.processor % processors) for each in plan(3, 12, 60_000)]
    for machine in machines:
        machine.preemptions = wanted
    for step in (1, 7, 49, 993, 9_000, 20_000, 33_000):
        for machine in machines:
            machine.run(cycles=step)
        for machine in machines[1:]:
            assert seen(machine) == seen(machines[0])
            assert machine.board.struck == machines[0].board.struck
    assert len(machines[0].board.struck) >= 10
    for machine in machines:
        machine.close()


@pytest.mark.parametrize("monitor", ["trap-and-emulate", "hybrid"])
def test_under_a_monitor_it_is_the_same(tmp_path: Path, monitor: str) -> None:
    with boot(tmp_path, racing()) as bare, boot(tmp_path, racing(), monitor=monitor) as other:
        bare.preemptions = other.preemptions = [Preemption(each.at) for each in plan(1, 5)]
        bare.run()
        other.run()
        assert seen(other) == seen(bare)
        assert other.board.struck == bare.board.struck != []


@pytest.mark.parametrize("guest", GUESTS[1:3])
@some
@given(st.integers(0, 1000), st.integers(1, LAST))
def test_a_run_in_pieces_is_the_same(
    tmp_path: Path, guest: dict[str, int], seed: int, cut: int
) -> None:
    with boot(tmp_path, racing(**guest), cpus=2) as whole:
        whole.preemptions = plan(seed, 8)
        with whole.fork() as pieces:
            pieces.run(cycles=cut)
            pieces.save(tmp_path / "there")
            pieces.run()
            with Machine.from_snapshot(tmp_path / "there") as restored:
                restored.run()
                whole.run()
                assert seen(restored) == seen(pieces) == seen(whole)
        assert whole.board.struck


def test_it_comes_in_its_cycle_and_not_before(tmp_path: Path) -> None:
    with boot(tmp_path, racing()) as machine:
        with machine.fork() as unperturbed:
            unperturbed.run(cycles=5000)
            before = seen(unperturbed)
        machine.preemptions = [Preemption(5000)]
        machine.run(cycles=5000)
        # All that differs is what is to come.
        assert seen(machine) == msgspec.structs.replace(before, preemptions=[Preemption(5000)])
        assert not machine.board.struck
        machine.run(cycles=1)
        (struck,) = machine.board.struck
        assert (struck.cycle, struck.processor) == (5000, 0)
        assert struck.pc == before.processors[0]["pc"]
        # The interrupt was let through: one instruction of its handler has been executed.
        assert machine.board.processors[0].epc == struck.pc
        assert machine.processors[0].pc == 0x80000084
        assert machine.board.processors[0].timer_line == TIMER_LINE


def test_what_cannot_be_preempted_is_left_alone(tmp_path: Path) -> None:
    """Before the timer is set; while every processor waits, when time passes that does not
    count."""
    with boot(tmp_path, racing()) as machine:
        machine.preemptions = [Preemption(0), Preemption(3), Preemption(10_000_000)]
        stop = machine.run()
        assert stop.reason is StopReason.POWER_OFF
        assert machine.board.struck == []
        assert machine.preemptions == [Preemption(10_000_000)]


def test_idle_time_does_not_count() -> None:
    with Machine("cms", "sleep 3; primes 30; halt", epoch=0) as machine:
        with machine.fork() as unperturbed:
            unperturbed.run()
            idle, busy = unperturbed.statistics.idle_cycles, unperturbed.busy_cycles
        assert idle > 50_000_000
        machine.preemptions = [Preemption(at) for at in range(1000, busy, 20_000)]
        machine.run()
        assert machine.preemptions == []
        assert len(machine.board.struck) > 5


def test_resetting_forgets_them(tmp_path: Path) -> None:
    with boot(tmp_path, racing()) as machine:
        machine.preemptions = [Preemption(10_000_000)]
        machine.board.reset()
        assert machine.preemptions == []


def test_bad_ones(tmp_path: Path) -> None:
    with boot(tmp_path, racing()) as machine:
        with pytest.raises(ValueError, match="no processor 1: the machine has 1"):
            machine.preemptions = [Preemption(5, 1)]
        machine.preemptions = [Preemption(5)]
        state = machine.save()
        with pytest.raises(StateError, match="version 1, this kseg reads"):
            machine.load(msgspec.structs.replace(state, version=1))


def test_a_state_of_the_version_before_has_none(tmp_path: Path) -> None:
    with boot(tmp_path, racing()) as machine:
        plain = msgspec.to_builtins(machine.save())
        del plain["preemptions"]
        machine.preemptions = [Preemption(5)]
        machine.load(msgspec.convert({**plain, "version": 2}, BoardState))
        assert machine.preemptions == []
        machine.run(cycles=10)
