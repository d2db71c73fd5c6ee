"""Moments that a signal must not cut in two: what is half written then could not be relied on.

A handler of signals that is about to raise asks `postpone` first; inside `whole` it is called again
when the moment is over. Handlers run in the main thread, so only moments there count.
"""

from collections.abc import Callable
from threading import get_ident, main_thread
from types import TracebackType

_depth = 0
_late: Callable[[], None] | None = None


class Whole:
    """`with whole:` around what is short and has to be finished once begun; may be nested."""

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
        global _depth, _late
        if get_ident() != main_thread().ident:
            return
        _depth -= 1
        if not _depth and _late is not None:
            late, _late = _late, None
            late()


whole = Whole()


def postpone(act: Callable[[], None]) -> bool:
    """Whether a moment is under way; `act` is then called when it is over, the first of several."""
    global _late
    if not _depth:
        return False
    if _late is None:
        _late = act
    return True
