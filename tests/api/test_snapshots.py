"""Machines that go on from a snapshot or a clone do what they would have done anyway."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg import Machine
from kseg.errors import ConfigurationError, StateError
from kseg.machine import disk_image
from kseg.monitor.stop import StopReason
from tests.history.machines import busy, everything
from tests.monitor.observed import CONFIGURATION, EPOCH
from tests.monitor.random_kernels import random_kernel

WAYS = [
    # Engine and monitor to go on with; it begins on the interpreter, on the bare machine.
    ("interpreter", "bare"),
    ("translator", "bare"),
    ("reference", "bare"),
    ("interpreter", "hybrid"),
    ("interpreter", "trap-and-emulate"),
]

some = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])


def on(machine: Machine, cycle: int) -> None:
    """Run to a cycle of the machine's, or to its end."""
    while machine.cycles < cycle:
        stop = machine.run(cycles=cycle - machine.cycles)
        if stop.reason is not StopReason.CYCLE_LIMIT:
            return


@pytest.mark.parametrize(("engine", "monitor"), WAYS)
@some
@given(st.integers(0, 3_000_000), st.integers(1, 300_000))
def test_a_restored_machine_goes_on(
    tmp_path: Path, engine: str, monitor: str, first: int, more: int
) -> None:
    """While a script is typed, a disk works, programs run, time is skipped."""
    if engine == "reference":
        first, more = first // 10, more // 10
    path = tmp_path / "snapshot"
    with busy(first) as machine:
        machine.save(path)
        before = everything(machine)
        on(machine, first + more)
        with Machine.from_snapshot(path, engine=engine, monitor=monitor) as other:
            assert everything(other) == before
            on(other, first + more)
            assert everything(other) == everything(machine)
            assert machine.console.output.endswith(other.console.output)
            # And back again, with what the other monitor or engine has left.
            other.save(path)
            machine.load(path)
            on(other, first + 2 * more)
            on(machine, first + 2 * more)
            assert everything(other) == everything(machine)


@contextmanager
def kernel_file(seed: int) -> Iterator[dict[str, Any]]:
    import tempfile

    from kseg.boards.system161.configuration import parse_configuration

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "kernel"
        path.write_bytes(random_kernel(seed).program.to_elf())
        yield {"kernel": path, "config": parse_configuration(CONFIGURATION), "epoch": EPOCH}


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "monitor"), WAYS)
@settings(max_examples=5)
@given(st.integers(0, 1 << 32))
def test_random_kernels_at_any_cycle(engine: str, monitor: str, seed: int) -> None:
    """Also between a branch and its delay slot, within handlers, with timers about to ring."""
    rng = random.Random(seed)
    cycles = sorted(rng.randrange(1, 40_000) for _ in range(4))
    with kernel_file(seed) as options, ExitStack() as stack:
        whole = stack.enter_context(Machine(**options, engine="interpreter"))
        path = options["kernel"].parent / "snapshot"
        current = stack.enter_context(Machine(**options, engine=engine, monitor=monitor))
        for number, cycle in enumerate(cycles):
            on(whole, cycle)
            on(current, cycle)
            if number % 2 and monitor == "bare":
                current = stack.enter_context(current.fork())
            else:
                current.save(path)
                current = stack.enter_context(
                    Machine.from_snapshot(path, engine=engine, monitor=monitor)
                )
            assert everything(current) == everything(whole)
        on(whole, 60_000)
        on(current, 60_000)
        assert everything(current) == everything(whole)


@some
@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=6), st.integers(0, 1 << 16))
def test_clones_and_their_clones(steps: list[int], seed: int) -> None:
    """A tree of machines: each does what the first one does when it runs alone."""
    rng = random.Random(seed)
    with ExitStack() as stack:
        machines = [stack.enter_context(busy(100_000))]
        for step in steps:
            parent = rng.choice(machines)
            machines.append(stack.enter_context(parent.fork()))
            runner = rng.choice(machines)
            on(runner, runner.cycles + step)
        end = max(machine.cycles for machine in machines) + 50_000
        alone = stack.enter_context(busy(100_000))
        on(alone, end)
        expected = everything(alone)
        for machine in machines:
            on(machine, end)
            assert everything(machine) == expected
            assert machine.console.output == alone.console.output


def test_two_processors(tmp_path: Path) -> None:
    with busy(300_001, cpus=2) as machine:
        machine.save(tmp_path / "a")
        with Machine.from_snapshot(tmp_path / "a") as other, machine.fork() as clone:
            for each in (machine, other, clone):
                on(each, 900_000)
            assert everything(machine) == everything(other) == everything(clone)


def test_a_lengthened_burst_that_has_not_begun() -> None:
    """A run of no cycles begins one."""
    with Machine("cms", "primes 3000", seed=1, epoch=EPOCH) as machine:
        machine.run(cycles=2_000_000)
        while not machine.board.clock.lengthened:
            machine.run(cycles=997)
            machine.run(cycles=0)
        with machine.fork() as clone:
            for each in (machine, clone):
                on(each, 6_000_000)
            assert everything(machine) == everything(clone)


@pytest.mark.parametrize("monitor", ["hybrid", "trap-and-emulate"])
def test_clones_under_a_monitor(monitor: str) -> None:
    with busy(monitor=monitor) as machine, machine.fork() as clone:
        assert clone.monitored is not None
        on(machine, 700_000)
        on(clone, 700_000)
        assert everything(clone) == everything(machine)


def test_a_kernel_in_the_window(tmp_path: Path) -> None:
    with Machine("cms-kuseg", "echo one; echo two", monitor="hybrid") as machine:
        machine.console.expect("one\n")
        machine.save(tmp_path / "a")
        with Machine.from_snapshot(tmp_path / "a", monitor="trap-and-emulate") as other:
            other.console.expect("two\n")
        with pytest.raises(ConfigurationError, match="for a monitor"):
            Machine.from_snapshot(tmp_path / "a", monitor="bare")


def test_reseeded_clones_differ() -> None:
    with busy() as machine:
        clones = [machine.fork(reseed=seed) for seed in (1, 2, 1)]
        texts = []
        for clone in clones:
            clone.console.expect("end")
            clone.console.expect("cms> ")
            clone.console.sendline("date")
            texts.append((clone.console.expect("cms> ").before, clone.board.random.next()))
            clone.close()
        assert texts[0] == texts[2]
        assert texts[0] != texts[1]


def test_a_clone_is_alone(tmp_path: Path) -> None:
    """Console, disk and options are its own; the image file is its parent's."""
    image = tmp_path / "disk"
    disk_image.create(image, 5 << 20)
    with Machine("cms", "format a:; echo old > a:/f", disks=image, ram="1M") as machine:
        machine.console.expect("cms> ")
        printed: list[bytes] = []
        with machine.fork(output=printed.append) as clone:
            clone.console.sendline("echo clone > a:/f; cat a:/f")
            clone.console.expect("cms> ")
            machine.console.sendline("echo parent > a:/f; echo more > a:/g")
            machine.console.expect("cms> ")
            clone.console.sendline("ls a:; cat a:/f")
            seen = clone.console.expect("cms> ").before
            assert "clone" in seen
            assert "parent" not in seen
            assert b"clone" in b"".join(printed)
            with clone.fork() as grandchild:
                clone.close()
                grandchild.console.sendline("cat a:/f")
                assert "clone" in grandchild.console.expect("cms> ").before
                # A clone's disk goes into its snapshots, as an overlay's does.
                grandchild.save(tmp_path / "clone")
        machine.close()
        with Machine.from_snapshot(tmp_path / "clone", disks=image) as other:
            other.console.sendline("cat a:/f")
            assert "clone" in other.console.expect("cms> ").before
    with Machine("cms", "cat a:/f; halt", disks=image) as machine:
        machine.run()
        assert "parent" in machine.console.output


def test_a_closed_parent_leaves_its_clones() -> None:
    machine = Machine("cms", "primes 100")
    machine.run(cycles=300_000)
    clone = machine.fork()
    machine.close()
    del machine
    clone.console.expect("cms> ")
    clone.close()


class TestDisks:
    def prepared(self, directory: Path, **options: Any) -> Path:
        image = directory / "disk"
        if not image.exists():
            disk_image.create(image, 5 << 20)
        with Machine("cms", "format a:; echo one > a:/f", disks=image, ram="1M") as machine:
            machine.console.expect("cms> ")
            machine.save(directory / "snapshot")
            if options.get("changed"):
                machine.console.sendline("echo two > a:/f")
                machine.console.expect("cms> ")
        return image

    def test_an_image_that_is_the_same(self, tmp_path: Path) -> None:
        image = self.prepared(tmp_path)
        copied = tmp_path / "copy"
        copied.write_bytes(image.read_bytes())
        for disks in (image, copied):
            with Machine.from_snapshot(tmp_path / "snapshot", disks=disks) as machine:
                machine.console.sendline("cat a:/f")
                assert "one" in machine.console.expect("cms> ").before
            image.write_bytes(copied.read_bytes())
        with Machine.from_snapshot(tmp_path / "snapshot", trust=True) as machine:
            assert machine.cycles > 0

    def test_an_image_that_has_changed(self, tmp_path: Path) -> None:
        """Also where it was written in the very moment of the snapshot."""
        image = self.prepared(tmp_path, changed=True)
        with pytest.raises(StateError, match=r"disk: has changed since the snapshot was made"):
            Machine.from_snapshot(tmp_path / "snapshot", disks=image)
        image.write_bytes(b"x")
        with pytest.raises(Exception, match="not a System/161 disk image"):
            Machine.from_snapshot(tmp_path / "snapshot", disks=image)

    def test_nothing_of_the_host_is_opened_unasked(self, tmp_path: Path) -> None:
        image = self.prepared(tmp_path)
        with pytest.raises(StateError, match=rf"{image}: give it again \(--disk\)"):
            Machine.from_snapshot(tmp_path / "snapshot")
        with pytest.raises(StateError, match="2 disk images for a machine with 1 drives"):
            Machine.from_snapshot(tmp_path / "snapshot", disks=[image, image])
        with pytest.raises(StateError, match="no emufs"):
            Machine.from_snapshot(tmp_path / "snapshot", disks=image, share=tmp_path)
        with Machine("cms", share=tmp_path) as machine:
            machine.save(tmp_path / "sharing")
        with pytest.raises(StateError, match=r"shares a directory .*--share"):
            Machine.from_snapshot(tmp_path / "sharing")
        Machine.from_snapshot(tmp_path / "sharing", share=tmp_path).close()


class TestBases:
    def test_only_what_differs_is_stored(self, tmp_path: Path) -> None:
        first, second, third = (tmp_path / name for name in ("1", "2", "3"))
        with busy() as machine:
            machine.memory.write(0x80000, random.Random(1).randbytes(64 << 12))
            machine.save(first)
            machine.run(cycles=100_000)
            machine.save(second, base=first)
            machine.run(cycles=100_000)
            machine.save(third, base=second)
            expected = everything(machine)
            assert second.stat().st_size < first.stat().st_size / 4
        with Machine.from_snapshot(third) as other:
            assert everything(other) == expected
        first.rename(tmp_path / "moved")
        with pytest.raises(StateError, match="its base 1 is not beside it"):
            Machine.from_snapshot(third)
        first.write_bytes(second.read_bytes())
        with pytest.raises(StateError, match="1 is not the base it was made from"):
            Machine.from_snapshot(third)

    def test_impossible_bases(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        with busy() as machine:
            machine.save(tmp_path / "a")
            with pytest.raises(StateError, match="must be in the same directory"):
                machine.save(tmp_path / "sub" / "b", base=tmp_path / "a")
            with pytest.raises(StateError, match="cannot be its own base"):
                machine.save(tmp_path / "a", base=tmp_path / "a")
            with pytest.raises(StateError, match="No such file"):
                machine.save(tmp_path / "b", base=tmp_path / "missing")


def test_wrong_arguments(tmp_path: Path) -> None:
    with busy(0) as machine:
        machine.save(tmp_path / "a")
    for options in ({"engine": "x"}, {"monitor": "x"}, {"pace": "x"}):
        with pytest.raises(ConfigurationError, match="no such"):
            Machine.from_snapshot(tmp_path / "a", **options)
