"""Signals: what asks this process to end, or to stop and go on as a job of the user's shell."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

Handler = Callable[[int, FrameType | None], None]

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What asks for the end."""
UNTYPED_ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Of these, what no key sends."""
INTERRUPT = signal.SIGINT
"""What Ctrl-C sends to all processes of a job."""
STOP, GO_ON = signal.SIGTSTP, signal.SIGCONT
READER_GONE = 128 + signal.SIGPIPE
"""What a shell takes for the exit code of a process whose output is no longer read."""


@contextmanager
def handled(handlers: Mapping[int, Handler]) -> Iterator[None]:
    """Let these handlers have these signals, but those that are ignored stay so, as nohup wants
    it."""
    before = {}
    try:
        for number, handler in handlers.items():
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def handle(numbers: tuple[int, ...], handler: Handler) -> None:
    """Let a handler have these signals, from now on."""
    for number in numbers:
        signal.signal(number, handler)


def ignore(*numbers: int) -> None:
    """They do nothing to this process from now on."""
    for number in numbers:
        # Python complains of one that has come already and is ignored when its turn is.
        signal.signal(number, _nothing)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Takes a signal."""


def let_interrupt_end() -> None:
    """INTERRUPT ends this process from now on, and it is not said where; if not ignored."""
    if signal.getsignal(INTERRUPT) is not signal.SIG_IGN:
        signal.signal(INTERRUPT, signal.SIG_DFL)


def let_interrupt_raise() -> None:
    """INTERRUPT raises KeyboardInterrupt again, as in any program in Python."""
    if signal.getsignal(INTERRUPT) is signal.SIG_DFL:
        signal.signal(INTERRUPT, signal.default_int_handler)


def stop_as_if_unhandled(handler: Handler) -> None:
    """Stop this process as STOP does, until it goes on; then `handler` has that signal again."""
    signal.signal(STOP, signal.SIG_DFL)
    os.kill(os.getpid(), STOP)
    signal.signal(STOP, handler)


def stop_job() -> None:
    """Send STOP to all processes of the job that this one belongs to, as Ctrl-Z does it."""
    os.kill(0, STOP)


def die_of(number: int) -> NoReturn:
    """End as if the signal had never been handled, so that a shell sees what happened."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def end_after(seconds: int) -> None:
    """End this process, whatever it does, unless this is called again before so many seconds have
    passed; 0: let it live."""
    signal.alarm(seconds)
