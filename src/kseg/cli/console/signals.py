"""Signals while a guest runs: end with everything restored, stop and go on as a job."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from kseg import critical_section
from kseg.platform import signals

if TYPE_CHECKING:
    from kseg.platform.terminal import Terminal


class Ended(BaseException):
    """A signal asks this process to end. Not an Exception: no handler on the way may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _end(number: int, _frame: FrameType | None) -> None:
    # The first one is being obeyed; a second must not cut that short.
    signals.ignore(*signals.ENDING)

    def end() -> NoReturn:
        raise Ended(number)

    if not critical_section.postpone(end):
        end()


@contextmanager
def handled(before_stop: Callable[[], None], after_stop: Callable[[], None]) -> Iterator[None]:
    """Raise `Ended` where a signal says so; call `before_stop` and `after_stop` around a stop as
    a job. Signals that are ignored stay so, as nohup wants it."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        before_stop()
        signals.stop_as_if_unhandled(stop)

    def go_on(_number: int, _frame: FrameType | None) -> None:
        after_stop()

    handlers: dict[int, signals.Handler] = dict.fromkeys(signals.ENDING, _end)
    with signals.handled({**handlers, signals.STOP: stop, signals.GO_ON: go_on}):
        yield


@contextmanager
def in_front(terminal: "Terminal | None", host_stood_still: Callable[[], None]) -> Iterator[None]:
    """A guest runs, and has the user's terminal, if there is one. That is given back whatever
    happens, and while the job is stopped; `host_stood_still` is called when the job goes on.
    Signals that ask the process to end raise `Ended`."""

    def take() -> None:
        if terminal is not None:
            terminal.take()

    def give_back() -> None:
        if terminal is not None:
            terminal.give_back()

    def go_on() -> None:
        take()
        host_stood_still()

    # `kseg.cli.main` has put this off: what is there now is no garbage.
    gc.freeze()
    gc.enable()
    try:
        with handled(give_back, go_on):
            take()
            yield
    finally:
        give_back()


def exit_at(*numbers: int) -> None:
    """Let these signals end the process as `sys.exit` does: what was started is killed, what was
    made is removed."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    signals.handle(numbers, leave)
