"""Threads of racelab."""

from collections.abc import Iterator

import pytest

from kseg import Machine
from kseg.machine.preemption import Preemption
from kseg.monitor.stop import StopReason


@pytest.fixture(name="machine")
def fixture_machine() -> Iterator[Machine]:
    with Machine("racelab", epoch=0) as machine:
        yield machine


def test_a_menu_that_waits_for_input(machine: Machine) -> None:
    machine.run()
    threads = machine.guest_threads()
    assert threads.kernel == "racelab"
    assert threads.findings == []
    (line,) = threads.summary()
    assert line == (
        'thread "main": sleeping (CPU 0 idles), waits for console input; in read_line < kernel_main'
    )


def test_before_the_first_thread(machine: Machine) -> None:
    assert list(machine.guest_threads()) == []


def test_a_deadlock() -> None:
    with Machine("racelab", "deadlock", epoch=0) as machine:
        machine.run(cycles=100_000)
        while "move" not in [frame.name for frame in machine.backtrace().frames]:
            machine.run(cycles=10_000)
        busy = machine.busy_cycles
        for later in range(0, 12_000, 15):
            with machine.fork() as clone:
                clone.preemptions = [Preemption(busy + later)]
                if clone.run(seconds=1).reason is not StopReason.IDLE:
                    continue
                threads = clone.guest_threads()
                (finding,) = threads.findings
                assert finding.startswith("deadlock of 2 threads, none of which can ever go on: ")
                assert '"bob" waits for lock "first account", which "ann" holds' in finding
                assert '"ann" waits for lock "second account", which "bob" holds' in finding
                return
        pytest.fail("no deadlock")


def test_a_table_of_nonsense(machine: Machine) -> None:
    machine.run()
    (symbol,) = machine.symbols.files[0].named("threads")
    machine.memory.virtual().write(symbol.address, bytes(range(256)) * (symbol.size // 256))
    machine.guest_threads()
    machine.memory.virtual().write(symbol.address, b"\0\0\0\1" * (symbol.size // 4))
    machine.guest_threads()
