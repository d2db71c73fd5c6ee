"""One thread at a time uses a machine; callbacks look, and leave the rest until the run is over."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kseg import Host, Machine, Replay
from kseg.engine import ENGINES
from kseg.errors import KsegError
from kseg.machine.run_lock import InUseError, RunLock, Safepoint
from kseg.monitor.stop import StopReason

HOG = {"epoch": 0, "ram": "512K", "engine": "interpreter"}


@contextmanager
def running(run: Callable[..., Any], interrupt: Callable[[], None]) -> Iterator[None]:
    """While this runs in another thread, which is inside of the engine nearly all the time."""
    begun, failed = threading.Event(), list[BaseException]()

    def until() -> bool:
        begun.set()
        return False

    def work() -> None:
        try:
            run(until=until)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="the runner")
    thread.start()
    assert begun.wait(30)
    try:
        yield
    finally:
        interrupt()
        thread.join(30)
    assert not thread.is_alive()
    assert not failed


def refused(enter: Callable[[], object]) -> str:
    """What a thread is told that is not let in."""
    try:
        enter()
    except InUseError as error:
        return str(error)
    return ""


def entries(machine: Machine, path: Path) -> dict[str, Callable[[], object]]:
    """All that enters a machine's engine, or changes its board."""
    registers = machine.processors[0].registers
    return {
        "run": lambda: machine.run(cycles=1),
        "step": lambda: machine.step(),
        "expect": lambda: machine.console.expect("never", timeout=1),
        "profile": lambda: machine.profile(cycles=1),
        "trace": lambda: machine.trace("exception"),
        "save": machine.save,
        "save to a file": lambda: machine.save(path / "other.kseg"),
        "load": lambda: machine.load(path / "it.kseg"),
        "fork": machine.fork,
        "record": lambda: machine.record(path / "log"),
        "travel": machine.travel,
        "reset": machine.reset,
        "preemptions": lambda: setattr(machine, "preemptions", []),
        "memory": lambda: machine.memory.set_word(0x3000, 1),
        "virtual memory": lambda: machine.memory.virtual().set_word(0x80003000, 1),
        "registers": lambda: registers.update(t0=1),
        "close": machine.close,
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_enters_a_machine_that_another_thread_runs(engine: str, tmp_path: Path) -> None:
    with Machine("cms", "hog", **{**HOG, "engine": engine}) as machine:
        machine.run(cycles=100_000)
        machine.save(tmp_path / "it.kseg")
        before = machine.cycles
        with running(machine.run, machine.monitor.interrupt):
            for name, enter in entries(machine, tmp_path).items():
                assert "in another thread, the runner" in refused(enter), name
            assert machine.time > 0
            assert "cms" in machine.console.output
            machine.console.send("a")
        assert machine.cycles > before
        assert machine.run(cycles=1000).reason is StopReason.CYCLE_LIMIT


def test_monitor_has_its_own_lock() -> None:
    with Machine("cms", "hog", **HOG) as machine:
        machine.run(cycles=100_000)
        with (
            running(machine.monitor.run, machine.monitor.interrupt),
            pytest.raises(InUseError, match="runs already"),
        ):
            machine.run(cycles=1)


def test_host_and_its_guests() -> None:
    with Host(ram="8M", engine="interpreter") as host:
        guest = host.add("one", "cms", "hog", epoch=0)
        host.run(cycles=100_000)
        with running(host.run, host.time_sharing.interrupt):
            for enter in (
                lambda: host.run(cycles=1),
                lambda: host.add("two", "cms"),
                lambda: guest.console.expect("never"),
                lambda: guest.processors[0].registers.update(t0=1),
                lambda: guest.memory.set_word(0x3000, 1),
                guest.reset,
                guest.end,
                host.close,
            ):
                with pytest.raises(InUseError, match="the host is in use in another thread"):
                    enter()
            guest.type(b"x")
        assert guest.stop is None


def test_time_travel_and_replays(tmp_path: Path) -> None:
    with (
        Machine("cms", "hog", **HOG) as machine,
        machine.record(tmp_path / "log") as recording,
        machine.travel() as travel,
    ):
        machine.run(cycles=300_000)
        with running(machine.run, machine.monitor.interrupt):
            for enter in (
                lambda: travel.go_to(1000),
                travel.step_back,
                lambda: travel.run(cycles=1),
                travel.run_back,
                lambda: travel.last_write(0x80003000),
                travel.close,
                recording.finish,
                lambda: recording.mark("x"),
            ):
                with pytest.raises(InUseError):
                    enter()
    with Replay(tmp_path / "log", engine="interpreter") as replay, replay.travel() as travel:
        travel.go_to(200_000)
        asked, go_on = threading.Event(), threading.Event()

        def interrupted() -> bool:
            asked.set()
            go_on.wait(30)
            return False

        thread = threading.Thread(
            target=lambda: travel.run_back((0x80000000,), (), interrupted), name="the runner"
        )
        thread.start()
        assert asked.wait(30)
        with pytest.raises(InUseError, match="the time travel is in use in another thread"):
            travel.go_to(1000)
        go_on.set()
        thread.join(30)
        assert travel.machine.cycles < 200_000


class TestCallbacks:
    def test_output_looks_only(self, tmp_path: Path) -> None:
        found: dict[str, str] = {}

        def output(_data: bytes) -> None:
            if found:
                return
            assert machine.cycles > 0
            assert machine.memory.read(0, 4)
            for name, enter in entries(machine, tmp_path).items():
                if name == "trace":
                    continue  # The guest, too, can begin one with the trace card.
                found[name] = refused(enter)

        with Machine("cms", "echo hello; halt", output=output, **HOG) as machine:
            machine.save(tmp_path / "it.kseg")
            stop = machine.run()
            assert stop.reason is StopReason.POWER_OFF
            assert "hello" in machine.console.output
        assert [name for name in found if "from which this is called" not in found[name]] == []
        assert len(found) > 10

    def test_condition_saves_and_changes(self, tmp_path: Path) -> None:
        """It is asked between two bursts; what it saves is what the machine goes on from."""
        clones = list[Machine]()

        def until() -> bool:
            if not clones and machine.cycles > 50_000:
                machine.save(tmp_path / "it.kseg")
                clones.append(machine.fork())
                for enter in (machine.run, machine.close, machine.reset):
                    with pytest.raises(InUseError):
                        enter()
            return False

        with Machine("cms", "echo hello; halt", **HOG) as machine:
            machine.run(until=until)
            with clones[0], Machine.from_snapshot(tmp_path / "it.kseg") as other:
                for each in (clones[0], other):
                    assert each.cycles < machine.cycles
                    assert each.run().reason is StopReason.POWER_OFF
                    assert each.cycles == machine.cycles

    def test_condition_changes_what_nobody_remembers(self, tmp_path: Path) -> None:
        def until() -> bool:
            machine.memory.set_word(0x3F000, 7)
            return True

        with Machine("cms", "echo hello; halt", **HOG) as machine:
            assert machine.run(until=until).reason is StopReason.CONDITION
            assert machine.memory.word(0x3F000) == 7
            with machine.record(tmp_path / "log"), pytest.raises(InUseError):
                machine.run(until=until)

    def test_one_that_raises_leaves_the_machine_usable(self) -> None:
        def output(data: bytes) -> None:
            if b"\n" in data and not seen:
                seen.append(data)
                raise RuntimeError("no more")

        seen = list[bytes]()
        with Machine("cms", "echo one; echo two; halt", output=output, **HOG) as machine:
            with pytest.raises(RuntimeError, match="no more"):
                machine.run()
            assert machine.run().reason is StopReason.POWER_OFF
            assert machine.console.output.endswith("one\ntwo\n")

    def test_hosts_callbacks_between_slices(self) -> None:
        def output(_data: bytes) -> None:
            if "two" not in host.guests:
                host.add("two", "cms", "halt", epoch=0)
                with pytest.raises(InUseError):
                    host.run(cycles=1)
                with pytest.raises(InUseError):
                    host.close()

        def until() -> bool:
            if one.stop is None:
                with pytest.raises(InUseError):
                    one.end()  # It is the one that runs, perhaps.
            return False

        with Host(ram="16M", engine="interpreter") as host:
            one = host.add("one", "cms", "halt", epoch=0, output=output)
            assert host.run(until=until).reason is StopReason.POWER_OFF
            assert set(host.guests) == {"one", "two"}


def test_two_machines_in_two_threads() -> None:
    """What they have in common does not matter; the clone has its parent's code."""
    with Machine("cms", "primes 3000; halt", **{**HOG, "engine": "auto"}) as machine:
        machine.run(cycles=200_000)
        machines = [machine, machine.fork(), machine.fork()]
        threads = [threading.Thread(target=each.run) for each in machines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({each.cycles for each in machines}) == 1
        assert len({each.console.output for each in machines}) == 1
        for each in machines[1:]:
            each.close()


class TestLock:
    def test_closed(self) -> None:
        lock = RunLock("thing")
        with lock:
            lock.close()
        with pytest.raises(KsegError, match="the thing is closed"), lock:
            pass
        with pytest.raises(KsegError, match="the thing is closed"), lock.at(Safepoint.SAVABLE):
            pass

    def test_rest(self) -> None:
        lock = RunLock()

        def inside() -> None:
            with lock.at(Safepoint.CHANGEABLE), lock.at(Safepoint.SAVABLE):
                pass
            with pytest.raises(InUseError), lock.at(Safepoint.SLICE):
                pass
            with pytest.raises(InUseError), lock:
                pass

        with lock:
            lock.at_safepoint(Safepoint.CHANGEABLE, inside)()
            with pytest.raises(InUseError), lock.at(Safepoint.SAVABLE):
                pass
        inside_alone = lock.at(Safepoint.SLICE)
        with inside_alone:
            pass
        with lock:
            pass
