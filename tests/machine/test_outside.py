import threading
import time

import pytest

from kseg.errors import DivergenceError
from kseg.machine.inputs import Answer, Input, InputHistory, Item, Position, Sector
from kseg.machine.outside import Outside


class Receiver:
    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.got: list[bytes] = []

    def can_receive(self) -> bool:
        return len(self.got) < self.room

    def receive(self, data: bytes) -> None:
        self.got.append(data)


def test_a_poll_delivers_one_item_of_each_channel_and_records_it() -> None:
    log: list[Item] = []
    outside = Outside(recorder=log.append)
    console, card = Receiver(), Receiver()
    outside.attach("console", console)
    outside.attach("nic@1", card)
    outside.type(b"ab")
    outside.put("nic@1", b"packet")
    assert outside.waiting
    assert outside.poll(10, 400)
    assert (console.got, card.got) == ([b"a"], [b"packet"])
    assert outside.poll(20, 800)
    assert not outside.poll(30, 1200)
    assert log == [
        Input(10, 400, "console", b"a"),
        Input(10, 400, "nic@1", b"packet"),
        Input(20, 800, "console", b"b"),
    ]


def test_what_has_no_room_waits_at_the_door() -> None:
    outside, receiver = Outside(), Receiver(room=1)
    outside.attach("console", receiver)
    outside.type(b"ab")
    outside.poll(0, 0)
    assert not outside.waiting
    assert not outside.poll(1, 40)
    receiver.room = 2
    assert outside.poll(2, 80)
    assert receiver.got == [b"a", b"b"]


def test_replay_delivers_what_was_recorded_when_it_was() -> None:
    log = [Answer("epoch", b"\1"), Input(5, 200, "console", b"x")]
    again: list[Item] = []
    outside, receiver = Outside(again.append, replay=InputHistory(log)), Receiver()
    outside.attach("console", receiver)
    assert outside.ask("epoch", lambda: b"\2") == b"\1"
    outside.type(b"ignored")
    assert outside.next_input == log[1]
    assert not outside.poll(4, 160)
    assert outside.poll(5, 200)
    assert (receiver.got, outside.closed) == ([b"x"], True)
    assert again == log


def test_a_log_that_does_not_fit_is_noticed() -> None:
    outside = Outside(replay=InputHistory([Answer("seed", b"")]))
    with pytest.raises(DivergenceError, match="epoch"):
        outside.ask("epoch", lambda: b"")


def test_a_history_can_be_entered_anywhere_and_may_grow() -> None:
    history = InputHistory([Input(5, 200, "console", b"x"), Answer("files", b"1")])
    position = history.end
    assert position == Position(1, {"files": 1})
    outside, receiver = Outside(), Receiver()
    outside.attach("console", receiver)
    outside.replay(history, position)
    assert (outside.next_input, outside.closed) == (None, True)
    for item in (Input(9, 360, "console", b"y"), Answer("files", b"2"), Sector(2, 7, b"s")):
        history.add(item)
    assert outside.poll(9, 360)
    assert (receiver.got, outside.ask("files", lambda: b"")) == ([b"y"], b"2")
    assert outside.position == history.end
    assert history.sectors == {2: {7: b"s"}}


def test_waiting_ends_at_once_when_something_comes() -> None:
    outside = Outside()
    outside.attach("console", Receiver())
    assert not outside.wait(0.001)
    threading.Timer(0.02, outside.type, [b"!"]).start()
    started = time.monotonic()
    assert outside.wait(30)
    assert time.monotonic() - started < 10
    other = Outside()
    other.attach("console", Receiver())
    for end in (other.disturb, other.close):
        threading.Timer(0.02, end).start()
        assert not other.wait(None)
    assert not other.wait(0.001)


def test_channels_without_a_receiver_are_drained() -> None:
    outside = Outside()
    outside.put("nowhere", b"x")
    assert not outside.poll(0, 0)
    assert not outside.waiting
