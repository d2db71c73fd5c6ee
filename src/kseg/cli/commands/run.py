"""`kseg run`: boot a guest, with its console here."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import click

from kseg.cli.guest_command import GuestCommand

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.api.travel import TimeTravel
    from kseg.cli.console.diagnostics import Diagnostics, ProfileOptions
    from kseg.cli.console.session import Outcome, Session
    from kseg.cli.output import Output

MOST_SECONDS = 1e9

FAILED = 1
"""The exit code of a run whose guest has failed."""

UNEXPECTED = (FAILED, 4, 5)
"""Exit codes of runs that there may be more to say about: also those that were cut short, or that
ended because nothing would have happened any more."""

EPILOG = """
Exit codes: 0 the guest switched off; 1 it failed or asked for a debugger; 2 wrong usage,
configuration or files; 3 the doom counter; 4 --max-cycles reached; 5 it waits for input and the
input has ended; 128 + N ended by signal N.
"""


def seconds(text: str | float) -> float:
    """A number of seconds, as an option's type."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    # Also false for "nan".
    if not 0 <= value <= MOST_SECONDS:
        raise click.BadParameter(f"{text} is not a number of seconds from 0 to {MOST_SECONDS:.0f}")
    return value


class SaveAt(click.ParamType):  # type: ignore[type-arg]
    """CYCLE:FILE."""

    name = "CYCLE:FILE"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, str]:
        if isinstance(value, tuple):
            return value
        cycle, colon, file = str(value).partition(":")
        if not (colon and file and cycle.isascii() and cycle.isdigit() and len(cycle) < 19):
            self.fail(f"{value}: give a number of cycles and a file's name: CYCLE:FILE", param, ctx)
        return int(cycle), file


@click.command(cls=GuestCommand, epilog=EPILOG)
@click.option(
    "--machine",
    type=click.Choice(["system161"]),
    default="system161",
    help="Board (default: system161).",
)
@click.option(
    "--config",
    "-c",
    metavar="FILE",
    help="Machine configuration (default: sys161.conf here, for a kernel given by its path).",
)
@click.option("--cpus", type=click.IntRange(1, 32), metavar="N", help="Processors.")
@click.option("--ram", metavar="SIZE", help="Memory, such as 512K or 8M.")
@click.option(
    "--engine",
    metavar="NAME",
    default="auto",
    help="How code is executed: translator, interpreter or reference"
    " (default: auto, the fastest that this host has).",
)
@click.option(
    "--monitor",
    metavar="NAME",
    help="What the guest runs on: bare, the machine itself (default); trap-and-emulate, a monitor"
    " that runs its kernel in user mode; hybrid, one that emulates its kernel mode.",
)
@click.option(
    "--rewriting/--no-rewriting",
    default=True,
    help="Whether a monitor rewrites privileged instructions that trap (default: it does).",
)
@click.option(
    "--quantum",
    type=click.IntRange(1, 1_000_000),
    default=1,
    metavar="N",
    help="Cycles of a processor's turn, where several run (default: 1, as on System/161; from about"
    " 1000 on each runs translated code in its turn).",
)
@click.option("--max-cycles", type=click.IntRange(min=1), metavar="N", help="Stop after N cycles.")
@click.option("--stats", metavar="FILE", help="Write statistics as JSON; - is stdout.")
@click.option(
    "--input", "input_file", metavar="FILE", help="Type what FILE says; - is stdin (default)."
)
@click.option("--disk", "disks", multiple=True, metavar="FILE", help="Disk image; may be repeated.")
@click.option(
    "--overlay",
    is_flag=True,
    help="Leave disk images alone: what the guest writes to them is dropped at the end.",
)
@click.option("--share", metavar="DIR", help="Directory that the guest can reach (emufs).")
@click.option("--seed", metavar="N", help="Seed of the random source; auto: a new one.")
@click.option(
    "--pace",
    type=click.Choice(["auto", "fast", "real", "system161"]),
    default="auto",
    help="Whether idle time passes as fast as possible, in real time, or as System/161 lets it:"
    " waiting for clocks in real time, for disks not (auto: that on a terminal, else fast).",
)
@click.option(
    "--escape",
    metavar="KEY",
    default="^A",
    help="Key for commands to kseg, such as ^A (default) or ^]; none: no such key.",
)
@click.option(
    "--idle-limit",
    type=seconds,
    default=60.0,
    metavar="SECONDS",
    help="After the input's end, stop a guest that has done nothing for so many virtual seconds"
    " (default: 60; 0: never).",
)
@click.option(
    "--doom",
    type=click.IntRange(min=1),
    metavar="N",
    help="Let the power fail at the N-th disk write.",
)
@click.option(
    "--progress",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="Stop when no user-mode instruction is executed for twice as long.",
)
@click.option(
    "--epoch",
    type=click.IntRange(0, 0xFFFFFFFF),
    metavar="SECONDS",
    help="Calendar time at power-on, in seconds since 1970 (default: now).",
)
@click.option(
    "--gdb",
    metavar="ADDRESS",
    help="Listen for gdb: the path of a Unix socket to make, or host:port, or :port on this host.",
)
@click.option("--wait", is_flag=True, help="With --gdb: run nothing before gdb says so.")
@click.option(
    "--meter",
    metavar="FILE",
    help="Make a socket at which stat161 and the like read counters, as kseg sys161 does.",
)
@click.option(
    "--save-at",
    "saves",
    multiple=True,
    type=SaveAt(),
    help="Save a snapshot in FILE at a cycle; may be repeated.",
)
@click.option(
    "--base",
    metavar="FILE",
    help="Let snapshots hold only what this one, in the same directory, has not.",
)
@click.option(
    "--record", metavar="LOG", help="Write a log into a new file, for `kseg replay` to repeat."
)
@click.option(
    "--from", "snapshot", metavar="FILE", help="Go on from a snapshot, instead of booting KERNEL."
)
@click.option(
    "--trust",
    is_flag=True,
    help="With --from: open the disk images and directories that the snapshot names.",
)
@click.option(
    "--symbols",
    multiple=True,
    metavar="FILE",
    help="A user program's executable, for names in reports and profiles; may be repeated.",
)
@click.option(
    "--report/--no-report",
    "wants_report",
    default=True,
    help="Whether to report on a guest that has failed: registers, back-traces, its threads"
    " (default: yes).",
)
@click.argument("kernel", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(
    kernel: str | None,
    arguments: tuple[str, ...],
    *,
    max_cycles: int | None,
    stats: str | None,
    input_file: str | None,
    pace: str,
    escape: str,
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
        escape=escape_key(escape),
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
            diagnostics.begin(vm, session)
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


def escape_key(text: str) -> int | None:
    """The control character that ^A, Ctrl-A or C-a names; None for "none"."""
    if text.lower() == "none":
        return None
    name = text.lower().removeprefix("ctrl-").removeprefix("c-").removeprefix("^").upper()
    if len(name) == 1 and "@" <= name <= "_":
        return ord(name) - 64
    raise click.UsageError(f"--escape {text}: give a control character such as ^A or ^], or none")


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

        write(stats, as_data(vm, outcome.stop))


def finish(
    output: "Output",
    outcome: "Outcome",
    before: Callable[[], None],
    close: Callable[[], None] = lambda: None,
) -> NoReturn:
    """Bring the output to its end and exit as the outcome says; `close` is called where no `with`
    will do it, because a signal ends the process."""
    from kseg.cli.console.signals import die_of
    from kseg.cli.output import OutputClosed

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
