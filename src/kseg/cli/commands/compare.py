"""`kseg compare`: a guest in every way to run it, side by side."""

import gc
import json
import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import click

from kseg import progress
from kseg.cli.commands.bench import chosen, end
from kseg.cli.commands.run import seconds
from kseg.cli.guest_command import GuestCommand
from kseg.cli.machine import checked_seed, default_config

if TYPE_CHECKING:
    from kseg.compare.comparison import Comparison
    from kseg.compare.workload import Options

EPILOG = """
Exit codes: 0 whatever the times; 1 two ways did different things; 2 wrong usage, configuration or
files.
"""

NARROWEST = 40
"""Columns of a terminal that are reckoned with."""


@click.command(cls=GuestCommand, epilog=EPILOG)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "svg"]),
    default="table",
    help="table: tables and bars (default); json: all figures; svg: a bar chart.",
)
@click.option(
    "--ways",
    metavar="LIST",
    help="Among reference, interpreter, translator, trap-and-emulate, rewriting, hybrid"
    " (default: all).",
)
@click.option(
    "--limit",
    type=seconds,
    default=20.0,
    metavar="SECONDS",
    help="Time for a run of one way, and from which on it is not measured again (default: 20).",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=3,
    metavar="N",
    help="Measure every configuration N times, as far as the limit lets it (default: 3).",
)
@click.option("--config", "-c", metavar="FILE", help="Machine configuration, as for kseg run.")
@click.option("--cpus", type=click.IntRange(1, 32), metavar="N", help="Processors.")
@click.option("--ram", metavar="SIZE", help="Memory, such as 512K or 8M.")
@click.option("--input", "input_file", metavar="FILE", help="Type what FILE says; - is stdin.")
@click.option(
    "--disk",
    "disks",
    multiple=True,
    metavar="FILE",
    help="Disk image; may be repeated. It stays as it is.",
)
@click.option("--share", metavar="DIR", help="Directory of which every run gets a copy (emufs).")
@click.option("--seed", metavar="N", help="Seed of the random source; auto: a new one for all.")
@click.option(
    "--idle-limit",
    type=seconds,
    default=60.0,
    metavar="SECONDS",
    help="Stop a guest that has done nothing for so many virtual seconds (default: 60; 0: never).",
)
@click.option(
    "--epoch",
    type=click.IntRange(0, 0xFFFFFFFF),
    metavar="SECONDS",
    help="Calendar time at power-on, in seconds since 1970 (default: now, for all).",
)
@click.argument("kernel")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def compare(
    format_: str,
    ways: str | None,
    limit: float,
    rounds: int,
    config: str | None,
    cpus: int | None,
    ram: str | None,
    input_file: str | None,
    disks: tuple[str, ...],
    share: str | None,
    seed: str | None,
    idle_limit: float,
    epoch: int | None,
    kernel: str,
    arguments: tuple[str, ...],
) -> None:
    """Run KERNEL with the same input in every way there is: each engine on the bare machine, each
    monitor on the fastest engine. Show times, who executed what, and what exits cost.

    KERNEL and ARGUMENTS are as for kseg run. It should switch itself off. All ways must do the same
    to the byte and the cycle, which is checked.
    """
    from kseg.cli.console.idle_watch import IdleWatch
    from kseg.compare.comparison import compare as measure
    from kseg.compare.ways import WAYS
    from kseg.compare.workload import Options, Workload

    names = chosen("--ways", ways, tuple(WAYS))
    options = Options(
        kernel=kernel,
        arguments=" ".join(arguments),
        config=config or default_config(kernel),
        cpus=cpus,
        ram=ram,
        disks=disks,
        share=share,
        seed=checked_seed(seed),
        epoch=epoch,
        input=read_input(input_file),
    )
    workload = Workload(options)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    # As `kseg run` has it while a guest runs: what is there now is no garbage.
    gc.freeze()
    gc.enable()
    comparison = measure(
        workload,
        [WAYS[name] for name in names],
        rounds=rounds,
        limit=limit,
        finished=lambda machine: IdleWatch(machine, idle_limit).nothing_happens,
        say=say,
    )
    show(comparison, options, format_)
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


def show(comparison: "Comparison", options: "Options", format_: str) -> None:
    """Print it on stdout."""
    title = f"{options.kernel} {options.arguments}".strip()
    if format_ == "json":
        from kseg.compare.data import as_data

        click.echo(json.dumps(as_data(comparison, options), indent=2))
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
    return click.style(bar, fg="bright_black" if bare else "blue")


def read_input(name: str | None) -> bytes:
    """What a file says, as it is typed; KsegError if it cannot be read."""
    from kseg.cli.console.keyboard import LineEnds
    from kseg.cli.input import read_whole

    if name is None:
        return b""
    data = read_whole("input", name, "use a disk image or --share")
    return LineEnds().typed(data)
