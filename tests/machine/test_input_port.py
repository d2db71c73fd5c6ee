import threading
import time

import pytest

from kseg.errors import DivergenceError
from kseg.machine.input_history import Answer, Input, InputHistory, Item, Position, Sector
from kseg.machine.input_port import InputPort


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
    input_port = InputPort(recorder=log.append)
    console, card = Receiver(), Receiver()
    input_port.attach("console", console)
    input_port.attach("nic@1", card)
    input_port.type(b"ab")
    input_port.put("nic@1", b"packet")
    assert input_port.waiting
    assert input_port.poll(10, 400)
    assert (console.got, card.got) == ([b"a"], [b"packet"])
    assert input_port.poll(20, 800)
    assert not input_port.poll(30, 1200)
    assert log == [
        Input(10, 400, "console", b"a"),
        Input(10, 400, "nic@1", b"packet"),
        Input(20, 800, "console", b"b"),
    ]


def test_what_has_no_room_waits_at_the_door() -> None:
    input_port, receiver = InputPort(), Receiver(room=1)
    input_port.attach("console", receiver)
    input_port.type(b"ab")
    input_port.poll(0, 0)
    assert not input_port.waiting
    assert not input_port.poll(1, 40)
    receiver.room = 2
    assert input_port.poll(2, 80)
    assert receiver.got == [b"a", b"b"]


def test_replay_delivers_what_was_recorded_when_it_was() -> None:
    log = [Answer("epoch", b"\1"), Input(5, 200, "console", b"x")]
    again: list[Item] = []
    input_port, receiver = InputPort(again.append, replay=InputHistory(log)), Receiver()
    input_port.attach("console", receiver)
    assert input_port.ask("epoch", lambda: b"\2") == b"\1"
    input_port.type(b"ignored")
    assert input_port.next_input == log[1]
    assert not input_port.poll(4, 160)
    assert input_port.poll(5, 200)
    assert (receiver.got, input_port.closed) == ([b"x"], True)
    assert again == log


def test_a_log_that_does_not_fit_is_noticed() -> None:
    input_port = InputPort(replay=InputHistory([Answer("seed", b"")]))
    with pytest.raises(DivergenceError, match="epoch"):
        input_port.ask("epoch", lambda: b"")


def test_a_history_can_be_entered_anywhere_and_may_grow() -> None:
    history = InputHistory([Input(5, 200, "console", b"x"), Answer("files", b"1")])
    position = history.end
    assert position == Position(1, {"files": 1})
    input_port, receiver = InputPort(), Receiver()
    input_port.attach("console", receiver)
    input_port.replay(history, position)
    assert (input_port.next_input, input_port.closed) == (None, True)
    for item in (Input(9, 360, "console", b"y"), Answer("files", b"2"), Sector(2, 7, b"s")):
        history.add(item)
    assert input_port.poll(9, 360)
    assert (receiver.got, input_port.ask("files", lambda: b"")) == ([b"y"], b"2")
    assert input_port.position == history.end
    assert history.sectors == {2: {7: b"s"}}


def test_waiting_ends_at_once_when_something_comes() -> None:
    input_port = InputPort()
    input_port.attach("console", Receiver())
    assert not input_port.wait(0.001)
    threading.Timer(0.02, input_port.type, [b"!"]).start()
    started = time.monotonic()
    assert input_port.wait(30)
    assert time.monotonic() - started < 10
    other = InputPort()
    other.attach("console", Receiver())
    for end in (other.disturb, other.close):
        threading.Timer(0.02, end).start()
        assert not other.wait(None)
    assert not other.wait(0.001)


def test_channels_without_a_receiver_are_drained() -> None:
    input_port = InputPort()
    input_port.put("nowhere", b"x")
    assert not input_port.poll(0, 0)
    assert not input_port.waiting
