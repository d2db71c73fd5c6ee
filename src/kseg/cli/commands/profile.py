"""`kseg profile`: `kseg run` under a profiler."""

from typing import Any

from kseg.cli import lazy_click as click
from kseg.cli import options
from kseg.cli.commands.run import run
from kseg.cli.console.diagnostics import ProfileOptions
from kseg.cli.parameters import File

EPILOG = """
All options of kseg run are taken too, and its exit codes are given. Samples are at exact virtual
times: the guest does to the cycle what it does without a profiler.
"""


@click.guest_command(epilog=EPILOG)
@click.option(
    "--hz",
    type=click.IntRange(1, 1_000_000),
    default=1000,
    metavar="N",
    help="Samples in a virtual second, of each processor (default: 1000).",
)
@click.option(
    "--stacks/--no-stacks",
    default=True,
    help="Whether samples have back-traces (default: they have).",
)
@click.option(
    "--table",
    type=File(),
    default="-",
    help="Where to write the table of functions; - is stdout (default).",
)
@click.option("--flame", type=File(), help="Write a flame graph, an SVG file.")
@click.option("--folded", type=File(), help="Write folded stacks, for flame graph tools.")
@click.option("--gmon", type=File(), help="Write the kernel's profile for GNU gprof.")
@options.replay
def profile(
    hz: int,
    stacks: bool,
    table: str,
    flame: str | None,
    folded: str | None,
    gmon: str | None,
    **given: Any,
) -> None:
    """Run KERNEL as kseg run does, and say where its time went.

    A table of functions goes to stdout when the guest has ended: the time spent in each one itself,
    and with all that it called. Time in which a processor waits is counted apart.
    """
    wanted = ProfileOptions(hz, stacks, table, flame, folded, gmon)
    run.function(profile=wanted, **given)


profile.parameters += run.parameters
