"""`kseg replay`: a recorded run, repeated."""

import os
from typing import TYPE_CHECKING

import click

from kseg.errors import DivergenceError

if TYPE_CHECKING:
    from kseg.api.replay import Replay
    from kseg.cli.output import Output


@click.command()
@click.option(
    "--engine", metavar="NAME", default="auto", help="How code is executed (see kseg run)."
)
@click.option(
    "--monitor", metavar="NAME", help="What the guest runs on (default: as it was recorded)."
)
@click.option(
    "--start",
    type=click.IntRange(min=0),
    default=0,
    metavar="CYCLE",
    help="Begin at the last keyframe in the log before CYCLE, instead of at the beginning.",
)
@click.option("--to", "limit", type=click.IntRange(min=0), metavar="CYCLE", help="Stop at CYCLE.")
@click.option("--stats", metavar="FILE", help="Write statistics as JSON; - is stdout.")
@click.option(
    "--gdb",
    metavar="ADDRESS",
    help="Let gdb go through the run, forwards and backwards: see kseg run. Waits for gdb.",
)
@click.argument("log")
def replay(
    engine: str,
    monitor: str | None,
    start: int,
    limit: int | None,
    stats: str | None,
    gdb: str | None,
    log: str,
) -> None:
    """Repeat the run that LOG was written of (kseg run --record LOG), and check that nothing
    differs. The console shows what it showed then, without waiting as the user did.

    Nothing but LOG is needed: no kernel, no disk image. Exit codes: those of the recorded run; 6
    when the replay differs from it.
    """
    from kseg.api.replay import Replay
    from kseg.cli.output import Output
    from kseg.cli.run import finish, listen, report
    from kseg.cli.session import Conditions, Session

    output = Output("kseg")
    if stats not in (None, "-"):
        from kseg.cli.statistics import check_destination

        check_destination(stats)
    repeated = Replay(
        log,
        engine=engine,
        monitor=monitor,
        start=start,
        output=output.console,
        message=output.message,
    )
    with repeated.machine as machine:
        conditions = Conditions(pace="fast", escape=None, limit=limit, idle_limit=0.0)
        session = Session(machine, output, conditions, os.devnull)
        if gdb is not None:
            history = repeated.travel()
            listen(session, machine, output, gdb, wait=True, remember=lambda: history)
        try:
            outcome = session.run()
        except DivergenceError:
            output.flush()
            raise
        _say(repeated, output)
        finish(output, outcome, lambda: report(machine, outcome, stats, output, limit="--to"))


def _say(repeated: "Replay", output: "Output") -> None:
    """How far it came, and how faithfully."""
    if repeated.log.problem:
        output.message(f"log {repeated.log.path}: {repeated.log.problem}")
    digests = repeated.follower.checked
    output.message(
        f"replayed to cycle {repeated.machine.cycles}: {digests} digest"
        f"{'' if digests == 1 else 's'} of the state, all the same"
    )
