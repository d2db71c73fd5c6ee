"""`kseg timeline`: what happened when in a recorded run."""

import json
import shutil
import sys
from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from kseg.cli import lazy_click as click
from kseg.cli import options
from kseg.cli.parameters import File

if TYPE_CHECKING:
    from kseg.api.timeline import Timeline

BLOCKS = "▁▂▃▄▅▆▇█"
LETTERS = ".:-=+*%#"
"""Eight heights, and what shows them where there are no blocks."""
NARROWEST = 20
NARROWEST_TERMINAL = 8
"""Columns for the time where there is no room for more."""
LABEL = 17
TOTAL = 10
MARK = 9
"""The longest that is written below a column, and a blank."""
SECOND = 1_000_000_000


@click.command()
@options.engine
@click.option(
    "--width",
    type=click.IntRange(NARROWEST, 2000),
    metavar="N",
    help="Columns for the time (default: as the terminal has).",
)
@click.option("--list", "listed", is_flag=True, help="List output, input, markers, keyframes.")
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON object.")
@click.argument("log", type=File("log"))
def timeline(engine: str, width: int | None, listed: bool, as_json: bool, log: str) -> None:
    """Repeat the run that LOG was written of, and show what happened when: how busy the processors
    were, exceptions, system calls, context switches, disk and console, and where the log has
    markers and keyframes, from which a replay can start.

    Context switches are what looks like it without knowledge of the kernel: another ASID, a return
    from an exception to another stack than it came from, exceptions of the kernel on another stack
    than the last.
    """
    from kseg.api.replay import Replay
    from kseg.api.timeline import timeline as gather
    from kseg.cli.output import one_line

    replay = Replay(log, engine=engine)
    with replay.machine:
        found = gather(replay)
    if replay.log.problem:
        click.echo(f"kseg: log {log}: {one_line(replay.log.problem)}", err=True)
    if as_json:
        click.echo(json.dumps(as_data(found)))
        return
    for line in chart(found, width or _width()):
        click.echo(line)
    if listed:
        click.echo()
        for moment in found.moments:
            at = f"{moment.time / SECOND:12.6f} s {moment.cycle:>14}"
            click.echo(f"{at}  {moment.kind:<8}  {one_line(moment.text)}")


def _width() -> int:
    return max(shutil.get_terminal_size().columns - LABEL - TOTAL - 2, NARROWEST_TERMINAL)


def chart(found: "Timeline", width: int) -> Iterator[str]:
    """The lines of a chart: each lane to its own scale."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    heights = BLOCKS if encoding == "utf8" else LETTERS
    seconds = found.time / SECOND
    room = LABEL + width + TOTAL + 2
    head = f"{seconds:.6f} s, {found.cycle} cycles; a column is {_duration(seconds / width)}"
    yield from wrap(head, room)
    for lane, counts in found.lanes.items():
        total = sum(counts)
        columns = found.columns(lane, width)
        highest = max(columns)
        bars = "".join(
            " " if not each else heights[min(each * len(heights) // (highest + 1), 7)]
            for each in columns
        )
        shown = f"{total} k" if lane == "executing" else str(total)
        yield f"{lane:<{LABEL}} {bars} {shown:>{TOTAL}}"
    for kind in ("keyframe", "marker"):
        marks = [" "] * width
        times = [each.time for each in found.moments if each.kind == kind]
        for time in times:
            marks[min(time * width // max(found.time, 1), width - 1)] = "|"
        yield f"{kind + 's':<{LABEL}} {''.join(marks)} {len(times):>{TOTAL}}"
    yield f"{'':<{LABEL}} {_axis(seconds, width)}"
    if found.exceptions:
        parts = (f"{name} {number}" for name, number in found.exceptions.most_common())
        yield from wrap(f"exceptions: {', '.join(parts)}", room)


def _axis(seconds: float, width: int) -> str:
    """Times below the columns, at quarters where there is room for them."""
    line = [" "] * width
    parts = max(min(4, width // MARK), 1)
    for part in range(parts):
        text = f"|{_duration(seconds * part / parts)}"
        place = width * part // parts
        line[place : place + len(text)] = text
    return "".join(line[:width])


def _duration(seconds: float) -> str:
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds * 1e9:.3g} ns" if seconds else "0"


def as_data(found: "Timeline") -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "cycles": found.cycle,
        "time": found.time,
        "stretch": found.stretch,
        "lanes": found.lanes,
        "exceptions": dict(found.exceptions),
        "moments": [
            {"cycle": each.cycle, "time": each.time, "kind": each.kind, "text": each.text}
            for each in found.moments
        ],
    }
