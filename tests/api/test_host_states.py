"""Guests of a host are machines like any other: seen, saved, cloned, taken up elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kseg import Host, KsegError, Machine
from kseg.api.host_guest import Guest
from kseg.machine import disk_image

ENGINE = "interpreter"
COMMANDS = "primes 40; echo x > a:/x; sleep 1; cat a:/x; faults 5; date; halt"


@pytest.fixture
def alone() -> tuple[int, str, object]:
    """What the guest does by itself, on the bare machine."""
    with Machine("cms", COMMANDS, epoch=0, engine=ENGINE) as machine:
        machine.run()
        return machine.cycles, machine.console.output, machine.save().processors


@pytest.fixture
def host() -> Iterator[Host]:
    with Host(engine=ENGINE) as made:
        made.add("other", "cms", "hog")
        yield made


def started(host: Host, kernel: str = "cms") -> Guest:
    """A guest in the middle of what it does."""
    guest = host.add("a", kernel, COMMANDS, epoch=0)
    host.run(until=lambda: "\n37\n" in guest.console.output)
    return guest


def ended(machine: Machine | Guest) -> tuple[int, str, object]:
    return machine.cycles, machine.console.output, machine.board.save().processors


class TestSaving:
    def test_it_goes_on_alone_to_the_same_cycle(
        self, host: Host, tmp_path: Path, alone: tuple[int, str, object]
    ) -> None:
        guest = started(host)
        before = guest.console.output
        guest.save(tmp_path / "saved")
        for monitor in ("bare", "hybrid", "trap-and-emulate"):
            with Machine.from_snapshot(
                tmp_path / "saved", monitor=monitor, engine=ENGINE
            ) as machine:
                machine.run()
                cycles, output, processors = ended(machine)
                assert (cycles, before + output, processors) == alone

    def test_it_goes_on_beside_others(
        self, host: Host, tmp_path: Path, alone: tuple[int, str, object]
    ) -> None:
        guest = started(host)
        guest.save(tmp_path / "saved")
        again = host.restore("again", tmp_path / "saved", weight=200)
        assert again.setup.execution.monitor == "hybrid"
        host.run(until=lambda: None not in (guest.stop, again.stop))
        assert (guest.cycles, guest.console.output) == alone[:2]
        assert again.cycles == guest.cycles
        assert guest.console.output.endswith(again.console.output)

    def test_a_machine_goes_on_as_a_guest(
        self, host: Host, tmp_path: Path, alone: tuple[int, str, object]
    ) -> None:
        with Machine("cms", COMMANDS, epoch=0, engine=ENGINE) as machine:
            machine.run(cycles=100_000)
            machine.save(tmp_path / "saved")
        guest = host.restore("a", tmp_path / "saved", monitor="trap-and-emulate")
        host.run(until=lambda: guest.stop is not None)
        assert (guest.cycles, guest.console.output[-20:]) == (alone[0], alone[1][-20:])

    def test_a_kernel_in_the_window_stays_there(self, host: Host, tmp_path: Path) -> None:
        started(host, "cms-kuseg").save(tmp_path / "saved")
        guest = host.restore("again", tmp_path / "saved")
        assert guest.setup.execution.monitor == "trap-and-emulate"
        host.run(until=lambda: guest.stop is not None)
        assert not guest.crashed

    def test_a_partition_goes_with_it(self, tmp_path: Path) -> None:
        disk_image.create(tmp_path / "image", 12 << 20)
        commands = "format a:; echo kept > a:/x; cat a:/x"
        with Host(disks=tmp_path / "image", engine=ENGINE) as host:
            guest = host.add("a", "cms", commands, disks="5M")
            guest.console.expect("kept\n")
            guest.save(tmp_path / "saved")
        with Machine.from_snapshot(tmp_path / "saved", engine=ENGINE) as machine:
            machine.console.sendline("cat a:/x; halt")
            machine.run()
            assert machine.console.output.endswith("kept\n")

    def test_a_state_of_a_machine_with_more_processors_has_no_place(
        self, host: Host, tmp_path: Path
    ) -> None:
        with Machine("cms", cpus=2, engine=ENGINE) as machine:
            machine.save(tmp_path / "saved")
        with pytest.raises(KsegError, match="guest a: monitor hybrid: a guest has one processor"):
            host.restore("a", tmp_path / "saved")
        assert host.hypervisor.allocator.committed == 4096 >> 2

    def test_of_one_that_has_ended_nothing_is_left(self, host: Host) -> None:
        guest = host.add("a", "cms", "halt")
        host.run(until=lambda: guest.stop is not None)
        for attempt in (guest.save, guest.fork, guest.reset):
            with pytest.raises(KsegError, match="guest a has ended, and its memory is gone"):
                attempt()


def test_a_clone_goes_its_own_way(host: Host, alone: tuple[int, str, object]) -> None:
    guest = started(host)
    with guest.fork() as clone:
        assert clone.setup.execution.monitor == "hybrid"
        clone.run()
        assert ended(clone) == alone


class TestSeeing:
    def test_where_it_stands(self, host: Host) -> None:
        guest = started(host)
        names = [frame.name for frame in guest.backtrace().frames]
        assert names
        assert guest.address_space()
        assert guest.report().data()["processors"]

    def test_one_that_has_ended_can_be_seen_once_more(self, host: Host, tmp_path: Path) -> None:
        seen = []

        def look(guest: Guest) -> None:
            seen.append((guest.name, guest.console.output[-6:], guest.backtrace().frames[0].name))
            guest.save(tmp_path / guest.name)

        host.when_ended = look
        guest = host.add("a", "cms", "echo there; halt")
        host.run(until=lambda: guest.stop is not None)
        host.guests["other"].end()
        assert [each[0] for each in seen] == ["a", "other"]
        assert seen[0][1] == "there\n"
        with Machine.from_snapshot(tmp_path / "other", engine=ENGINE) as machine:
            assert machine.backtrace().frames[0].name == seen[1][2]
        assert guest.report(guest.stop).data()["processors"]

    def test_what_goes_wrong_then_is_no_reason_to_keep_it(self, host: Host) -> None:
        def fail(_guest: Guest) -> None:
            raise ZeroDivisionError

        host.when_ended = fail
        guest = host.add("a", "cms", "halt")
        with pytest.raises(ZeroDivisionError):
            host.run(until=lambda: guest.stop is not None)
        assert guest.stop is not None
        assert len(host.hypervisor.allocator.memories) == 1
