"""A guest under a monitor is traced as a bare machine is, event for event."""

from typing import Any, NamedTuple

import pytest

from kseg import Host, Machine
from kseg.api.tracing import ENGINE_KINDS, TraceEvent

COMMANDS = "primes 5; echo x > a:/x; cat a:/x; faults 3; syscalls 3; sleep 1; fault; halt"
ALL = (*ENGINE_KINDS, "disk", "line")


class Seen(NamedTuple):
    events: list[TraceEvent]
    output: str
    processors: Any


def traced(
    kinds: tuple[str, ...], begin: int, end: int, kernel: str = "cms", **options: Any
) -> Seen:
    """From a cycle to another; the guest runs on without a trace."""
    with Machine(kernel, COMMANDS, epoch=0, **options) as machine:
        machine.run(cycles=begin)
        with machine.trace(*kinds) as trace:
            machine.run(cycles=end - begin)
            events = trace.take()
        machine.run()
        return Seen(events, machine.console.output, machine.board.save().processors)


@pytest.mark.parametrize("kinds", [ALL, ("syscall", "disk"), ("exception", "return")])
@pytest.mark.parametrize("engine", ["interpreter", "translator"])
@pytest.mark.parametrize("monitor", ["hybrid", "trap-and-emulate"])
def test_what_it_does_is_what_a_machine_does(
    kinds: tuple[str, ...], engine: str, monitor: str
) -> None:
    expected = traced(kinds, 10_000, 200_000, engine=engine)
    assert expected.events
    assert traced(kinds, 10_000, 200_000, engine=engine, monitor=monitor) == expected


def test_on_the_reference_engine_too() -> None:
    expected = traced(ALL, 20_000, 21_000, engine="interpreter")
    with Machine("cms", COMMANDS, epoch=0, engine="reference", monitor="hybrid") as machine:
        machine.run(cycles=20_000)
        with machine.trace(*ALL) as trace:
            machine.run(cycles=1_000)
            assert trace.take() == expected.events


def test_a_kernel_in_the_window_is_traced_there() -> None:
    seen = [
        traced(ALL, 0, 30_000, "cms-kuseg", engine="interpreter", monitor=monitor)
        for monitor in ("trap-and-emulate", "hybrid")
    ]
    assert seen[0] == seen[1]
    assert {event.pc >> 28 for event in seen[0].events if event.pc and not event.user} == {4}


def test_one_of_many() -> None:
    """Its neighbours are not in its trace, nor it in theirs, and nobody's run is another one."""
    kinds = ("exception", "return", "tlb")
    with Machine("cms", COMMANDS, epoch=0, engine="interpreter") as machine:
        with machine.trace(*kinds) as trace:
            machine.run()
        expected, cycles = trace.take(), machine.cycles
    with Host(engine="interpreter") as host:
        guests = [host.add(name, "cms", COMMANDS, epoch=0) for name in ("a", "b", "c")]
        traces = [guest.trace(*kinds) for guest in guests[:2]]
        host.run()
        assert [trace.take() for trace in traces] == [expected, expected]
        assert [guest.cycles for guest in guests] == [cycles] * 3
        assert host.hypervisor.engine.take_trace() == b""


def test_the_last_events_are_kept_across_slices() -> None:
    with Machine("cms", COMMANDS, epoch=0, engine="interpreter") as machine:
        with machine.trace("return", last=5) as trace:
            machine.run()
        expected = trace.take()
    with Host(engine="interpreter", time_slice=1000) as host:
        host.add("other", "cms", "primes 30; halt")
        guest = host.add("a", "cms", COMMANDS, epoch=0)
        trace = guest.trace("return", last=5)
        host.run()
        assert trace.take() == expected
