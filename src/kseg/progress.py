"""How far long work has come, for a listener: the command line on a terminal is one."""

from collections.abc import Callable

listener: Callable[[str, bool], None] | None = None
"""Is told what is being done, and whether that will take a second or more in any case."""


def report(text: str, *, long: bool = False) -> None:
    """Say what is being done, and how far it is. Costs next to nothing without a listener."""
    if listener is not None:
        listener(text, long)


def share(done: int, whole: int) -> str:
    """How much is done, in percent."""
    return f"{min(100 * done // max(whole, 1), 100)} %"
