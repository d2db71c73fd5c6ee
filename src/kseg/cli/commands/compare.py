"""`kseg compare`: a guest in every way to run it, side by side."""

import gc
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

from kseg import progress
from kseg.boards import DEFAULT
from kseg.cli import lazy_click as click
from kseg.cli import options
from kseg.cli.console.signals import exit_at
from kseg.cli.input import typed
from kseg.cli.machine import default_config
from kseg.cli.parameters import Names, Seconds
from kseg.platform import signals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kseg.compare.comparison import Comparison
    from kseg.compare.workload import Workload

EPILOG = """
Exit codes: 0 whatever the times; 1 two ways did different things; 2 wrong usage, configuration or
files.
"""

NARROWEST = 40
"""Columns of a terminal that are reckoned with."""


def _ways() -> "Iterable[str]":
    from kseg.compare.ways import WAYS

    return WAYS


@click.guest_command(epilog=EPILOG)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "svg"]),
    default="table",
    help="table: tables and bars (default); json: all figures; svg: a bar chart.",
)
@click.option(
    "--ways",
    type=Names("LIST", _ways),
    help="Among reference, interpreter, translator, trap-and-emulate, rewriting, hybrid"
    " (default: all).",
)
@click.option(
    "--limit",
    type=Seconds(),
    default=20.0,
    help="Time for a run of one way, and from which on it is not measured again (default: 20).",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=3,
    metavar="N",
    help="Measure every configuration N times, as far as the limit lets it (default: 3).",
)
@options.machine
@options.input_file
@options.idle_limit
@options.kernel
@options.arguments
def compare(
    format_: str,
    ways: tuple[str, ...] | None,
    limit: float,
    rounds: int,
    board: str | None,
    config: str | None,
    cpus: int | None,
    ram: str | None,
    input_file: str | None,
    disks: tuple[str, ...],
    share: str | None,
    seed: int | str | None,
    fpu: str | None,
    idle_limit: float,
    epoch: int | None,
    kernel: str,
    arguments: tuple[str, ...],
) -> None:
    """Run KERNEL with the same input in every way there is: each engine on the bare machine, each
    monitor on the fastest engine. Show times, who executed what, and what exits cost.

    KERNEL and ARGUMENTS are as for kseg run. It should switch itself off. All ways must do the same
    to the byte and the cycle, which is checked. Disk images and shared directories stay as they
    are.
    """
    from kseg.cli.console.idle_watch import IdleWatch
    from kseg.compare.comparison import compare as measure
    from kseg.compare.ways import WAYS
    from kseg.compare.workload import Workload

    workload = Workload(
        kernel,
        " ".join(arguments),
        board=board or DEFAULT,
        config=config or default_config(kernel, board or DEFAULT),
        cpus=cpus,
        ram=ram,
        disks=disks,
        share=share,
        seed=seed,
        fpu=fpu,
        epoch=epoch,
        input=typed(input_file),
    )
    exit_at(*signals.UNTYPED_ENDING)
    # As `kseg run` has it while a guest runs: what is there now is no garbage.
    gc.freeze()
    gc.enable()
    comparison = measure(
        workload,
        [WAYS[name] for name in ways or WAYS],
        rounds=rounds,
        limit=limit,
        finished=lambda machine: IdleWatch(machine, idle_limit).nothing_happens,
        say=say,
    )
    show(comparison, workload, format_)
    for difference in comparison.differences:
        click.echo(f"kseg: {difference}", err=True)
    if comparison.differences:
        sys.exit(1)


def say(text: str) -> None:
    """How far it is: a line in a log, or for a while on a terminal."""
    if os.isatty(2):
        progress.report(text, long=True)
    else:
        click.echo(f"kseg: {text}", err=True)


def show(comparison: "Comparison", workload: "Workload", format_: str) -> None:
    """Print it on stdout."""
    title = f"{workload.kernel} {workload.arguments}".strip()
    if format_ == "json":
        from kseg.compare.data import as_data

        click.echo(json.dumps(as_data(comparison, workload), indent=2))
    elif format_ == "svg":
        from kseg.compare.chart import chart

        click.echo(chart(comparison, title), nl=False)
    else:
        from kseg.cli.output import one_line
        from kseg.compare.table import text

        width = max(shutil.get_terminal_size().columns, NARROWEST)
        click.echo(text(comparison, one_line(title), width, paint))


def paint(bar: str, bare: bool) -> str:
    """In colour, which click leaves out where the output is no terminal."""
    painted: str = click.style(bar, fg="bright_black" if bare else "blue")
    return painted
