"""When the next character is typed: rules on what the guest has printed since, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.machine.clock import EventClock, TimeModel
from kseg.machine.random_generator import RandomGenerator
from kseg.machine.typist import BUSY_PATIENCE, NOTHING, PATIENCE, ROOM, Typist


class Owner:
    def on_event(self, name: str, argument: int) -> None:
        raise NotImplementedError

    def check_event(self, name: str, argument: int) -> None:
        raise NotImplementedError


def clock(now: int, *, keeps_time: bool | None = None) -> EventClock:
    """One that shows this, and waits for nothing, a clock (True) or something else (False)."""
    made = EventClock(TimeModel(1, 1000, 1000), RandomGenerator())
    if keeps_time is not None:
        made.register("device", Owner(), ["event"], keeps_time=keeps_time)
        made.schedule(1 << 40, "device", "event")
    made.base = now
    return made


@pytest.mark.parametrize(
    ("typed", "printed", "echoed"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("\r", "\r", True),
        ("\r", "\n", True),
        ("\r", ">", False),
    ],
)
def test_an_echo(typed: str, printed: str, echoed: bool) -> None:
    typist = Typist()
    typist.types(ord(typed), 5)
    assert not typist.is_ready(clock(5, keeps_time=True), False)
    typist.heard(ord(printed), 7)
    assert typist.is_ready(clock(7, keeps_time=True), False) is echoed
    typist.heard(ord("!"), 8)  # Only what comes first is an answer.
    assert (typist.typed, typist.echoed, typist.quiet_since) == (NOTHING, echoed, 8)


@given(
    quiet=st.integers(0, 2 * BUSY_PATIENCE),
    answered=st.booleans(),
    all_idle=st.booleans(),
    keeps_time=st.sampled_from([None, True, False]),
)
def test_without_echo(quiet: int, answered: bool, all_idle: bool, keeps_time: bool | None) -> None:
    typist = Typist()
    typist.types(ord("a"), 100)
    if answered:
        typist.heard(ord("b"), 100)
    rests = all_idle and keeps_time is not False
    enough = PATIENCE if answered or rests else BUSY_PATIENCE
    at_once = rests and (answered or keeps_time is None)
    ready = typist.is_ready(clock(100 + quiet, keeps_time=keeps_time), all_idle)
    assert ready == (at_once or quiet >= enough)


@given(st.binary(min_size=1, max_size=2 * ROOM), st.integers(0, 2 * ROOM))
def test_what_is_lent_is_typed_or_taken_back(text: bytes, steps: int) -> None:
    typist = Typist()
    typist.waiting += text
    typist.lend()
    now, typed = clock(PATIENCE), bytearray()
    for _ in range(steps):
        typist.echoed = True
        if not typist.type_next(now, True):
            break
        typed.append(typist.typed)
        typist.arriving = NOTHING
    last = typist.take_back()
    assert last == b""
    assert typed + typist.waiting == text
    assert typist.waiting  # The last one is never typed natively.
