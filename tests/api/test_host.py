"""Many guests on one machine, through the Python API."""

import doctest
import subprocess
import sys

import pytest

import kseg.api.host
from kseg import Machine
from kseg.api import ConsoleClosed, ConsoleTimeout, StopReason
from kseg.api.host import Host
from kseg.api.host_guest import State
from kseg.engine import ENGINES
from kseg.errors import ConfigurationError, DiskImageError, ImageError, KsegError
from kseg.machine import disk_image
from kseg.monitor.schedule import TIME_SLICE
from tests.cli import kernels

PROMPT = "cms> "
EPOCH = 1_000_000_000
ENGINE = "interpreter"

BUSY = (
    "echo hi; primes 60; sleep 1; sieve 500; date; ls; echo x > a:/x; cat a:/x; spawn 3;"
    " syscalls 50; faults 20; fault; halt"
)


@pytest.fixture
def host():
    with Host(engine=ENGINE) as made:
        yield made


DISK = 0xBFE20000
"""The drive in slot 2."""


def writing_sectors(*numbers):
    """A kernel that writes to sectors of its disk whatever comes of it, and switches off."""
    operations = "".join(
        f"""
        li      t1, {number:#x}
        sw      t1, 0x8(t0)
        li      t1, 3
        sw      t1, 0x4(t0)
{place}:      lw      t1, 0x4(t0)
        nop
        andi    t1, t1, 4
        beqz    t1, {place}b
        nop
        sw      zero, 0x4(t0)
        """
        for place, number in enumerate(numbers, 2)
    )
    return kernels.kernel(f"""
        li      t0, {DISK:#x}
        li      t1, 0x12345678
        li      t2, 0xbfe28000
        sw      t1, 0(t2)
        {operations}
        {kernels.POWER_OFF}
    """)


def share(guest, host):
    return guest.executed / host.cycles


def observed(machine):
    """All that a guest's user could see of what it did, and its own time."""
    found = machine.statistics
    return machine.console.output, machine.cycles, found.virtual_time, found.processors


def test_the_example_in_the_docstring():
    assert doctest.testmod(kseg.api.host).failed == 0


class TestConsole:
    def test_a_conversation_beside_a_hog(self, host):
        guest, _ = host.add("a", "cms"), host.add("b", "cms", "hog")
        guest.console.expect(PROMPT)
        guest.console.sendline("primes 10")
        assert guest.console.expect(PROMPT).before == "primes 10\n2\n3\n5\n7\n"

    def test_each_guest_has_its_own(self, host):
        one, two = host.add("a", "cms", "echo one"), host.add("b", "cms", "echo two")
        two.console.expect(PROMPT)
        one.console.expect(PROMPT)
        assert "two" not in one.console.output
        assert "one" not in two.console.output

    def test_input_at_the_start(self, host):
        guest = host.add("a", "cms", input="echo typed\rhalt\r")
        host.run()
        assert "\ntyped\n" in guest.console.output

    def test_one_that_waits_for_input_beside_a_hog(self, host):
        guest, _ = host.add("a", "cms"), host.add("b", "cms", "hog")
        guest.console.expect(PROMPT)
        with pytest.raises(ConsoleTimeout, match="waits for input"):
            guest.console.expect("never")

    def test_time_runs_out(self, host):
        guest = host.add("a", "cms", "sleep 100")
        with pytest.raises(ConsoleTimeout, match="within 2 virtual seconds"):
            guest.console.expect(PROMPT, timeout=2)

    def test_one_that_has_switched_off(self, host):
        guest, other = host.add("a", "cms", "halt"), host.add("b", "cms")
        with pytest.raises(ConsoleClosed, match="switched off"):
            guest.console.expect("never")
        other.console.expect(PROMPT)

    def test_output_and_messages_are_handed_out(self, host):
        printed = []
        host.add("a", "cms", "echo hi; halt", output=printed.append)
        host.run()
        assert b"".join(printed) == b"cms 1.0 (4096 kB, 1 CPU)\nhi\n"

    def test_what_fails_outside_is_not_the_guests_fault(self, host):
        def broken(_data):
            raise RuntimeError("of the caller")

        guest = host.add("a", "cms", "echo hi", output=broken)
        with pytest.raises(RuntimeError, match="of the caller"):
            host.run()
        assert guest.state is not State.ENDED


class TestTime:
    def test_a_sleeping_guest_wakes_by_the_machines_time(self, host):
        guest, hog = host.add("a", "cms", "sleep 2; echo awake"), host.add("b", "cms", "hog")
        guest.console.expect("awake")
        assert 2 < host.time < 2.2
        assert hog.executed > 1.8 * 25_000_000

    def test_no_sooner_where_all_sleep(self, host):
        guests = [host.add(f"g{n}", "cms", f"sleep {n}; echo awake") for n in (1, 2, 3)]
        ends = []
        for guest in guests:
            guest.console.expect("awake")
            ends.append(round(host.time))
        assert ends == [1, 2, 3]

    def test_a_guests_time_stands_still_while_others_run(self, host):
        one, other = host.add("a", "cms", "hog"), host.add("b", "cms", "hog")
        host.run(seconds=2)
        assert one.time + other.time == pytest.approx(2, abs=0.1)

    def test_limits(self, host):
        host.add("a", "cms", "hog")
        assert host.run(cycles=12_345).reason is StopReason.CYCLE_LIMIT
        assert host.cycles == 12_345
        assert host.run(seconds=0.5).reason is StopReason.CYCLE_LIMIT
        assert host.run(until=lambda: True).reason is StopReason.CONDITION
        assert host.time == pytest.approx(0.5 + 12_345 / 25_000_000)


@pytest.fixture(scope="module")
def alone():
    """What a guest shows on the bare machine."""
    with Machine("cms", BUSY, epoch=EPOCH, engine=ENGINE) as machine:
        machine.run()
        return observed(machine)


class TestIdentity:
    """Whichever others run, a guest does what it does on the bare machine, to the cycle."""

    def test_many_copies(self, alone):
        with Host(engine=ENGINE) as host:
            guests = [
                host.add(f"g{n}", "cms", BUSY, epoch=EPOCH, monitor=monitor)
                for n, monitor in enumerate(["hybrid", "trap-and-emulate"] * 3)
            ]
            host.add("hog", "cms", "hog")
            host.run(seconds=60)
            for guest in guests:
                assert observed(guest) == alone

    @pytest.mark.parametrize("time_slice", [1, 997, 25_000_000])
    def test_slices_of_any_length(self, time_slice):
        short = "primes 10; halt"
        with Machine("cms", short, epoch=EPOCH, engine=ENGINE) as machine:
            machine.run()
            alone = observed(machine)
        with Host(engine=ENGINE, time_slice=max(time_slice, 50)) as host:
            guests = [host.add(f"g{n}", "cms", short, epoch=EPOCH) for n in range(2)]
            host.run()
            assert [observed(guest) for guest in guests] == [alone, alone]

    def test_with_what_is_typed(self):
        script = "primes 30\recho hello\rsleep 1\rdate\rhalt\r"
        with Machine("cms", epoch=EPOCH, input=script, engine=ENGINE) as machine:
            machine.run()
            alone = observed(machine)
        with Host(engine=ENGINE) as host:
            guests = [host.add(f"g{n}", "cms", epoch=EPOCH, input=script) for n in range(3)]
            host.run()
            assert [observed(guest) for guest in guests] == [alone] * 3

    def test_with_memory_in_short_supply(self, alone):
        with Host(ram="5M", overcommit=4, engine=ENGINE) as host:
            guests = [host.add(f"g{n}", "cms", BUSY, epoch=EPOCH) for n in range(4)]
            host.run()
            assert [observed(guest) for guest in guests] == [alone] * 4

    def test_the_guest_for_user_mode(self):
        with Host(engine=ENGINE) as host:
            guests = [host.add("a", "cms-kuseg", "primes 10; halt"), host.add("b", "cms", "hog")]
            host.run(seconds=2)
            assert guests[0].console.output.endswith("7\n")


class TestShares:
    def hogs(self, host, *shares):
        guests = [host.add(f"g{n}", "cms", "hog", **each) for n, each in enumerate(shares)]
        host.run(seconds=4)
        return [share(guest, host) for guest in guests]

    def test_equal_weights(self, host):
        assert self.hogs(host, {}, {}) == pytest.approx([0.5, 0.5], abs=0.01)

    def test_three_to_one(self, host):
        one, other = self.hogs(host, {"weight": 300}, {"weight": 100})
        assert one / (one + other) == pytest.approx(0.75, abs=0.01)

    @pytest.mark.parametrize("cap", ["10%", "2.5M", 2_500_000])
    def test_a_cap_holds_beside_another(self, host, cap):
        capped, other = self.hogs(host, {"cap": cap}, {})
        assert 0.09 < capped < 0.101
        assert other > 0.85

    def test_a_cap_holds_alone(self, host):
        (capped,) = self.hogs(host, {"cap": "10%"})
        assert 0.09 < capped < 0.101

    def test_a_reservation(self, host):
        reserved, *others = self.hogs(host, {"reservation": "50%", "weight": 1}, {}, {})
        assert reserved >= 0.49
        assert others[0] == pytest.approx(others[1], abs=0.01)

    def test_hogs_do_not_starve_an_interactive_guest(self, host):
        guest = host.add("a", "cms")
        for number in range(4):
            host.add(f"hog{number}", "cms", "hog")
        guest.console.expect(PROMPT)
        host.run(seconds=0.5)
        waits = []
        for _ in range(20):
            seen, since = len(guest.console.output), host.cycles
            guest.type(b"x")
            host.run(until=lambda seen=seen: len(guest.console.output) > seen, seconds=5)
            waits.append(host.cycles - since)
            host.run(seconds=0.0123)
        assert max(waits) < TIME_SLICE


class TestFailures:
    def test_a_crash_ends_one_alone(self, host, tmp_path):
        (tmp_path / "kernel").write_bytes(kernels.misusing())
        free = host.hypervisor.allocator.available
        bad, good = host.add("bad", tmp_path / "kernel"), host.add("good", "cms", "echo fine; halt")
        assert host.run().exit_code == 1
        assert (bad.state, bad.crashed, good.crashed) == (State.ENDED, True, False)
        assert bad.stop.reason is StopReason.FATAL
        assert good.console.output.endswith("fine\n")
        assert host.hypervisor.allocator.available == free
        assert not list(host.hypervisor.allocator.inconsistencies())

    def test_a_defect_in_a_device(self, host, monkeypatch):
        bad, good = host.add("bad", "cms", "sleep 1"), host.add("good", "cms", "sleep 2; halt")
        bad.console.expect("cms 1.0")

        def broken(*_arguments):
            raise ZeroDivisionError("in a device")

        timer = next(card for card in bad.board.cards if card.name == "timer")
        monkeypatch.setattr(timer, "on_event", broken)
        monkeypatch.setattr(bad.board, "device_trace", lambda *_: None)  # CPython runs them
        host.run(seconds=3)
        assert bad.stop.message == "a defect of kseg: ZeroDivisionError: in a device"
        assert good.stop.reason is StopReason.POWER_OFF

    def test_memory_that_is_not_there(self):
        with Host(ram="1M", overcommit=10, engine=ENGINE) as host:
            host.add("good", "cms", "sleep 1; echo fine; halt")
            host.add("bad", "cms", "vmtest 900; halt")
            host.run(seconds=30)
            good, bad = host.guests["good"], host.guests["bad"]
            assert bad.crashed
            assert "memory" in bad.stop.message
            assert good.console.output.endswith("fine\n")

    def test_ended_from_outside(self, host):
        guest, other = host.add("a", "cms", "hog"), host.add("b", "cms", "hog")
        host.run(seconds=0.1)
        guest.end()
        guest.end()
        assert (guest.state, guest.crashed, guest.stop.message) == (
            State.ENDED, False, "ended from outside",
        )  # fmt: skip
        before = other.executed
        host.run(seconds=0.1)
        assert other.executed - before == 25_000_000 // 10

    def test_all_have_ended_and_another_comes(self, host):
        host.add("a", "cms", "halt")
        assert host.run().reason is StopReason.POWER_OFF
        again = host.add("b", "cms", "primes 10; halt")
        assert host.run().exit_code == 0
        assert again.console.output.endswith("7\n")


def test_a_guest_can_be_reset(host):
    guest = host.add("a", "cms", "primes 5")
    other = host.add("b", "cms", "hog")
    host.run(until=lambda: "\n5\n" in guest.console.output)
    for seconds in (0.0, 1.0):
        host.run(seconds=seconds)  # once while it runs, and once while it sleeps
        before = len(guest.console.output)
        guest.reset()
        host.run(until=lambda start=before: "\n5\n" in guest.console.output[start:])
        assert guest.stop is None
        assert other.stop is None


class TestDisks:
    @pytest.fixture
    def image(self, tmp_path):
        disk_image.create(tmp_path / "image", 12 << 20)
        return tmp_path / "image"

    def test_partitions_keep_apart(self, image):
        commands = "format a:; echo {} > a:/x; sleep 1; cat a:/x; halt"
        with Host(disks=image, engine=ENGINE) as host:
            guests = [
                host.add(name, "cms", commands.format(name), disks="5M") for name in ("one", "two")
            ]
            host.run()
            assert [guest.console.output.split()[-1] for guest in guests] == ["one", "two"]
        with Host(disks=image, engine=ENGINE) as host:
            guests = [host.add(name, "cms", "cat a:/x; halt", disks="5M") for name in ("a", "b")]
            host.run()
            assert [guest.console.output.split()[-1] for guest in guests] == ["one", "two"]

    def test_a_guest_cannot_reach_past_its_own(self, image, tmp_path):
        (tmp_path / "kernel").write_bytes(writing_sectors(10240, 0xFFFFFFFF, 20000, 0))
        with Host(disks=image, engine=ENGINE) as host:
            guest = host.add("bad", tmp_path / "kernel", disks="5M")
            host.run(seconds=5)
            assert guest.state is State.ENDED
        with disk_image.DiskImage(image) as disk:
            written = [n for n in range(disk.sectors) if disk.read(n) != bytes(512)]
        assert written == [0]

    def test_an_image_of_its_own_and_a_partition(self, image, tmp_path):
        disk_image.create(tmp_path / "own", 5 << 20)
        with Host(disks=[image], engine=ENGINE) as host:
            guest = host.add("a", "cms", "halt", disks=[tmp_path / "own", "4M"])
            drives = [card for card in guest.board.cards if card.name == "disk"]
            assert [drive.contents.sectors for drive in drives] == [10240, 8192]

    def test_no_room(self, image):
        with Host(disks=[image], engine=ENGINE) as host:
            with pytest.raises(DiskImageError, match="guest a: a partition of"):
                host.add("a", "cms", disks="13M")
            with pytest.raises(DiskImageError, match="make it 4M or more"):
                host.add("a", "cms", disks="2M")
            assert not host.guests
            free = host.hypervisor.allocator
            assert free.available == free.total

    def test_locks_are_given_back(self, image):
        with Host(disks=[image], engine=ENGINE), pytest.raises(DiskImageError, match="in use"):
            Host(disks=[image], engine=ENGINE)
        Host(disks=[image], engine=ENGINE).close()


class TestWrongUse:
    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"weight": 0}, "a weight is from 1 to"),
            ({"cap": "lots"}, "cap lots: give instructions"),
            ({"cap": 0}, "a cap is at least 1"),
            ({"reservation": "101%"}, "are left"),
            ({"reservation": "5M", "cap": "1M"}, "is more than the cap"),
            ({"monitor": "bare"}, "beside others"),
            ({"ram": "65M"}, "the machine can promise 65536K more"),
            ({"ram": "some"}, "'some' is not a size"),
        ],
    )
    def test_of_a_guest(self, host, arguments, text):
        with pytest.raises(ConfigurationError, match=f"guest a: .*{text}"):
            host.add("a", "cms", **arguments)
        assert not host.guests
        allocator = host.hypervisor.allocator
        assert allocator.available == allocator.total
        assert host.add("a", "cms").state is State.RUNNING

    @pytest.mark.parametrize("name", ["", "../x", "a b", ".hidden", "x" * 33, "a/b", "naïve"])
    def test_of_names(self, host, name):
        with pytest.raises(ConfigurationError, match="a name has 1 to 32"):
            host.add(name, "cms")

    def test_a_name_twice(self, host):
        host.add("a", "cms")
        with pytest.raises(ConfigurationError, match="guest a: there is one"):
            host.add("a", "cms")

    def test_no_such_kernel(self, host):
        with pytest.raises(ImageError, match="guest a: kernel nothing: no such file"):
            host.add("a", "nothing")

    def test_several_processors(self, host, tmp_path):
        (tmp_path / "conf").write_text("0 serial\n29 timer\n31 mainboard ramsize=2M cpus=2\n")
        with pytest.raises(ConfigurationError, match="one processor, not 2"):
            host.add("a", "cms", config=tmp_path / "conf")
        allocator = host.hypervisor.allocator
        assert allocator.available == allocator.total

    @pytest.mark.parametrize(
        "arguments", [{"ram": "x"}, {"ram": 0}, {"engine": "x"}, {"pace": "x"}, {"time_slice": 0},
                      {"overcommit": 0.5}, {"overcommit": float("nan")}],
    )  # fmt: skip
    def test_of_a_host(self, arguments):
        with pytest.raises(ConfigurationError):
            Host(**arguments)

    def test_after_closing(self, host):
        guest = host.add("a", "cms", "hog")
        host.close()
        host.close()
        assert guest.state is State.ENDED
        for act in (host.run, lambda: host.add("b", "cms")):
            with pytest.raises(KsegError, match="the host is closed"):
                act()


def test_what_is_known_of_a_guest(host):
    guest = host.add("a", "cms", "primes 10; halt", weight=200)
    assert guest.state is State.RUNNING
    host.run(until=lambda: guest.time > 0.01)
    running = guest.memory_use
    assert running.own > 10
    host.run()
    assert guest.exits["system_call"] > 0
    assert (
        guest.use.executed
        == guest.executed
        == guest.statistics.processors[0].kernel_cycles
        + (guest.statistics.processors[0].user_cycles)
    )
    assert guest.memory_use.own >= running.own
    assert "a: cms.elf, ended" in repr(guest)
    assert "1 guests, 0 not ended" in repr(host)


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "reference"])
def test_on_each_engine(engine):
    """In a process of its own, so that one that hangs is found."""
    script = (
        "from kseg.api.host import Host\n"
        f"with Host(engine={engine!r}) as host:\n"
        "    one, two = host.add('a', 'cms', 'hog'), host.add('b', 'cms', 'hog')\n"
        "    host.run(seconds=1)\n"
        "    print(round(one.executed / host.cycles, 1), round(two.executed / host.cycles, 1))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.stdout, ran.returncode) == ("0.5 0.5\n", 0), ran.stderr
