"""`kseg run`: boot a guest, with its console here."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kseg.cli import lazy_click as click
from kseg.cli import options
from kseg.cli.ending import FAILED
from kseg.cli.parameters import File

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.api.travel import TimeTravel
    from kseg.cli.console.diagnostics import Diagnostics, ProfileOptions
    from kseg.cli.console.session import Session
    from kseg.cli.output import Output

UNEXPECTED = (FAILED, 4, 5)
"""Exit codes of runs that there may be more to say about: also those that were cut short, or that
ended because nothing would have happened any more."""

EPILOG = """
Exit codes: 0 the guest switched off; 1 it failed or asked for a debugger; 2 wrong usage,
configuration or files; 3 the doom counter; 4 --max-cycles reached; 5 it waits for input and the
input has ended; 128 + N ended by signal N.
"""


@click.guest_command(epilog=EPILOG)
@options.run
@click.option(
    "--rewriting/--no-rewriting",
    default=True,
    help="Whether a monitor rewrites privileged instructions that trap (default: it does).",
)
@click.option(
    "--compiler-share",
    type=click.IntRange(0, 1_000_000),
    metavar="PERCENT",
    help="Processor time that the translator's compiler may take, in percent of what the rest uses"
    " (default: 10; 0: it is never started; 1000: it is started soon).",
)
@options.gdb
@options.wait
@click.option(
    "--meter",
    type=File(),
    help="Make a socket at which stat161 and the like read counters, as kseg sys161 does.",
)
@options.saves
@click.option(
    "--base",
    type=File("snapshot"),
    help="Let snapshots hold only what this one, in the same directory, has not.",
)
@click.option(
    "--record",
    type=File(metavar="LOG"),
    help="Write a log into a new file, for `kseg replay` to repeat.",
)
@click.option(
    "--report/--no-report",
    "wants_report",
    default=True,
    help="Whether to report on a guest that has failed: registers, back-traces, its threads"
    " (default: yes).",
)
@options.guest
def run(
    kernel: str | None,
    arguments: tuple[str, ...],
    *,
    max_cycles: int | None,
    stats: str | None,
    input_file: str | None,
    pace: str,
    escape: int | None,
    idle_limit: float,
    gdb: str | None,
    wait: bool,
    meter: str | None,
    saves: tuple[tuple[int, str], ...],
    base: str | None,
    record: str | None,
    symbols: tuple[str, ...],
    wants_report: bool,
    profile: "ProfileOptions | None" = None,
    **machine: Any,
) -> None:
    """Boot KERNEL, an executable's path or the name of a bundled guest (cms, racelab), with its
    console here. The ARGUMENTS, joined by blanks, are its boot string.

    On a terminal, Ctrl-A x leaves and Ctrl-A h lists the other keys; Ctrl-C goes to the guest.
    """
    from kseg.cli.console.session import Conditions, Session
    from kseg.cli.ending import finish, report
    from kseg.cli.machine import machine_for
    from kseg.cli.output import Output, check_destination

    def look() -> "Diagnostics":
        import shlex

        from kseg.cli.console.diagnostics import Diagnostics

        again = "" if record is None else shlex.join(["kseg", "replay", record])
        return Diagnostics(symbols, wants_report, profile, again)

    # Most runs end well, and nobody wants to see more of them.
    diagnostics = look() if symbols or profile is not None else None
    conditions = Conditions(
        pace=pace,
        escape=escape,
        limit=max_cycles,
        idle_limit=idle_limit,
        saves=tuple(sorted(saves)),
        base=base,
    )
    if wait and gdb is None:
        raise click.UsageError("--wait waits for gdb; say where with --gdb ADDRESS")
    output = Output("kseg")
    check_destination("statistics", stats)
    repeats = machine.get("log") is not None
    with machine_for(kernel, arguments, machine, output) as vm:
        session = Session(vm, output, conditions, os.devnull if repeats else input_file)
        _watch(session, vm, output, record, gdb, wait)
        if diagnostics is not None:
            diagnostics.begin(vm)
        if meter is not None:
            vm.serve_meter(meter).start()
        outcome = session.run()
        if vm.recording is not None:
            vm.recording.finish(outcome.exit_code)

        def end() -> None:
            report(vm, outcome, stats, output)
            if diagnostics is not None or outcome.exit_code in UNEXPECTED:
                (diagnostics or look()).end(vm, outcome, output)

        finish(output, outcome, end, vm.close)


def _watch(
    session: "Session",
    vm: "Machine",
    output: "Output",
    record: str | None,
    address: str | None,
    wait: bool,
) -> None:
    """Begin a log, if there is to be one; expect gdb at an address, if there is one, and say
    where."""
    if record is not None:
        vm.record(record)
    if address is not None:
        listen(session, vm, output, address, wait=wait, remember=vm.travel)


def listen(
    session: "Session",
    vm: "Machine",
    output: "Output",
    address: str,
    *,
    wait: bool,
    remember: Callable[[], "TimeTravel"],
) -> None:
    """Expect gdb at an address, and say where; `remember` is `OneMachine`'s."""
    from kseg.gdb.debugger import Debugger
    from kseg.gdb.server import Server
    from kseg.gdb.target import OneMachine

    server = Server(address)
    session.debugger = Debugger(OneMachine(vm, remember), server, wait=wait, say=output.message)
    # Without the guest's file, gdb has no way to know its byte order.
    order = f"set endian {vm.board.byte_order}"
    output.message(f"{order}; target remote {server.address}  (for gdb)")
