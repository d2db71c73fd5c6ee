"""`kseg bench`: how fast kseg is, beside what else is installed here."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kseg.cli import lazy_click as click
from kseg.cli.console.signals import exit_at
from kseg.cli.output import check_destination, write_whole
from kseg.cli.parameters import File, Names, Text
from kseg.errors import KsegError
from kseg.platform import signals

if TYPE_CHECKING:
    from kseg.bench.harness import Effort

EPILOG = """
Peers are found in PATH, or named by SYS161, GXEMUL, QEMU_MIPS, QEMU_SYSTEM_MIPS, UNICORN_PYTHON
and CC; what is not there is left out. Exit codes: 0 whatever the times; 1 an engine of kseg's
failed, or two computed different things; 2 wrong usage.
"""


def _workloads() -> Iterable[str]:
    from kseg.bench.session import WORKLOADS

    return WORKLOADS


def _programs() -> Iterable[str]:
    from kseg.bench.programs import PROGRAMS

    return PROGRAMS


def _engines() -> Iterable[str]:
    from kseg.engine import ENGINES

    return ENGINES


def _peers() -> Iterable[str]:
    from kseg.bench.others import OTHERS

    return (*OTHERS, "none")


@click.command(epilog=EPILOG)
@click.option(
    "--workloads", type=Names("LIST", _workloads), help="Among day,cpu,short,os (default: all)."
)
@click.option("--programs", type=Names("LIST", _programs), help="Which of the benchmark programs.")
@click.option(
    "--engines", type=Names("LIST", _engines), help="Of kseg's; targets are shown for the first."
)
@click.option(
    "--peers", type=Names("LIST", _peers), help="Which others, or none (default: what is there)."
)
@click.option(
    "--quick",
    is_flag=True,
    help="About half a minute, with three programs: does it work, and about how fast?",
)
@click.option("--full", is_flag=True, help="Many minutes: all sizes for every emulator, long runs.")
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Measure every emulator N times, whatever it takes (default: as time permits).",
)
@click.option("--json", "json_file", type=File(), help="Write all figures; - is stdout.")
@click.option("--svg", "svg_file", type=File(), help="Write a bar chart.")
@click.option(
    "--os161",
    "os161_kernel",
    type=File("executable", "KERNEL"),
    envvar="KSEG_BENCH_OS161",
    help="Measure this OS/161 kernel too, in copies of its directory.",
)
@click.option(
    "--os161-run",
    "os161_runs",
    type=Text("BOOT-STRING"),
    multiple=True,
    help='What it is to do, such as "p /testbin/sort;q"; may be repeated (default: boot, threads on'
    " the console, sort, matmult and forktest).",
)
def bench(
    workloads: tuple[str, ...] | None,
    programs: tuple[str, ...] | None,
    engines: tuple[str, ...] | None,
    peers: tuple[str, ...] | None,
    quick: bool,
    full: bool,
    rounds: int | None,
    json_file: str | None,
    svg_file: str | None,
    os161_kernel: str | None,
    os161_runs: tuple[str, ...],
) -> None:
    """Measure kseg's engines beside other emulators of the same code, and native code.

    Every emulator is measured in every round, and ratios are taken within rounds. Two minutes; see
    also --quick and --full.
    """
    from kseg.bench.os161 import USUAL_RUNS, Os161
    from kseg.bench.programs import FEW
    from kseg.bench.session import Choices, measure

    system = None
    if os161_kernel:
        system = Os161(Path(os161_kernel).absolute(), os161_runs or USUAL_RUNS)
        system.check()
    elif os161_runs:
        raise click.UsageError("--os161-run needs --os161 KERNEL")
    named = {*(f"kseg {engine}" for engine in engines or ()), *(peers or ())}
    choices = Choices(
        workloads=workloads or tuple(_workloads()),
        programs=programs or (FEW if quick else tuple(_programs())),
        engines=engines or tuple(_engines()),
        peers=() if "none" in named else peers or tuple(_peers())[:-1],
        named=frozenset(named),
        effort=effort(quick, full),
        rounds=rounds,
        os161=system,
    )
    for option, path in (("--json", json_file), ("--svg", svg_file)):
        check_destination(option, path)
    exit_at(*signals.UNTYPED_ENDING)
    try:
        results = measure(choices, lambda text: click.echo(f"kseg: {text}", err=True))
    except OSError as error:
        # Of a full disk, say, or a directory of the user's that cannot be copied.
        raise KsegError(f"{error}; TMPDIR names another place for temporary files") from None
    if json_file != "-":
        click.echo(results.tables())
    write("--json", json_file, results.as_json())
    write("--svg", svg_file, results.as_svg())
    if results.failures:
        sys.exit(1)


def effort(quick: bool, full: bool) -> "Effort":
    """How much time the user gives."""
    from kseg.bench.harness import FULL, NORMAL, QUICK

    if quick and full:
        raise click.UsageError("--quick and --full: choose one")
    return QUICK if quick else FULL if full else NORMAL


def write(option: str, path: str | None, text: str) -> None:
    """Write a result where it is wanted."""
    if path is not None:
        write_whole(option, path, text.encode())
