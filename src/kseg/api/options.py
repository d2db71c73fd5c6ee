"""Arguments that several ways to make or run a machine have in common, checked."""

from collections.abc import Sequence
from typing import Any

from kseg import engine as engines
from kseg import monitor as monitors
from kseg.api import checks
from kseg.boards.system161.board import NANOSECONDS_PER_CYCLE
from kseg.errors import ConfigurationError
from kseg.machine.clock import SECOND
from kseg.monitor.pace import PACES

MOST_QUANTUM = 1 << 32


RunOptions = dict[str, Any]
"""How a machine runs, by the fields of `kseg.api.setup.Setup`."""


def choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """One of some names; ConfigurationError otherwise."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigurationError(
            f"{name} {checks.shown(value)}: no such {name}; there are {', '.join(choices)}"
        )
    return value


def run_options(
    engine: Any,
    monitor: Any,
    rewriting: Any,
    pace: Any,
    progress_timeout: Any,
    stop_for_debugger: Any,
) -> RunOptions:
    """The arguments of `Machine`; KsegError for what they cannot be."""
    return dict(  # noqa: C408 - names, as they are passed on
        engine=choice("engine", engine, engines.CHOICES),
        monitor=choice("monitor", monitor, monitors.CHOICES),
        rewriting=checks.flag("rewriting", rewriting),
        pace=choice("pace", pace, PACES),
        progress_timeout=checks.whole("progress_timeout", progress_timeout),
        stop_for_debugger=checks.flag("stop_for_debugger", stop_for_debugger),
    )


def boot_string(arguments: Any) -> str:
    """One text, or several joined by blanks."""
    if isinstance(arguments, str):
        return checks.text("arguments", arguments)
    words = checks.several("arguments", arguments, "text, or a list of texts")
    return " ".join(checks.text("arguments", word) for word in words)


def limit_of(cycles: Any, seconds: Any) -> int | None:
    """So many cycles at the most; None without a limit."""
    limits = []
    if cycles is not None:
        limits.append(checks.cycles_of("cycles", cycles))
    if seconds is not None:
        nanoseconds = int(checks.seconds("seconds", seconds) * SECOND)
        limits.append(nanoseconds // NANOSECONDS_PER_CYCLE)
    return min(limits, default=None)
