"""Signals wait for the end of a critical section, and no longer."""

import signal
import threading
from collections.abc import Iterator

import pytest

from kseg.cli.console.signals import Ended, handled
from kseg.critical_section import critical_section, postpone


@pytest.fixture
def handling() -> Iterator[None]:
    with handled(lambda: None, lambda: None):
        yield


@pytest.mark.usefixtures("handling")
def test_a_signal_waits_for_the_end_of_the_moment() -> None:
    done = []

    def work() -> None:
        with critical_section:
            with critical_section:
                signal.raise_signal(signal.SIGTERM)
                done.append("inner")
            done.append("outer")

    with pytest.raises(Ended) as ended:
        work()
    assert done == ["inner", "outer"]
    assert ended.value.number == signal.SIGTERM


@pytest.mark.usefixtures("handling")
def test_outside_it_is_obeyed_at_once() -> None:
    with critical_section:
        pass
    with pytest.raises(Ended):
        signal.raise_signal(signal.SIGTERM)


def test_other_threads_hold_up_nothing() -> None:
    inside, over = threading.Event(), threading.Event()

    def work() -> None:
        with critical_section:
            inside.set()
            over.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(10)
    assert not postpone(lambda: None)
    over.set()
    thread.join()
