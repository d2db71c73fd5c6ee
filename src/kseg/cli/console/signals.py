"""Signals while a guest runs: end with everything restored, stop and go on as a job."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from kseg import critical_section

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Ended(BaseException):
    """A signal asks this process to end. Not an Exception: no handler on the way may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _end(number: int, _frame: FrameType | None) -> None:
    for each in ENDING:
        # The first one is being obeyed; a second must not cut that short.
        signal.signal(each, signal.SIG_IGN)

    def end() -> NoReturn:
        raise Ended(number)

    if not critical_section.postpone(end):
        end()


@contextmanager
def handled(before_stop: Callable[[], None], after_stop: Callable[[], None]) -> Iterator[None]:
    """Raise `Ended` where a signal says so; call `before_stop` and `after_stop` around a stop as
    a job (SIGTSTP, SIGCONT). Signals that are ignored stay so, as nohup wants it."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        before_stop()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, stop)

    def go_on(_number: int, _frame: FrameType | None) -> None:
        after_stop()

    handlers: dict[int, Callable[[int, FrameType | None], None]] = {
        **dict.fromkeys(ENDING, _end),
        signal.SIGTSTP: stop,
        signal.SIGCONT: go_on,
    }
    before = {}
    try:
        for number, handler in handlers.items():
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def exit_at(*numbers: int) -> None:
    """Let these signals end the process as `sys.exit` does: what was started is killed, what was
    made is removed."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    for number in numbers:
        signal.signal(number, leave)


def die_of(number: int) -> NoReturn:
    """End as if the signal had never been handled, so that a shell sees what happened."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)
