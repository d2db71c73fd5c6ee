"""Critical sections that a signal must not cut in two: what is half written could not be relied on.

A handler of signals that is about to raise asks `postpone` first; inside `critical_section` it is
called again when the section is over. Handlers run in the main thread, so only sections there
count.
"""

from collections.abc import Callable
from contextlib import ContextDecorator
from threading import get_ident, main_thread
from types import TracebackType

_depth = 0
_postponed: Callable[[], None] | None = None


class CriticalSection(ContextDecorator):
    """`with critical_section:` around what is short and has to be finished once begun, or
    `@critical_section` before a function that is; may be nested."""

    def __enter__(self) -> None:
        global _depth
        if get_ident() == main_thread().ident:
            _depth += 1

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        global _depth, _postponed
        if get_ident() != main_thread().ident:
            return
        _depth -= 1
        if not _depth and _postponed is not None:
            late, _postponed = _postponed, None
            late()


critical_section = CriticalSection()


def postpone(act: Callable[[], None]) -> bool:
    """Whether the main thread is in a critical section; `act` is then called at its end, the first
    of several."""
    global _postponed
    if not _depth:
        return False
    if _postponed is None:
        _postponed = act
    return True
