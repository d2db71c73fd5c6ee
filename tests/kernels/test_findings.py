"""The waits-for graph of threads."""

from hypothesis import given
from hypothesis import strategies as st

from kseg.kernels.contract import GuestThread, GuestThreads, Wait
from kseg.kernels.findings import deadlocks, findings
from kseg.symbols.line_table import Line
from kseg.symbols.symbol_file import Location, Symbol
from kseg.unwind.backtrace import Backtrace, Frame


def threads_of(holders: list[int | None]) -> list[GuestThread]:
    """Threads 1, 2, ... that wait for a lock that the one given holds, if any."""
    found = []
    for number, holder in enumerate(holders, 1):
        wait = None if holder is None else Wait("lock", f"l{number}", 0, holder)
        state = "ready" if wait is None else "sleeping"
        found.append(GuestThread(number, f"t{number}", state, wait=wait))
    return found


@given(st.lists(st.none() | st.integers(0, 9), max_size=8))
def test_every_cycle_is_found_once(holders: list[int | None]) -> None:
    found = [{thread.address for thread in cycle} for cycle in deadlocks(threads_of(holders))]
    # By force: which thread comes back to itself?
    expected = set()
    for start in range(1, len(holders) + 1):
        seen, here = [start], holders[start - 1]
        while here is not None and 1 <= here <= len(holders) and here not in seen:
            seen.append(here)
            here = holders[here - 1]
        if here == start:
            expected.add(frozenset(seen))
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))


def test_long_waits_end() -> None:
    threads = threads_of([*range(2, 502), 1])
    (finding, *_) = findings(threads, all_wait=True)
    assert finding.startswith("deadlock of 501 threads")
    assert len(finding) < 1000
    assert len(str(GuestThreads("k", threads, []))) < 100_000


def sleeping_in(name: str, file: str, kind: str = "condition variable") -> GuestThread:
    symbol = Symbol(name, 0, 4, is_function=True, typed=True)
    frame = Frame(0, 0, Location(symbol, 0, Line(file, 1)))
    return GuestThread(1, "sleeper", "sleeping", wait=Wait(kind, "thing"), trace=Backtrace([frame]))


def test_a_device_may_wake_others() -> None:
    work = sleeping_in("worker", "../../proc/worker.c")
    assert len(findings([work], all_wait=True)) == 1
    for name, file in (("getch", "../../dev/generic/console.c"), ("clocksleep", "clock.c")):
        device = sleeping_in(name, file, "semaphore")
        device.address = 2
        assert findings([work, device], all_wait=True) == []
