"""Guests of a host are machines like any other: seen, saved, cloned, taken up elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kseg import Host, KsegError, Machine, Replay, StopReason
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


class TestRunning:
    def test_to_a_cycle_of_its_own(self, host: Host) -> None:
        guest = host.add("a", "cms", COMMANDS, epoch=0)
        with Machine("cms", COMMANDS, epoch=0, engine=ENGINE) as machine:
            for cycles in (1, 12_345, 100_000, 7_000_000):
                assert guest.run(cycles=cycles).reason is StopReason.CYCLE_LIMIT
                machine.run(cycles=cycles)
                assert guest.cycles == machine.cycles
                assert guest.board.save().processors == machine.board.save().processors
            assert guest.run().reason is machine.run().reason is StopReason.POWER_OFF
            assert guest.cycles == machine.cycles

    def test_to_what_it_prints_or_to_where_it_waits(self, host: Host) -> None:
        guest = host.add("a", "cms", "echo one; echo two")
        assert guest.run(until="one").reason is StopReason.CONDITION
        assert not guest.console.output.endswith("two\n")
        assert guest.run(until=lambda: "two" in guest.console.output).reason is StopReason.CONDITION
        assert guest.run().reason is StopReason.IDLE

    def test_to_an_instruction_and_an_access(self, host: Host) -> None:
        with Machine("cms", COMMANDS, epoch=0, engine=ENGINE) as machine:
            guest = host.add("a", "cms", COMMANDS, epoch=0)
            assert guest.run(until_pc="kernel_main") == machine.run(until_pc="kernel_main")
            sp = machine.processors[0].registers["sp"]
            assert guest.run(watch=sp - 8) == machine.run(watch=sp - 8)
            assert guest.cycles == machine.cycles
            assert guest.step(5).reason is StopReason.CYCLE_LIMIT
            machine.step(5)
            assert guest.cycles == machine.cycles
            assert host.guests["other"].stop is None
            for _ in range(2):  # the second time nothing is left to run
                assert guest.run().reason is machine.run().reason is StopReason.POWER_OFF

    def test_under_a_profiler(self, host: Host) -> None:
        guest = host.add("a", "cms", "hog", epoch=0)
        with Machine("cms", "hog", epoch=0, engine=ENGINE) as machine:
            profiles = [each.profile(seconds=0.2) for each in (guest, machine)]
        assert profiles[0].stop == profiles[1].stop
        assert profiles[0].stacks == profiles[1].stacks != {}


class TestRecording:
    @pytest.mark.parametrize("monitor", ["bare", "trap-and-emulate"])
    def test_a_log_is_repeated_alone(self, host: Host, tmp_path: Path, monitor: str) -> None:
        guest = host.add("a", "cms", seed="auto")
        with guest.record(tmp_path / "log") as recording:
            for line in ("date; echo x > a:/x", "primes 20; sleep 1", "cat a:/x"):
                guest.console.expect("cms> ")
                guest.console.sendline(line)
            guest.console.expect("x\n")
            guest.console.sendline("halt")
            host.run(until=lambda: guest.stop is not None)
        assert recording.problem == ""
        with Replay(tmp_path / "log", engine=ENGINE, monitor=monitor) as replay:
            stop = replay.machine.run()
            assert (stop.reason, stop.exit_code) == (StopReason.POWER_OFF, 0)
            assert ended(replay.machine)[:2] == ended(guest)[:2]

    def test_what_is_typed_while_it_waits_in_real_time(self, tmp_path: Path) -> None:
        with Host(engine=ENGINE, pace="real") as host:
            guest = host.add("a", "cms", "sleep 1; date; halt")
            guest.record(tmp_path / "log")
            for text in (b"y", b"\b"):
                host.run(seconds=0.05)
                guest.type(text)
            host.run(seconds=0.05)
            guest.recording.finish()
            cycles, output = guest.cycles, guest.console.output
        with Replay(tmp_path / "log", engine=ENGINE) as replay:
            assert replay.machine.run().reason is StopReason.LOG_END
            assert (replay.machine.cycles, replay.machine.console.output) == (cycles, output)

    def test_the_end_of_a_guest_is_the_end_of_its_log(self, host: Host, tmp_path: Path) -> None:
        guest = started(host)
        guest.record(tmp_path / "log")
        host.run(cycles=50_000)
        guest.end()
        with Replay(tmp_path / "log", engine=ENGINE) as replay:
            assert replay.machine.run().reason is StopReason.LOG_END
            assert replay.machine.cycles == guest.cycles

    def test_its_disk_of_the_hosts_is_in_the_log(self, tmp_path: Path) -> None:
        disk_image.create(tmp_path / "image", 12 << 20)
        with Host(disks=tmp_path / "image", engine=ENGINE) as host:
            first = host.add("a", "cms", "format a:; echo kept > a:/x; halt", disks="5M")
            host.run()
            assert not first.crashed
        with Host(disks=tmp_path / "image", engine=ENGINE) as host:
            guest = host.add("a", "cms", "cat a:/x; halt", disks="5M")
            guest.record(tmp_path / "log")
            host.run()
        with Replay(tmp_path / "log", engine=ENGINE) as replay:
            replay.machine.run()
            assert replay.machine.console.output == guest.console.output
            assert "kept" in guest.console.output


def test_its_past_can_be_visited(host: Host) -> None:
    guest = host.add("a", "cms", COMMANDS, epoch=0)
    with guest.travel() as travel:
        guest.run(until="37")
        now = guest.cycles
        stop = travel.run_back("kernel_main")
        assert stop is not None
        assert travel.machine.processors[0].pc == stop.address or travel.in_past
        assert travel.machine.cycles < 10_000
        assert travel.run().reason is StopReason.LOG_END
        assert (travel.machine, guest.cycles) == (guest, now)
        assert guest.run().reason is StopReason.POWER_OFF
