"""The contract between the run loop and the observers of runs."""

import pytest

from kseg import Host, Machine
from kseg.engine import ENGINES
from kseg.machine.run_lock import InUseError
from kseg.monitor import CHOICES
from kseg.monitor.burst_loop import Look
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.observers import Condition, Edits, Observers
from kseg.monitor.run_loop import RunLoop
from kseg.monitor.stop import Stop, StopReason
from tests.machine.boards import make_board, run_program, slot
from tests.machine.fake_engine import Break, Load, Program, Run, Store, Wait


def noting(told: list[str], name: str, order: Order = Order.WATCH) -> Observer:
    """One that notes stops, of a class of its own."""

    class Stops(Observer):
        def stopped(self, stop: Stop) -> None:
            told.append(f"{name}: {stop.reason}")

    Stops.order = order
    return Stops()


class Every(Observer):
    """Wants the machine to stand every so many cycles."""

    def __init__(self, cycles: int) -> None:
        self.cycles, self.at = cycles, list[int]()
        self.clock = 0

    def attach(self, loop: RunLoop) -> None:
        self.loop = loop
        loop.observers.add(self)

    @property
    def next_cycle(self) -> int | None:
        return self.loop.engine.clock + self.cycles

    def stopped(self, stop: Stop) -> None:  # noqa: ARG002
        self.at.append(self.loop.engine.clock)


def computing() -> Program:
    while True:
        yield Run(1000)


def test_order_is_that_of_the_places_and_then_of_coming() -> None:
    loop, _ = run_program(make_board(), computing)
    told: list[str] = []
    for name, order in (
        ("user", Order.USER), ("one", Order.WATCH), ("two", Order.WATCH), ("input", Order.INPUT),
        ("verifier", Order.VERIFY), ("recorder", Order.RECORD),
    ):  # fmt: skip
        loop.observers.add(noting(told, name, order))
    loop.run(max_cycles=10)
    names = [each.partition(":")[0] for each in told]
    assert names == ["verifier", "recorder", "input", "one", "two", "user"]


def test_machine_stands_where_the_first_of_them_wants_it() -> None:
    loop, engine = run_program(make_board(), computing)
    often, seldom = Every(300), Every(1000)
    for each in (often, seldom):
        each.attach(loop)
    assert loop.run(max_cycles=1000).reason is StopReason.CYCLE_LIMIT
    assert engine.clock == 1000
    assert often.at == seldom.at == [300, 600, 900, 1000]


def test_stop_becomes_another_one_for_those_behind() -> None:
    class Turns(Observer):
        order = Order.RECORD

        def stopped(self, stop: Stop) -> Stop | None:
            return Stop(StopReason.LOG_END) if stop.reason is StopReason.BREAK else None

    def guest() -> Program:
        yield Break()

    told: list[str] = []
    before, behind = noting(told, "before", Order.VERIFY), noting(told, "behind")
    loop, _ = run_program(make_board(), guest, observers=[behind, Turns(), before])
    assert loop.run().reason is StopReason.LOG_END
    assert told == ["before: break", "behind: end of the log"]


def test_run_on_goes_on_but_not_beyond_the_limit() -> None:
    class RunsOn(Observer):
        def stopped(self, stop: Stop) -> Stop | None:
            return RUN_ON if stop.reason is StopReason.BREAK else None

    def guest() -> Program:
        yield Run(5)
        yield Break()
        yield Run(5)
        yield Break()

    loop, engine = run_program(make_board(), guest, observers=[RunsOn()])
    assert loop.run(max_cycles=8).reason is StopReason.CYCLE_LIMIT
    assert engine.clock == 8
    assert loop.run(max_cycles=100).reason is StopReason.CYCLE_LIMIT
    assert engine.clock == 108


def test_between_bursts_the_first_stop_counts() -> None:
    asked: list[str] = []

    def says(name: str, answer: bool) -> Condition:
        def holds() -> bool:
            asked.append(name)
            return answer

        return Condition(holds)

    loop, engine = run_program(
        make_board(), computing, observers=[says("a", True), says("b", True)]
    )
    assert loop.run(until=lambda: pytest.fail("nobody asks")).reason is StopReason.CONDITION
    assert (asked, engine.clock) == (["a"], 0)
    assert len(list(loop.observers)) == 2  # The condition was there for its run only.


def test_uneventful_bursts_are_one_unless_somebody_wants_them_all() -> None:
    class Counts(Observer):
        def __init__(self) -> None:
            self.count = 0

        def between_bursts(self) -> None:
            self.count += 1

    class CountsAll(Counts):
        @property
        def looks(self) -> Look:
            return Look.EVERY_BURST

    counts = []
    for kind in (Counts, CountsAll):
        board = make_board()
        board.processors[0].status = 0  # it has set up its handlers
        observer = kind()
        loop, engine = run_program(board, computing, observers=[observer])
        loop.run(max_cycles=1_000_000)
        assert engine.clock == 1_000_000
        counts.append(observer.count)
    assert counts[0] == 1
    assert counts[1] > 15


def test_what_it_is_told() -> None:
    told: list[str] = []

    class Told(Observer):
        def starts(self) -> None:
            told.append("starts")

        def all_wait(self) -> None:
            told.append("all wait")

        def before_sleep(self) -> None:
            told.append("before sleep")

        def records_wait(self) -> None:
            told.append("records wait")

        def printed(self, data: bytes) -> None:
            told.append(f"printed {data!r}")

        def said(self, text: str) -> None:
            told.append(f"said {text}")

        def state_loaded(self) -> None:
            told.append("state loaded")

        def edited(self) -> None:
            told.append("edited")

        def closing(self) -> None:
            told.append("closing")

    def guest() -> Program:
        yield Store(slot(29, 16), 10_000)
        yield Wait()
        yield Load(slot(29, 12))
        yield Wait()

    observers = Observers()
    observers.add(Told())
    board = make_board("29 timer")
    loop, _ = run_program(board, guest, observers=observers)
    assert loop.run().reason is StopReason.IDLE
    # What the board prints goes to whom its maker says; here that is not the list.
    observers.printed(b"x")
    observers.said("a line")
    board.changed()
    board.reset()
    observers.closing()
    assert told == [
        "starts", "all wait", "records wait", "all wait", "printed b'x'", "said a line", "edited",
        "state loaded", "edited", "closing",
    ]  # fmt: skip
    assert observers.remember


@pytest.mark.parametrize("hook", ["starts", "between_bursts", "stopped", "all_wait"])
def test_what_raises_leaves_a_machine_that_runs_on(hook: str) -> None:
    def fails(*_: object) -> None:
        loop.observers.remove(observer)
        raise RuntimeError(hook)

    def guest() -> Program:
        yield Store(slot(29, 16), 10_000)
        yield Wait()
        yield Load(slot(29, 12))

    observer = type("Fails", (Observer,), {hook: fails})()
    board = make_board("29 timer")
    loop, engine = run_program(board, guest, observers=[observer])
    with pytest.raises(RuntimeError, match=hook):
        loop.run(until_cycle=300_000)
    loop.run(until_cycle=300_000)
    other = make_board("29 timer")
    undisturbed, _ = run_program(other, guest)
    undisturbed.run(until_cycle=300_000)
    assert engine.clock == 300_000
    assert board.save() == other.save()


def test_what_printing_raises_comes_when_the_machine_stands() -> None:
    class Fails(Observer):
        def printed(self, data: bytes) -> None:
            raise RuntimeError(data)

    observers = Observers()
    observers.add(Fails())

    def guest() -> Program:
        yield Run(10)
        observers.printed(b"x")
        yield Run(10)

    with pytest.raises(RuntimeError):
        observers.printed(b"nobody runs")
    loop, engine = run_program(make_board(), guest, observers=observers)
    with pytest.raises(RuntimeError, match="x"):
        loop.run(max_cycles=1_000_000)
    assert engine.clock == 50_000  # the end of the burst
    assert loop.run(max_cycles=10).reason is StopReason.CYCLE_LIMIT


def test_closing_reaches_all() -> None:
    told: list[int] = []

    class Closes(Observer):
        def __init__(self, number: int) -> None:
            self.number = number

        def closing(self) -> None:
            told.append(self.number)
            raise RuntimeError(self.number)

    observers = Observers()
    for number in range(3):
        observers.add(Closes(number))
    with pytest.raises(RuntimeError):
        observers.closing()
    assert told == [0, 1, 2]


def test_others_come_and_go_while_the_machine_runs() -> None:
    loop, engine = run_program(make_board(), computing)
    every = Every(7_000)

    class Brings(Observer):
        def between_bursts(self) -> None:
            loop.observers.remove(self)
            every.attach(loop)

        def stopped(self, stop: Stop) -> None:
            pytest.fail(f"it is gone: {stop}")

    loop.observers.add(Brings())
    loop.run(max_cycles=10_000)
    assert every.at == [7_000, 10_000]
    loop.observers.remove(every)
    loop.observers.remove(every)
    loop.run(max_cycles=10_000)
    assert (len(every.at), engine.clock) == (2, 20_000)


@pytest.mark.parametrize(
    ("monitor", "engine"),
    [("bare", engine) for engine in ENGINES]
    + [(monitor, "interpreter") for monitor in CHOICES if monitor != "bare"],
)
def test_no_observer_changes_what_the_machine_does(monitor: str, engine: str) -> None:
    """It is cut into pieces, saved, cloned, and looked at."""

    class Meddles(Every):
        def stopped(self, stop: Stop) -> None:
            super().stopped(stop)
            machine.save()
            if len(self.at) % 20 == 0:
                machine.fork().close()
            with pytest.raises(InUseError):
                machine.run()

    def run(observer: Every | None) -> object:
        nonlocal machine
        options = {"epoch": 0, "ram": "512K", "monitor": monitor, "engine": engine}
        with Machine("cms", "echo hello", **options) as machine:
            if observer is not None:
                observer.attach(machine.monitor)
            assert machine.run(cycles=60_000).reason is StopReason.CYCLE_LIMIT
            return machine.save()

    machine: Machine = None  # type: ignore[assignment]
    meddles = Meddles(997)
    assert run(meddles) == run(None)
    assert meddles.at == [*range(997, 60_000, 997), 60_000]


def test_edits_are_told() -> None:
    told: list[None] = []
    with Machine("cms", epoch=0, ram="512K", engine="interpreter") as machine:
        machine.observers.add(Edits(lambda: told.append(None)))
        machine.run(cycles=1000)
        state = machine.save()
        assert not told
        machine.memory.set_word(0x3000, 1)
        machine.processors[0].registers["t0"] = 1
        machine.load(state)
        machine.reset()
        assert len(told) == 4


class TestHost:
    def test_guests_have_observers_like_machines(self) -> None:
        def run(cycles: int | None) -> tuple[object, list[int]]:
            with Host("8M", engine="interpreter") as host:
                one, two = (host.add(name, "cms", "echo hi", epoch=0) for name in ("one", "two"))
                every = Every(cycles or 0)
                if cycles is not None:
                    every.attach(one.monitor)
                host.run(seconds=0.05)
                return (one.save(), two.save(), host.cycles), every.at

        undisturbed, _ = run(None)
        disturbed, at = run(997)
        assert disturbed == undisturbed
        assert len(at) > 20

    def test_host_has_its_own(self) -> None:
        told: list[str] = []

        class Told(Observer):
            def between_bursts(self) -> None:
                told.append("burst")

            def all_wait(self) -> None:
                told.append("all wait")

            def stopped(self, stop: Stop) -> Stop | None:
                told.append(str(stop.reason))
                return None

        with Host("8M", engine="interpreter") as host:
            host.add("one", "cms", "sleep 1; halt", epoch=0)
            with host.observers.added(Told()):
                assert host.run().reason is StopReason.POWER_OFF
        assert {"burst", "all wait"} < set(told)
        assert told.count("power-off") == 1

    def test_what_they_raise_is_no_guests_fault(self) -> None:
        class Fails(Observer):
            def between_bursts(self) -> None:
                if host.cycles > 10_000:
                    raise RuntimeError("no more")

        with Host("8M", engine="interpreter") as host:
            guest = host.add("one", "cms", "hog", epoch=0)
            with host.observers.added(Fails()), pytest.raises(RuntimeError, match="no more"):
                host.run(seconds=1)
            assert guest.stop is None
            assert host.run(cycles=1000).reason is StopReason.CYCLE_LIMIT
