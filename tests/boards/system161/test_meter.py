"""The meter's events and columns. Expected lines of a real run were compared with System/161's own
at the same virtual times, on OS/161 kernels with one and four processors."""

import pytest

from kseg.boards.system161.board import System161
from kseg.boards.system161.meter import MOST_CLIENTS, Meter, report
from kseg.errors import StateError
from kseg.machine.statistics import DeviceActivity
from tests.machine.boards import make_board, run_program
from tests.machine.fake_engine import Program, Run, Wait

SECOND = 1_000_000_000


def busy() -> Program:
    yield Run(1 << 40)


def resting() -> Program:
    yield Wait()


class Listener(list[str]):
    """Collects lines; `times` are their first column."""

    @property
    def times(self) -> list[int]:
        return [int(line.split()[1]) for line in self]


@pytest.fixture
def board() -> System161:
    return make_board("28 random")


def test_columns() -> None:
    board = make_board(mainboard="31 mainboard ramsize=64K cpus=2")
    one, two = board.processors
    one.kernel_cycles, one.user_cycles, one.idle_cycles = 1000, 500, 70
    one.kernel_stalls, one.user_stalls = 30, 20
    one.exceptions[0], one.exceptions[2], one.exceptions[8] = 4, 5, 6
    one.user_exceptions = 7
    two.kernel_cycles, two.idle_cycles = 10, 3
    activity = DeviceActivity(1, 2, 3, 4, 5, 6, 7, 8, 9)
    # 11 exceptions, of which 7 in user mode: what they hit was not completed.
    kernel, user = 1000 - 30 - 4 + 10, 500 - 20 - 7
    assert report(99, board.processors, 100, activity) == (
        f"DATA 99 {kernel} {user} 27 {70 + 100 + 3 + 100} 4 11 3 7 18 17"
    )


def test_reports_come_with_the_jitter_of_all_events(board: System161) -> None:
    heard = Listener()
    board.meter.open(heard.append)
    run_program(board, busy)[0].run(max_cycles=25_000_000)
    gaps = [b - a for a, b in zip(heard.times, heard.times[1:], strict=False)]
    assert len(gaps) == 4
    # Up to a percent, and a burst that was under way when the first was scheduled.
    assert all(200_000_000 <= gap <= 202_000_000 + 5_000_000 for gap in gaps)
    assert len(set(gaps)) > 1


def test_the_first_look_at_the_outside_is_soon(board: System161) -> None:
    heard = Listener()
    board.meter.open(heard.append)
    run_program(board, busy)[0].run(max_cycles=50_000)
    assert heard.times == [4_289_383 + 50_000 * 40]


def test_an_interval_counts_from_the_next_report_on(board: System161) -> None:
    heard = Listener()
    number = board.meter.open(heard.append)
    board.meter.set_interval(number, 50_000_000)
    run_program(board, busy)[0].run(max_cycles=10_000_000)
    gaps = [b - a for a, b in zip(heard.times, heard.times[1:], strict=False)]
    assert gaps[0] >= 200_000_000
    assert all(50_000_000 <= gap < 52_000_000 for gap in gaps[1:])


def test_idle_time_is_reported_too(board: System161) -> None:
    heard = Listener()
    board.meter.open(heard.append)
    monitor, _ = run_program(board, resting)
    monitor.run(until=lambda: len(heard) >= 5)
    first, last = (list(map(int, heard[n].split()[1:])) for n in (0, -1))
    # All that passes is idle, but for the nanoseconds that do not fill a cycle.
    assert (last[4] - first[4]) * 40 == pytest.approx(last[0] - first[0], abs=400)
    assert last[1] == first[1]


def test_a_client_that_goes_has_one_more_event(board: System161) -> None:
    heard = Listener()
    number = board.meter.open(heard.append)
    monitor, _ = run_program(board, busy)
    monitor.run(max_cycles=60_000)
    board.meter.close(number)
    monitor.run(max_cycles=20_000_000)
    assert len(heard) == 1
    assert not [event for event in board.clock.pending if event.owner == "meter"]


def test_nobody_listens_and_nothing_happens(board: System161) -> None:
    random = board.random.save()
    run_program(board, busy)[0].run(max_cycles=10_000_000)
    assert board.random.save() == random


def test_several_at_once(board: System161) -> None:
    one, two = Listener(), Listener()
    board.meter.open(one.append)
    board.meter.set_interval(board.meter.open(two.append), 10_000_000)
    run_program(board, busy)[0].run(max_cycles=25_000_000)
    assert len(one) == 5
    assert len(two) > 50


@pytest.mark.parametrize(
    "data",
    [b"", b"open", b"open 0", b"open -1", b"open 99999999999", b"open x", b"interval 1", b"close",
     b"interval 1 1", b"interval 1 2000000001", b"close 7", b"open 1 2 3", b"\xff\0 1"],
)  # fmt: skip
def test_a_log_may_say_anything(board: System161, data: bytes) -> None:
    board.meter.receive(data)
    assert not board.clock.pending


def test_a_log_cannot_make_any_number_of_clients(board: System161) -> None:
    for number in range(1, 100):
        board.meter.receive(b"open %d" % number)
    assert len(list(board.clock.pending)) == MOST_CLIENTS


def test_another_machine_hangs_up_on_clients_it_has_not(board: System161) -> None:
    heard = Listener()
    board.meter.open(heard.append)
    run_program(board, busy)[0].run(max_cycles=60_000)
    other = make_board("28 random")
    other.load(board.save())
    other.meter.hang_up()
    run_program(other, busy)[0].run(max_cycles=30_000_000)
    assert not other.clock.pending
    assert len(heard) == 1


def test_a_reset_keeps_clients(board: System161) -> None:
    heard = Listener()
    board.meter.open(heard.append)
    monitor, _ = run_program(board, busy)
    monitor.run(max_cycles=60_000)
    board.reset()
    monitor.state_loaded()
    run_program(board, busy)[0].run(max_cycles=12_000_000)
    assert len(heard) >= 3


@pytest.mark.parametrize(
    ("name", "argument"), [("other", 1 << 32), ("perfmeter", 1 << 32 | 1), ("perfmeter", 0),
                           ("perfmeter", -1), ("perfmeter", 1 << 60)],
)  # fmt: skip
def test_events_that_no_meter_has(board: System161, name: str, argument: int) -> None:
    with pytest.raises(StateError):
        board.meter.check_event(name, argument)


def test_a_meter_is_a_board_s_own(board: System161) -> None:
    assert isinstance(board.meter, Meter)
    assert board.meter.listeners == {}
