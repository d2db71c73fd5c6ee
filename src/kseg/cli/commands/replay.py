"""`kseg replay`: a recorded run, repeated."""

import os
import sys
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING

from kseg import progress
from kseg.cli import lazy_click as click
from kseg.cli import options
from kseg.cli.console.cast import VERSIONS, Cast
from kseg.cli.console.cast import Events as CastEvents
from kseg.cli.console.cast import Session as CastSession
from kseg.cli.parameters import File
from kseg.errors import DivergenceError, KsegError
from kseg.monitor.observer import Observer

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.api.replay import Replay
    from kseg.cli.output import Output
    from kseg.machine.clock import EventClock


@click.command()
@options.engine
@options.monitor
@click.option(
    "--start",
    type=click.IntRange(min=0),
    default=0,
    metavar="CYCLE",
    help="Begin at the last keyframe in the log before CYCLE, instead of at the beginning.",
)
@click.option("--to", "limit", type=click.IntRange(min=0), metavar="CYCLE", help="Stop at CYCLE.")
@options.saves
@options.stats
@options.gdb
@click.option(
    "--cast",
    type=File(),
    help="Write the console session as an asciicast, which asciinema plays; times are virtual.",
)
@click.option(
    "--cast-version",
    type=click.Choice(VERSIONS),
    default="2",
    help="Version of the asciicast format (default: 2).",
)
@options.symbols
@click.option(
    "--report",
    "wants_report",
    is_flag=True,
    help="Report on the guest as it stands at the end: registers, back-traces, threads.",
)
@click.argument("log", type=File("log"))
def replay(
    engine: str,
    monitor: str | None,
    start: int,
    limit: int | None,
    saves: tuple[tuple[int, str], ...],
    stats: str | None,
    gdb: str | None,
    cast: str | None,
    cast_version: str,
    symbols: tuple[str, ...],
    wants_report: bool,
    log: str,
) -> None:
    """Repeat the run that LOG was written of (kseg run --record LOG), and check that nothing
    differs. The console shows what it showed then, without waiting as the user did.

    Nothing but LOG is needed: no kernel, no disk image. Exit codes: those of the recorded run; 6
    when the replay differs from it; 4 at --to.
    """
    from kseg.api.replay import Replay
    from kseg.cli.commands.run import listen
    from kseg.cli.console.session import Conditions, Session
    from kseg.cli.ending import finish, report
    from kseg.cli.output import Output, check_destination

    output = Output("kseg")
    check_destination("statistics", stats)
    repeated = Replay(
        log,
        engine=engine,
        monitor=monitor,
        start=start,
        output=output.console,
        message=output.message,
    )
    with repeated.machine as machine:
        for path in symbols:
            machine.symbols.add(path)
        filmed = None if cast is None else _film(repeated, cast, cast_version)
        wanted = tuple(sorted(saves))
        conditions = Conditions("fast", None, limit=limit, idle_limit=0.0, saves=wanted)
        session = Session(machine, output, conditions, os.devnull)
        last = repeated.log.last_cycle if limit is None else limit
        machine.observers.add(_Progress(machine, last))
        if gdb is not None:
            history = repeated.travel()
            listen(session, machine, output, gdb, wait=True, remember=lambda: history)
        try:
            outcome = session.run()
        except DivergenceError as error:
            if filmed is not None:
                filmed.finish(machine.board.clock.now, None)
            _explain(repeated, error, output)
            sys.exit(error.exit_code)
        if filmed is not None:
            ended = None if limit == machine.cycles else outcome.exit_code
            filmed.finish(machine.board.clock.now, ended)
        _say(repeated, output)

        def end() -> None:
            report(machine, outcome, stats, output, limit="--to")
            if wants_report:
                for line in machine.report(outcome.stop).lines():
                    output.message(line)

        finish(output, outcome, end)


def _film(repeated: "Replay", path: str, version: str) -> CastSession:
    """Let what the guest prints, what was typed and what was marked go into an asciicast."""
    machine, log = repeated.machine, repeated.log
    origin, began = log.first.snapshot.header.origin, machine.board.clock.now
    name = Path(origin.kernel).stem
    boot = origin.boot_string.decode(errors="replace")
    cast = Cast(path, version, began=began, created=origin.created, title=f"{name} {boot}".rstrip())
    typed: CastEvents = (
        (each.time, each.data) for each in log.history.inputs if each.channel == "console"
    )
    marked: CastEvents = ((each.time, each.text) for each in log.markers)
    events = merge(typed, marked, key=lambda each: each[0])
    film = CastSession(cast, (each for each in events if each[0] >= began))
    machine.observers.add(_Filming(film, machine.board.clock))
    return film


class _Filming(Observer):
    """Lets what a guest prints go into an asciicast."""

    each_character = True

    def __init__(self, film: CastSession, clock: "EventClock") -> None:
        self._film, self._clock = film, clock

    def printed(self, data: bytes) -> None:
        self._film.printed(self._clock.now, data)


class _Progress(Observer):
    """Says how far a replay has come."""

    def __init__(self, machine: "Machine", end: int) -> None:
        self._machine, self._begin, self._end = machine, machine.cycles, end

    def between_bursts(self) -> None:
        done = progress.share(self._machine.cycles - self._begin, self._end - self._begin)
        progress.report(f"  [replaying: {done}]")


def _explain(repeated: "Replay", error: DivergenceError, output: "Output") -> None:
    """What differs, and since when."""
    output.message(str(error))
    output.message("looking for the first cycle that differs")
    try:
        lines = repeated.explain(error)
    except KsegError as problem:
        lines = [f"it cannot be found: {problem}"]
    for line in lines:
        output.message(line)


def _say(repeated: "Replay", output: "Output") -> None:
    """How far it came, and how faithfully."""
    if repeated.log.problem:
        output.message(f"log {repeated.log.path}: {repeated.log.problem}")
    digests = repeated.verifier.checked
    output.message(
        f"replayed to cycle {repeated.machine.cycles}: {digests} digest"
        f"{'' if digests == 1 else 's'} of the state, all the same"
    )
