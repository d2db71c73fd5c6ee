"""Devices and burst loop as native code, held to what CPython makes of the same text."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg import Machine
from kseg.boards.system161.interrupts import Interrupts
from kseg.devices.lines import Wires
from kseg.machine.clock import EventClock
from kseg.machine.input_port import InputPort
from kseg.monitor import native, run_loop
from kseg.platform.code import NativeCodeError
from tests.devices.test_native import Plain

SCRIPT = "format a:; sort 300 > a:/f; cat a:/f; misses 50; spawn 3; sleep 1; crc 900; halt"
few = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def machine(engine: str, *, plain: bool = False, monitor: str = "bare") -> Iterator[Machine]:
    """One that is at work on its disk, its console and its timer; `plain`: CPython runs the
    devices."""
    with Machine("cms", SCRIPT, epoch=0, engine=engine, monitor=monitor) as made:
        if plain:
            made.board.device_trace = lambda _kind, _slot, _text: None
        yield made


def everything(of: Machine) -> Any:
    return of.board.save(), of.console.output, of.cycles


@pytest.mark.parametrize("monitor", ["bare", "hybrid"])
@few
@given(cuts=st.lists(st.integers(1, 400_000), min_size=1, max_size=6), forks=st.booleans())
def test_native_devices_do_what_the_plain_ones_do(
    monitor: str, cuts: list[int], forks: bool
) -> None:
    """Wherever the machine stands meanwhile, and is copied."""
    with (
        machine("interpreter", monitor=monitor) as fast,
        machine("interpreter", plain=True, monitor=monitor) as slow,
    ):
        for cut in cuts:
            fast.run(cycles=cut)
            slow.run(cycles=cut)
            assert everything(fast) == everything(slow)
        if forks:
            with fast.fork() as clone:
                clone.run(cycles=500_000)
                slow.run(cycles=500_000)
                assert clone.board.save() == slow.board.save()


def test_the_whole_run_is_the_same() -> None:
    with machine("translator") as fast, machine("interpreter", plain=True) as slow:
        assert fast.run() == slow.run()
        assert everything(fast) == everything(slow)


LINES = [
    "help",
    "echo some words",
    "format a:",
    "sort 40 > a:/f",
    "cat a:/f",
    "sleep 1",
    "",
    "x\x7fy",
]


@pytest.mark.parametrize("monitor", ["bare", "hybrid"])
@few
@given(
    lines=st.lists(st.sampled_from(LINES), min_size=2, max_size=6),
    cuts=st.lists(st.integers(1, 3_000_000), min_size=1, max_size=5),
    more=st.booleans(),
)
def test_native_code_types_as_python_does(
    monitor: str, lines: list[str], cuts: list[int], more: bool
) -> None:
    """At the same cycles, wherever the machine stands meanwhile."""
    script = "\r".join([*lines, "halt\r"])
    given: dict[str, Any] = {"epoch": 0, "engine": "interpreter", "monitor": monitor}
    with (
        Machine("cms", input=script, **given) as fast,
        Machine("cms", input=script, **given) as slow,
    ):
        slow.board.device_trace = lambda _kind, _slot, _text: None
        for cut in cuts:
            fast.run(cycles=cut)
            slow.run(cycles=cut)
            assert everything(fast) == everything(slow)
            assert fast.paced_input.save() == slow.paced_input.save()
            assert fast.board.input_port.queued() == slow.board.input_port.queued()
        if more:
            fast.console.send("words\r")
            slow.console.send("words\r")
        with fast.fork() as clone:
            assert clone.run(seconds=60) == slow.run(seconds=60)
            assert everything(clone)[0] == everything(slow)[0]


def test_what_waits_is_typed_natively(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python types the last character, and is hardly asked before."""
    asked = []
    monkeypatch.setattr(InputPort, "type", lambda _port, data: asked.append(data))
    with Machine("cms", input="echo " + "x" * 900 + "\r", engine="interpreter") as made:
        made.run(seconds=5)
        assert made.console.output.count("x") > 100
    assert len(b"".join(asked)) < 200


def test_a_host_without_native_code_has_the_same_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    with machine("interpreter") as native_one:
        native_one.run(cycles=2_000_000)
        expected = everything(native_one)

    def none(_board: Any) -> Any:
        raise NativeCodeError("not here")

    monkeypatch.setattr(native, "NativeBoard", none)
    with machine("interpreter") as other:
        other.run(cycles=2_000_000)
        assert everything(other) == expected


def test_it_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    """The methods in Python are not called."""

    def called(*_arguments: int) -> None:
        raise AssertionError

    with machine("interpreter") as fast:
        serial = next(card for card in fast.board.cards if card.name == "serial")
        monkeypatch.setattr(serial, "on_event", called)  # at the end of each character
        fast.run(cycles=1_000_000)
        assert fast.console.output


@pytest.mark.parametrize(("name", "method"), [("disk", "_transfer"), ("serial", "_present")])
def test_what_python_raises_comes_out_of_the_run(
    name: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: int) -> None:
        raise KeyError(method)

    with machine("interpreter") as made:
        card = next(card for card in made.board.cards if card.name == name)
        monkeypatch.setattr(card, method, broken)
        made.console.send("x")
        with pytest.raises(KeyError, match=method):
            made.run()
        monkeypatch.undo()
        made.run(cycles=1000)  # It stands as it did, and can run on.


def test_a_queue_that_cannot_grow_is_not_written_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_clock: EventClock, _room: int) -> None:
        raise OverflowError("no more")

    with machine("interpreter") as made:
        made.run(cycles=1_000_000)
        clock = made.board.clock
        monkeypatch.setattr(EventClock, "_make_room", full)
        clock.room = clock.count
        with pytest.raises(OverflowError, match="no more"):
            made.run()
        assert clock.count <= clock.room


def test_who_has_asked_last_is_known() -> None:
    with machine("interpreter") as made:
        made.board.bus.asking_processor = 7
        made.run(cycles=1_000_000)
        assert made.board.bus.asking_processor == 0


def test_native_code_is_of_a_device_and_its_bus() -> None:
    """On another bus its interrupts go another way."""
    names = {native.of_device(Plain, lines).name for lines in (Interrupts, Wires)}
    assert len(names) == 2
    assert {source.name for source in native.of_device(Plain, Wires).sources()} >= {
        "test_native.py", "lines.py", "device.py",
    }  # fmt: skip


def test_a_run_loop_is_not_kept_by_what_native_code_calls() -> None:
    import gc
    import weakref

    with machine("interpreter") as made:
        made.run(cycles=1000)
        seen = weakref.ref(made.monitor)
        assert isinstance(seen(), run_loop.RunLoop)
    del made
    gc.collect()
    assert seen() is None
