"""Guests that take turns, each on an engine of its own: a monitor is not what is tested here."""

import tempfile
import threading
import time

import pytest

from kseg import engine as engines
from kseg.boards.system161.board import System161
from kseg.errors import GuestFatal
from kseg.machine.clock import SECOND
from kseg.machine.elf import read_image
from kseg.monitor.hypervisor.time_sharing import TimeSharing
from kseg.monitor.run_loop import RunLoop
from kseg.monitor.shares import ReservationError, Share
from kseg.monitor.stop import Stop, StopReason
from tests.cli import kernels
from tests.machine.boards import configure

MACHINE = SECOND // System161.time_model.nanoseconds_per_cycle

ECHOING = f"""
        li      t0, {kernels.SERIAL:#x}
        li      t1, 1
        sw      t1, 0x8(t0)
        li      t3, {kernels.CONTROL:#x}
1:      wait
        lw      t1, 0x8(t0)
        nop
        andi    t1, t1, 2
        beqz    t1, 1b
        nop
        lw      t2, 0x0(t0)
        li      t1, 1
        sw      t1, 0x8(t0)
        sw      t2, 0x0(t0)
        b       1b
        nop
"""
"""Prints what is typed."""


class Place:
    """A machine, and guests on it."""

    def __init__(self, **arguments):
        self.time_sharing = TimeSharing(MACHINE, **arguments)
        self.printed = {}
        self.boards = {}

    def add(self, name, image, share=None):
        self.printed[name] = bytearray()
        board = System161(
            configure(None, ram="512K"), console=self.printed[name].extend, epoch=lambda: 0
        )
        image = kernels.kernel(image) if isinstance(image, str) else image
        board.load_kernel(read_image_of(image))
        engine = engines.create(
            "interpreter", board.profile, board.byte_order, board.memory, board.processors
        )
        self.boards[name] = board
        return self.time_sharing.add(name, share or Share(), board, RunLoop(board, engine))

    def type(self, name, data):
        self.boards[name].input_port.type(data)
        self.time_sharing.wake(name)

    def run(self, seconds=None, until=lambda: False):
        now = self.time_sharing.now
        limit = None if seconds is None else now + int(seconds * MACHINE)
        return self.time_sharing.run(limit, until)


def read_image_of(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_image(file.name, "big")


@pytest.fixture
def place():
    return Place()


class TestTime:
    def test_machine_time_is_what_is_executed(self, place):
        one, two = place.add("a", kernels.spinning()), place.add("b", kernels.spinning())
        assert place.run(0.5).reason is StopReason.CYCLE_LIMIT
        assert one.executed + two.executed == place.time_sharing.now == MACHINE // 2

    def test_a_periodic_clock_keeps_the_machines_time(self, place):
        ticking = place.add("a", kernels.ticking())
        place.add("b", kernels.spinning())
        place.run(2)
        # A hundred a second of machine time, each a little late by the model's jitter, and none
        # lost to the other guest.
        interrupts = ticking.board.clock.now / SECOND
        assert interrupts == pytest.approx(2, abs=0.01)

    def test_preempted_guests_time_stands_still(self, place):
        one = place.add("a", kernels.spinning())
        place.add("b", kernels.spinning(), Share(weight=300))
        place.run(2)
        assert one.board.clock.now / SECOND == pytest.approx(0.5, abs=0.02)

    def test_all_asleep_skips(self, place):
        guest = place.add("a", kernels.ticking())
        place.run(100)
        assert place.time_sharing.now == 100 * MACHINE
        assert guest.board.clock.now / SECOND == pytest.approx(100, abs=0.1)
        assert guest.executed < MACHINE

    def test_nothing_will_happen(self, place):
        place.add("a", ECHOING)
        stop = place.run(10)
        assert stop.reason is StopReason.IDLE
        assert place.time_sharing.now < 1000


class TestInput:
    def test_wakes_at_once(self, place):
        guest = place.add("a", ECHOING)
        place.run()
        assert guest.waits_forever
        place.type("a", b"x")
        assert place.run().reason is StopReason.IDLE
        assert place.printed["a"] == b"x"

    def test_takes_no_time_of_the_guests(self, place):
        guest = place.add("a", ECHOING)
        place.add("b", kernels.spinning())
        place.run(1)
        before = guest.board.clock.now
        place.type("a", b"x")
        place.run(until=lambda: bool(place.printed["a"]))
        assert guest.board.clock.now - before < SECOND // 1000

    def test_for_one_that_has_ended_or_never_was(self, place):
        guest = place.add("a", ECHOING)
        place.time_sharing.end(guest, Stop(StopReason.INTERRUPTED))
        place.type("a", b"x")
        place.time_sharing.wake("nobody")
        assert place.run().reason is StopReason.POWER_OFF

    def test_before_a_timer_is_due(self, place):
        """The timer comes no later for it in the guest's own time."""
        guest = place.add("a", kernels.ticking())
        place.run(0.0042)
        due = guest.board.clock.next_due
        place.type("a", b"x")
        place.run(0.001)
        assert guest.board.clock.next_due == due
        place.run(0.02)
        assert guest.board.clock.now > due


class TestRealTime:
    def test_a_sleeping_machine_takes_its_time(self):
        place = Place(pace="real")
        place.add("a", kernels.ticking())
        started = time.monotonic()
        place.run(0.5)
        assert time.monotonic() - started > 0.4

    def test_input_comes_after_the_time_that_passed(self):
        place = Place(pace="real")
        place.time_sharing.wait_for_input = True
        guest = place.add("a", ECHOING)
        timer = threading.Timer(0.3, place.type, ["a", b"x"])
        timer.start()
        place.run(until=lambda: bool(place.printed["a"]))
        timer.join()
        assert guest.board.clock.now > 0.25 * SECOND
        assert place.time_sharing.now > 0.25 * MACHINE

    def test_no_input_can_come_any_more(self):
        place = Place(pace="real")
        place.time_sharing.wait_for_input = True
        place.add("a", ECHOING)
        timer = threading.Timer(0.2, place.time_sharing.close_input)
        timer.start()
        assert place.run().reason is StopReason.IDLE
        timer.join()

    def test_interrupted_while_asleep(self):
        place = Place(pace="real")
        place.add("a", kernels.ticking())
        timer = threading.Timer(0.2, place.time_sharing.interrupt)
        timer.start()
        assert place.run().reason is StopReason.INTERRUPTED
        timer.join()


class TestEnding:
    def test_others_go_on(self, place):
        ended = []
        place.time_sharing.after_slice = lambda guest: ended.append(guest) if guest.stop else None
        bad, good = place.add("bad", kernels.misusing()), place.add("good", kernels.spinning())
        place.run(0.1)
        assert ended == [bad]
        assert bad.stop.reason is StopReason.FATAL
        assert list(place.time_sharing.guests) == ["good"]
        assert good.executed > 0.09 * MACHINE
        assert place.time_sharing.use_of("bad").executed == bad.executed

    def test_one_that_is_lost_in_the_boot_rom(self, place):
        bad = place.add("bad", kernels.breaking())
        place.run(1)
        assert bad.stop.reason is StopReason.FATAL
        assert "boot ROM" in bad.stop.message

    @pytest.mark.parametrize(
        ("error", "text"),
        [(GuestFatal("hangs"), "hangs"), (KeyError("x"), "a defect of kseg: KeyError: 'x'")],
    )
    def test_errors(self, place, monkeypatch, error, text):
        bad = place.add("bad", kernels.ticking())
        place.add("good", kernels.spinning())

        def broken(*_arguments):
            raise error

        timer = next(card for card in bad.board.cards if card.name == "timer")
        monkeypatch.setattr(timer, "on_event", broken)
        monkeypatch.setattr(bad.board, "device_trace", lambda *_: None)  # CPython runs them
        place.run(0.1)
        assert (bad.stop.reason, bad.stop.message) == (StopReason.FATAL, text)

    def test_its_reservation_is_free_again(self, place):
        guest = place.add("a", kernels.spinning(), Share(reservation=MACHINE))
        with pytest.raises(ReservationError):
            place.add("b", kernels.spinning(), Share(reservation=1))
        place.time_sharing.end(guest, Stop(StopReason.INTERRUPTED))
        place.add("b", kernels.spinning(), Share(reservation=1))


class TestHolding:
    def test_who_is_held_does_not_run(self, place):
        one, two = place.add("a", kernels.spinning()), place.add("b", kernels.spinning())
        place.run(0.1)
        before = one.executed
        place.time_sharing.hold("a")
        place.run(0.1)
        assert one.executed == before
        place.time_sharing.release("a")
        place.run(0.1)
        assert one.executed > before
        assert one.executed + two.executed == place.time_sharing.now

    def test_its_time_stands_still(self, place):
        """Machine time passes in its sleep; its own does not."""
        ticking = place.add("a", kernels.ticking())
        place.add("b", kernels.spinning())
        place.run(0.105)
        before = ticking.board.clock.now
        place.time_sharing.hold("a")
        place.run(1)
        assert ticking.board.clock.now == before
        place.time_sharing.release("a")
        place.run(0.1)
        assert (ticking.board.clock.now - before) / SECOND == pytest.approx(0.1, abs=0.011)

    def test_input_waits_for_the_release(self, place):
        place.add("a", ECHOING)
        place.run()
        place.time_sharing.hold("a")
        place.type("a", b"x")
        assert place.run().reason is StopReason.IDLE
        assert place.printed["a"] == b""
        place.time_sharing.release("a")
        place.run()
        assert place.printed["a"] == b"x"

    def test_of_nobody(self, place):
        guest = place.add("a", kernels.spinning())
        place.time_sharing.hold("nobody")
        place.time_sharing.release("a")
        place.time_sharing.hold("a")
        place.time_sharing.end(guest, Stop(StopReason.INTERRUPTED))
        place.time_sharing.release("a")
        guest = place.add("a", kernels.spinning())
        place.run(0.1)
        assert guest.executed

    def test_who_stands_is_not_ended(self, place):
        guest = place.add("a", kernels.misusing())
        place.time_sharing.stands = lambda who, stop: (
            who is guest and stop.reason is StopReason.FATAL
        )
        assert place.run().reason is StopReason.FATAL
        assert guest.stop is None


def test_deterministic():
    def run():
        place = Place()
        guests = [place.add("a", kernels.ticking()), place.add("b", kernels.spinning())]
        guests.append(place.add("c", kernels.spinning(), Share(weight=7, cap=MACHINE // 10)))
        place.run(0.3)
        return [(guest.executed, guest.board.clock.now) for guest in guests]

    assert run() == run()
