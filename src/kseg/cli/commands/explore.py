"""`kseg explore`: the same guest under many timings of its interrupts."""

import gc
import re
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from kseg.cli import lazy_click as click
from kseg.cli import options
from kseg.cli.input import typed
from kseg.cli.machine import machine_for
from kseg.cli.parameters import Directory, Name, Seconds, Text
from kseg.errors import KsegError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kseg.api.machine import Machine

EPILOG = """
Exit codes: 0 no seed failed; 1 some did, or the guest fails anyway; 2 wrong usage, configuration or
files, or there was nothing to explore; 128 + N ended by signal N.
"""

LONGEST_START = 60.0
"""Virtual seconds in which a guest must come to the starting point, and then pass unperturbed,
where nobody sets a limit."""


class Seeds(click.Type):
    """N, or A..B."""

    name = "N|A..B"

    def convert(self, value: Any, param: Any, ctx: Any) -> range:
        if isinstance(value, range):
            return value
        match = re.fullmatch(r"(?:(\d{1,18})\.\.)?(\d{1,18})", str(value), re.ASCII)
        if match is None:
            self.fail(f"{value}: give a number of seeds, or the first and the last: 10..20")
        first = 1 if match[1] is None else int(match[1])
        found = range(first, int(match[2]) + 1)
        if not found:
            self.fail(f"{value}: there is no seed in it", param, ctx)
        return found


def _strategies() -> "Iterable[str]":
    from kseg.exploration.plans import STRATEGIES

    return STRATEGIES


@click.guest_command(epilog=EPILOG)
@click.option(
    "--expect",
    type=Text("TEXT"),
    help="What a guest prints that has done it right (default: it switches off, without a panic).",
)
@click.option("--reject", type=Text("TEXT"), help="What a guest prints that has failed.")
@click.option("--regex", is_flag=True, help="TEXT of the two is a regular expression.")
@click.option(
    "--seeds",
    type=Seeds(),
    default="100",
    show_default=True,
    help="So many runs, with the seeds from 1 on, or those from A to B.",
)
@click.option(
    "--strategy",
    type=Name("NAME", _strategies),
    default="mix",
    help="When interrupts come: shared, where threads touch what others touch; random, at any time;"
    " pct, few in a run; places, anywhere in the code; mix, of the first three (default).",
)
@click.option(
    "--preemptions",
    type=click.IntRange(0),
    metavar="K",
    help="So many in a run at most (default: 10; pct: 3).",
)
@click.option(
    "--seconds",
    "limit",
    type=Seconds("S"),
    help="Virtual seconds after which a run has failed (default: 4 times what it takes"
    " unperturbed, and 5).",
)
@click.option("--after", type=Text("TEXT"), help="Begin when the guest has printed this.")
@click.option("--jobs", "-j", type=click.IntRange(1, 1024), metavar="N", help="Runs at a time.")
@click.option(
    "--keep",
    type=Directory("DIR"),
    default="kseg-explore",
    help="Where failures are kept (default: kseg-explore).",
)
@click.option(
    "--shrink",
    is_flag=True,
    help="Find as few preemptions as make it fail, for the first failure of each kind.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    help="text: a line for each failure, and a summary (default); json: everything, at the end.",
)
@options.machine
@options.from_snapshot
@options.engine
@options.monitor
@options.quantum
@options.input_file
@options.guest
def explore(
    seeds: range,
    strategy: str,
    preemptions: int | None,
    limit: float | None,
    input_file: str | None,
    jobs: int | None,
    keep: str,
    shrink: bool,
    format_: str,
    expect: str | None,
    reject: str | None,
    regex: bool,
    after: str | None,
    engine: str,
    kernel: str | None,
    arguments: tuple[str, ...],
    **boot: Any,
) -> None:
    """Run KERNEL again and again from the same state, and let timer interrupts come at other
    moments each time: a program with a race fails in some of the runs. Failures are kept, and can
    be run again as they were.

    KERNEL and ARGUMENTS are as for kseg run. A run passes when the guest prints the expected text.
    It fails when the guest ends without, prints the rejected one before, or takes too long. What is
    printed before the starting point does not count. Disk images stay as they are.
    """
    from kseg.cli.commands.exploration_screen import Screen, as_data
    from kseg.cli.console.signals import Ended, handled
    from kseg.critical_section import critical_section
    from kseg.exploration.exploration import Exploration
    from kseg.exploration.start import Start
    from kseg.exploration.trial import Goal
    from kseg.platform.signals import die_of

    if limit == 0:
        raise click.UsageError("--seconds 0: give runs some time")
    for each in (expect, reject, after):
        _check_text(each)
        if regex:
            _check_expression(each)
    text = typed(input_file)
    screen = Screen(len(seeds), quiet=format_ == "json")
    signal = error = None
    exploration = None
    gc.enable()
    try:
        with handled(lambda: None, lambda: None):
            given = {**boot, "engine": engine, "overlay": True, "network": False}
            with machine_for(kernel, arguments, given) as machine:
                _go_to(machine, after, regex, limit or LONGEST_START)
                machine.console.send(text)
                start = Start(machine, engine)
            with start:
                exploration = Exploration(
                    start,
                    Goal(expect, reject, regex, limit or LONGEST_START),
                    strategy=strategy,
                    preemptions=preemptions,
                    limited=limit is not None,
                    engine=engine,
                    jobs=jobs,
                    keep=keep,
                    shrink=shrink,
                )
                screen.began(exploration)
                with closing(exploration.run(seeds)) as trials:
                    for trial in trials:
                        with (
                            critical_section
                        ):  # a signal in the middle of it would spoil what follows
                            screen.show(exploration, trial)
    except Ended as ended:
        signal = ended.number
    except KsegError as problem:
        # What has been found until then is shown all the same.
        if exploration is None:
            raise
        error = problem
    if exploration is not None:
        report = exploration.report
        screen.finish(report)
        if format_ == "json":
            click.echo(as_data(report))
    if signal is not None:
        sys.stdout.flush()
        die_of(signal)
    if error is not None:
        raise error
    assert exploration is not None
    if report.failures:
        sys.exit(1)
    if report.preemptions and not report.had_effect:
        raise KsegError(
            "no preemption took effect: the guest has set no timer, or executes too little; "
            "nothing was explored"
        )


def _check_text(text: str | None) -> None:
    try:
        (text or "").encode()
    except UnicodeEncodeError:
        raise click.UsageError(f"{text}: not a text in UTF-8") from None


def _check_expression(text: str | None) -> None:
    try:
        re.compile(text or "")
    except re.error as error:
        raise click.UsageError(f"{text}: not a regular expression: {error}") from None


def _go_to(machine: "Machine", after: str | None, regex: bool, limit: float) -> None:
    """Let the guest run until it has printed a text."""
    if after is None:
        return
    text = re.compile(after) if regex else after
    machine.console.expect(text, timeout=limit)
