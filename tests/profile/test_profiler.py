from pathlib import Path

import pytest

from kseg import Machine
from kseg.api import StopReason
from kseg.errors import KsegError
from kseg.monitor.observer import RUN_ON
from kseg.profile.profiler import Profiler
from kseg.profile.samples import Profile
from tests.cli.kernels import TRACE, ticking
from tests.unwind.programs import SPINNING, TWO, boot


def test_it_does_not_disturb() -> None:
    def state(profiled: bool) -> tuple[object, ...]:
        with Machine("cms", "primes 200; misses 300; halt", epoch=0) as machine:
            if profiled:
                stop = machine.profile(hz=7777).stop
            else:
                stop = machine.run()
            return machine.cycles, machine.console.output, stop, machine.board.save()

    assert state(True) == state(False)


def test_it_is_the_same_on_every_engine() -> None:
    def stacks(engine: str) -> object:
        with Machine("cms", "primes 200; halt", epoch=0, engine=engine) as machine:
            profile = machine.profile()
            return profile.stacks, profile.addresses, profile.waiting, profile.arcs

    assert stacks("translator") == stacks("interpreter")


def test_what_it_finds_is_where_the_time_goes(tmp_path: Path) -> None:
    source = """
        la      sp, 0x80040000
again:  jal     long
        nop
        jal     short
        nop
        b       again
        nop
short:  li      t0, 1000
1:      bnez    t0, 1b
        addiu   t0, t0, -1
        jr      ra
        nop
long:   li      t0, 3000
1:      bnez    t0, 1b
        addiu   t0, t0, -1
        jr      ra
        nop
    """
    with boot(tmp_path, source) as machine:
        profile = machine.profile(seconds=1)
        times = {each.name: each for each in profile.functions()}
        assert profile.stop.reason is StopReason.CYCLE_LIMIT
        assert 995 <= profile.busy <= 1000
        assert times["long"].self / times["short"].self == pytest.approx(3, rel=0.1)
        assert times["again"].total == times["again"].self + times["long"].self + (
            times["short"].self
        )
        (long,), (again,) = (machine.symbols.addresses(name) for name in ("long", "again"))
        assert profile.arcs[again, long] == times["long"].total
        assert sum(profile.addresses.values()) == profile.busy


def test_without_stacks(tmp_path: Path) -> None:
    with boot(tmp_path, SPINNING) as machine:
        profile = machine.profile(stacks=False, seconds=0.1)
        assert {len(stack) for stack in profile.stacks} == {1}
        assert not profile.arcs


def test_every_processor_and_idle_time(tmp_path: Path) -> None:
    with boot(tmp_path, TWO, cpus=3) as machine:
        profile = machine.profile(seconds=0.1)
        names = {stack[-1].name for stack in profile.stacks}
        assert {"first", "second"} <= names
        assert profile.busy == pytest.approx(200, abs=3)
        assert profile.idle == 0  # The third one was never started.
    (tmp_path / "k").write_bytes(ticking())
    with Machine(tmp_path / "k") as machine:
        profile = machine.profile(seconds=1)
        assert profile.idle > 900


def test_samples_are_not_in_step_with_the_guest(tmp_path: Path) -> None:
    """One in each period, and in each tenth of it about as many."""
    with boot(tmp_path, SPINNING) as machine:
        profiler = Profiler(machine, hz=1000, symbols=machine.symbols)
        at = []
        for _ in range(200):
            machine.run(cycles=profiler.next_cycle - machine.cycles)
            at.append(machine.cycles)
            profiler.stopped(RUN_ON)
        assert [cycle // 25_000 for cycle in at] == list(range(200))
        tenths = [cycle % 25_000 // 2_500 for cycle in at]
        assert all(15 <= tenths.count(tenth) <= 25 for tenth in range(10))


def test_conditions() -> None:
    with Machine("cms", "echo one; halt") as machine:
        assert machine.profile(until="one").stop.reason is StopReason.CONDITION
        assert machine.profile(cycles=10).stop.reason is StopReason.CYCLE_LIMIT
        assert machine.profile(hz=1).stop.reason is StopReason.POWER_OFF
        for hz in (0, 1_000_001):
            with pytest.raises(KsegError, match="give a whole number from 1"):
                machine.profile(hz=hz)


def test_the_guest_switches_it(tmp_path: Path) -> None:
    def profiled(register: int, value: int, visible: bool = False) -> tuple[Profile, Machine]:
        source = f"""
            li t1, 500000
1:          bnez t1, 1b
            addiu t1, t1, -1
            li t0, {TRACE:#x}
            lw s0, 0x14(t0)
            li t1, {value}
            sw t1, {register:#x}(t0)
after:      b after
            nop
        """
        machine = boot(tmp_path, source)
        profiler = Profiler(machine, symbols=machine.symbols, visible=visible)
        with machine.observers.added(profiler):
            machine.run(seconds=0.1)
        profiler.close()
        machine.close()
        return profiler.profile, machine

    def names(profile: Profile) -> set[str]:
        return {stack[-1].name for stack in profile.stacks}

    profile, machine = profiled(0x14, 0)
    assert names(profile) == {"__start"}
    assert machine.processors[0].registers["s0"] == 0
    profile, machine = profiled(0x18, 1, visible=True)
    assert names(profile) == {"after"}
    assert machine.processors[0].registers["s0"] == 1
