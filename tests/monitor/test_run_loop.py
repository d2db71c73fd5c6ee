import threading
import time

import pytest

from kseg.boards.system161.board import System161
from kseg.errors import BusError
from kseg.machine.input_history import InputHistory
from kseg.machine.input_port import InputPort
from kseg.monitor.stop import StopReason
from kseg.monitor.watchdog import Watchdog
from tests.machine.boards import CONTROL, make_board, run_program, slot
from tests.machine.fake_engine import Break, FakeEngine, Load, Program, Run, Store, Wait

POWER = CONTROL + 8
START = 4_289_383


def messages(board: System161) -> list[str]:
    collected: list[str] = board.collected.messages  # type: ignore[attr-defined]
    return collected


def console(board: System161) -> bytes:
    return bytes(board.collected.console)  # type: ignore[attr-defined]


def switch_off() -> Program:
    yield Run(15)
    yield Store(POWER, 0)
    yield Wait()


def test_power_off_counts_time_as_system161_does() -> None:
    board = make_board(mainboard="31 busctl ramsize=16384")
    monitor, _ = run_program(board, switch_off)
    stop = monitor.run()
    assert (stop.reason, stop.exit_code) == (StopReason.POWER_OFF, 0)
    # The event is scheduled on an empty queue, so the burst lasts to the next poll; its jitter is
    # the second number of seed 1.
    jitter = int((846930886 * (5_000_000 * 0.01)) / 2147483647.0)
    due = START + 15 * 40 + 5_000_000 + jitter
    assert board.clock.now == due
    # The idle end of the burst counts as run and as idle.
    idle = 49_983 + (due - START) // 40 - 50_000
    lines = monitor.statistics.lines()
    assert lines[0] == f"{50_000 + idle} cycles (50000 run, {idle} global-idle)"
    assert lines[1] == "  cpu0: 17 kern, 0 user, 0 idle; 0 ll, 0/0 sc, 0 sync"
    assert monitor.run().reason == StopReason.POWER_OFF


def test_a_panic_exits_with_1() -> None:
    def panic() -> Program:
        yield Store(slot(30, 16), 1)
        yield Store(POWER, 0)
        yield Wait()

    monitor, _ = run_program(make_board("30 trace"), panic)
    assert monitor.run().exit_code == 1
    monitor, engine = run_program(make_board("30 trace"), panic, stop_for_debugger=True)
    assert monitor.run().reason == StopReason.DEBUGGER
    assert engine.clock == 1
    assert monitor.run().exit_code == 1


def test_bus_errors_reach_the_guest() -> None:
    seen: list[object] = []

    def guest() -> Program:
        seen.append((yield Load(slot(7))))
        seen.append((yield Load(0x1000_0000)))
        seen.append((yield Store(slot(7), 1)))
        seen.append((yield Load(CONTROL, 4)))
        seen.append((yield Load(CONTROL + 1, 1)))

    monitor, _ = run_program(make_board(), guest)
    monitor.run(max_cycles=10)
    assert seen == [None, None, False, 65536, 1]


def test_what_the_hardware_does_not_like_ends_the_run_after_the_cycle() -> None:
    def guest() -> Program:
        yield Run(10)
        yield Load(slot(29, 0x14))
        yield Run(10)

    board = make_board("29 timer")
    monitor, engine = run_program(board, guest)
    stop = monitor.run()
    assert (stop.reason, stop.exit_code) == (StopReason.FATAL, 1)
    assert stop.message == "Illegal timer register read"
    assert engine.clock == 11


def test_a_break_stops() -> None:
    def guest() -> Program:
        yield Run(5)
        yield Break()
        yield Run(5)

    monitor, engine = run_program(make_board(), guest)
    assert monitor.run().reason == StopReason.BREAK
    assert monitor.run(max_cycles=2).reason == StopReason.CYCLE_LIMIT
    assert engine.clock == 7


def test_limits_are_exact_also_while_idle() -> None:
    def guest() -> Program:
        yield Store(slot(29, 16), 10_000)
        yield Wait()

    board = make_board("29 timer")
    monitor, engine = run_program(board, guest)
    for cycle in (1, 1000, 60_000, 60_001, 200_000):
        assert monitor.run(until_cycle=cycle).reason == StopReason.CYCLE_LIMIT
        assert engine.clock == cycle
    assert monitor.run(until_cycle=5).reason == StopReason.CYCLE_LIMIT
    assert monitor.run(max_cycles=100_000, until_cycle=200_010).reason == StopReason.CYCLE_LIMIT
    assert engine.clock == 200_010
    assert not board.bus.line(29)
    monitor.run(until_cycle=255_000)
    assert board.bus.line(29)


def test_a_condition_is_asked_between_bursts() -> None:
    def guest() -> Program:
        for letter in b"abc":
            yield Store(slot(0), letter)
            yield Run(60_000)

    board = make_board("0 serial")
    monitor, _ = run_program(board, guest)
    stop = monitor.run(until=lambda: b"b" in console(board))
    assert (stop.reason, console(board)) == (StopReason.CONDITION, b"ab")


def test_idle_for_ever() -> None:
    def guest() -> Program:
        yield Wait()
        yield Run(1)

    board = make_board("0 serial")
    monitor, engine = run_program(board, guest)
    stop = monitor.run()
    assert (stop.reason, stop.exit_code) == (StopReason.IDLE, None)
    clock = engine.clock
    assert monitor.run().reason == StopReason.IDLE
    assert engine.clock == clock


def echo() -> Program:
    yield Store(slot(0, 8), 1)
    while True:
        yield Wait()
        character = yield Load(slot(0))
        yield Store(slot(0, 8), 1)
        yield Store(slot(0), int(character or 0))
        while not int((yield Load(slot(0, 4))) or 0) & 2:
            yield Run(200)
        yield Store(slot(0, 4), 0)


def test_input_wakes_a_machine_that_idles() -> None:
    board = make_board("0 serial")
    monitor, _ = run_program(board, echo)
    assert monitor.run().reason == StopReason.IDLE
    board.input_port.type(b"hi")
    assert monitor.run().reason == StopReason.IDLE
    assert console(board) == b"hi"


@pytest.mark.parametrize("pace", ["fast", "real"])
def test_a_machine_may_wait_for_input(pace: str) -> None:
    input_port = InputPort()
    board = make_board("0 serial", input_port=input_port)
    monitor, _ = run_program(board, echo, pace=pace, wait_for_input=True)
    threading.Timer(0.2, input_port.type, [b"x"]).start()
    threading.Timer(0.3, input_port.close).start()
    assert monitor.run().reason == StopReason.IDLE
    assert console(board) == b"x"
    if pace == "real":
        assert board.clock.now - START >= 50_000_000


def tick(microseconds: int) -> Program:
    while True:
        yield Store(slot(29, 16), microseconds)
        yield Wait()
        yield Load(slot(29, 12))


def test_real_pace_makes_idle_time_last() -> None:
    for pace, least, most in (("fast", 0.0, 0.5), ("real", 0.08, 5.0)):
        board = make_board("29 timer")
        monitor, _ = run_program(board, lambda: tick(20_000), pace=pace)
        started = time.monotonic()
        monitor.run(until_cycle=2_500_000)
        assert least <= time.monotonic() - started <= most


def test_real_pace_wakes_for_input_and_can_be_replayed() -> None:
    log = []
    input_port = InputPort(recorder=log.append)
    board = make_board("0 serial", "29 timer", input_port=input_port)
    engine = None

    def guest() -> Program:
        yield Store(slot(29, 16), 300_000)
        yield from echo()

    monitor, engine = run_program(board, guest, pace="real")
    threading.Timer(0.03, input_port.type, [b"x"]).start()
    started = time.monotonic()
    monitor.run(until=lambda: console(board) == b"x")
    assert time.monotonic() - started < 0.25
    cycle = engine.clock
    assert cycle < 7_000_000

    again = make_board("0 serial", "29 timer", input_port=InputPort(replay=InputHistory(log)))
    other, _ = run_program(again, guest)
    other.run(until=lambda: console(again) == b"x")
    assert again.save() == board.save()


def test_an_interruption_comes_between_bursts() -> None:
    def guest() -> Program:
        while True:
            yield Run(1000)

    monitor, _ = run_program(make_board(), guest)
    threading.Timer(0.05, monitor.interrupt).start()
    assert monitor.run().reason == StopReason.INTERRUPTED
    monitor, _ = run_program(make_board("0 serial"), echo, wait_for_input=True, pace="real")
    threading.Timer(0.05, monitor.interrupt).start()
    assert monitor.run().reason in (StopReason.INTERRUPTED, StopReason.IDLE)


def test_the_watchdog_warns_and_then_stops() -> None:
    def guest() -> Program:
        while True:
            yield Run(1_000_000)

    board = make_board()
    monitor, engine = run_program(board, guest, observers=[Watchdog(2, board)])
    monitor.run(until_cycle=60_000_000)
    assert messages(board) == ["Caution: no progress in 2 seconds"]
    board.processors[0].user_cycles += 1
    assert monitor.run(until_cycle=100_000_000).reason == StopReason.CYCLE_LIMIT
    stop = monitor.run()
    assert (stop.reason, stop.exit_code) == (StopReason.NO_PROGRESS, 1)
    assert messages(board)[-1] == "No progress in 4 seconds"
    assert engine.clock > 150_000_000


def test_the_doom_counter() -> None:
    def guest() -> Program:
        for sector in range(5):
            yield Store(slot(2, 8), sector)
            yield Store(slot(2, 4), 3)
            yield Wait()
            yield Store(slot(2, 4), 0)

    board = make_board("2 disk memory size=4M", doom=3)
    monitor, _ = run_program(board, guest)
    stop = monitor.run()
    assert (stop.reason, stop.exit_code) == (StopReason.DOOM, 3)
    assert board.activity.disk_writes == 2
    assert messages(board) == ["DOOOOOOOOOOOM"]


def test_polled_output_without_other_events_is_slow() -> None:
    """System/161's late events: a character takes 50,000 cycles when nothing else is pending."""

    def guest() -> Program:
        for letter in b"abc":
            yield Store(slot(0), letter)
            while not int((yield Load(slot(0, 4))) or 0) & 2:
                pass
            yield Store(slot(0, 4), 0)
        yield Store(POWER, 0)

    board = make_board("0 serial")
    monitor, engine = run_program(board, guest)
    monitor.run()
    assert console(board) == b"abc"
    assert 300_000 > engine.clock >= 275_000


def test_the_engine_is_told_of_what_devices_write() -> None:
    def guest() -> Program:
        yield Store(slot(2, 4), 1)
        yield Wait()

    board = make_board("2 disk memory size=4M")
    monitor, engine = run_program(board, guest)
    monitor.run(until=lambda: board.bus.line(2))
    assert (slot(2, 0x8000), 512) in engine.changes


def test_peeking_does_nothing() -> None:
    board = make_board("29 timer")
    board.bus.set_line(29, True)
    assert board.bus.peek(slot(29, 12), 4) == 1
    assert board.bus.line(29)
    with pytest.raises(BusError):
        board.bus.peek(slot(5), 4)


def test_a_register_that_can_be_polled_is_said_to_be_steady() -> None:
    def guest(address: int) -> Program:
        yield Load(address)

    for address, steady in ((slot(0, 4), True), (slot(0, 0), False), (slot(29, 4), False)):
        board = make_board("0 serial", "29 timer")
        monitor, engine = run_program(board, lambda address=address: guest(address))
        monitor.run(max_cycles=5)
        assert engine.steady is steady


def test_a_monitor_goes_on_with_a_loaded_state() -> None:
    board = make_board("29 timer")
    monitor, engine = run_program(board, lambda: tick(1000))
    monitor.run(max_cycles=10_000)
    saved = board.save()
    monitor.run(max_cycles=10_000)
    board.load(saved)
    monitor.state_loaded()
    assert engine.clock == 10_000
    other = FakeEngine(board.processors, tick(1000))
    monitor.state_loaded(other)
    monitor.run(until_cycle=20_000)
    assert other.clock == 20_000


def test_system161_pace_waits_for_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleeping() -> Program:
        yield Store(slot(1, 8), 1)
        yield Store(slot(1, 0x10), 5000)
        while True:
            yield Wait()
            yield Load(slot(1, 0xC))

    board = make_board("1 timer")
    slept: list[float] = []
    monkeypatch.setattr(board.input_port, "wait", lambda seconds: slept.append(seconds) or False)
    monitor, _ = run_program(board, sleeping, pace="system161")
    monitor.run(max_cycles=5_000_000)
    # 200 ms, in sleeps of at least ten.
    assert sum(slept) > 0.1
    assert min(slept) > 0.01


def test_real_pace_lasts_after_the_end_of_the_input() -> None:
    board = make_board("1 timer")
    board.input_port.close()

    def sleeping() -> Program:
        yield Store(slot(1, 0x10), 60_000)
        yield Wait()

    monitor, _ = run_program(board, sleeping, pace="real")
    started = time.monotonic()
    monitor.run(max_cycles=1_600_000)
    assert time.monotonic() - started > 0.05
