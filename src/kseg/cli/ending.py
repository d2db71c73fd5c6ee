"""How a command that runs a guest ends: what is said, what is written, and the exit code."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.cli.console.session import Outcome
    from kseg.cli.output import Output


FAILED = 1
"""The exit code of a run whose guest has failed."""


def report(
    vm: "Machine",
    outcome: "Outcome",
    stats: str | None,
    output: "Output",
    limit: str = "--max-cycles",
) -> None:
    """Say why it ended, where the guest has not, and write the statistics; `limit` is the option
    that limits cycles."""
    from kseg.monitor.stop import StopReason

    if outcome.stop.reason is StopReason.CYCLE_LIMIT:
        output.message(f"stopped after {vm.cycles} cycles ({limit})")
    elif outcome.stop.reason is StopReason.FATAL:
        from kseg.monitor.boot_rom import place_of

        number = outcome.stop.processor or 0
        place = place_of(vm.board.processors[number])
        output.message(
            f"the guest did what its hardware does not survive, before pc {place:#010x} on"
            f" processor {number}: {outcome.stop.message}"
        )
    elif outcome.stop.reason is StopReason.IDLE:
        output.message(
            "the guest waits for input, but the input has ended; "
            "end it with a command that switches the machine off, or give a terminal"
        )
    if stats is not None:
        from kseg.cli.statistics import as_data, write

        # The compiler is done with what it has begun: that counts, too.
        vm.engine.settle()
        write(stats, as_data(vm, outcome.stop))


def finish(
    output: "Output",
    outcome: "Outcome",
    before: Callable[[], None],
    close: Callable[[], None] = lambda: None,
) -> NoReturn:
    """Bring the output to its end and exit as the outcome says; `close` is called where no `with`
    will do it, because a signal ends the process."""
    from kseg.cli.output import OutputClosed
    from kseg.platform.signals import die_of

    code = outcome.exit_code
    try:
        if output.is_terminal:
            output.finish_line()
        output.flush()
        before()
    except OutputClosed:
        code = 141
    if outcome.signal is not None:
        close()
        die_of(outcome.signal)
    sys.exit(code)
