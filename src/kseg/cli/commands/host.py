"""`kseg host`: many guests on one machine, with their consoles here."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kseg.cli import lazy_click as click
from kseg.cli import options
from kseg.cli.guest_options import GuestRequest, GuestText, copied
from kseg.cli.parameters import Directory, Seconds, Text

if TYPE_CHECKING:
    from kseg.api.host import Host
    from kseg.cli.console.consoles import Consoles
    from kseg.cli.console.host_session import HostSession
    from kseg.cli.console.saves import Saves
    from kseg.cli.output import Output
    from kseg.monitor.stop import Stop

EPILOG = """
Exit codes: 0 all guests switched off, or the user left; 1 one failed; 2 wrong usage, configuration
or files; 4 --seconds are over; 5 the guests wait for input, and there is no terminal; 128 + N ended
by signal N.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--guest",
    "guests",
    multiple=True,
    required=True,
    type=GuestText(),
    help="A guest; may be repeated. KEYs that mean what they mean to kseg run: args, config, disk,"
    " doom, from (NAME=,from=SNAPSHOT), input, monitor, overlay, progress, ram, record, save-at,"
    " seed, share, symbols, trust; and cap, reservation, weight. Files that a config names are"
    " where it is.",
)
@click.option(
    "--copies",
    type=click.IntRange(1, 1000),
    default=1,
    metavar="N",
    help="Start each guest N times, as NAME-1 to NAME-N, with overlays over its disk images.",
)
@click.option("--ram", default="64M", type=Text("SIZE"), help="Memory for all (default: 64M).")
@click.option(
    "--overcommit",
    type=float,
    default=1.0,
    metavar="X",
    help="Promise guests X times as much memory as there is (default: 1): pages that are alike"
    " take room once.",
)
@options.disks
@options.overlay
@click.option(
    "--seconds",
    "limit",
    type=Seconds("N"),
    help="Stop after N seconds of the machine's time.",
)
@options.stats
@click.option(
    "--output",
    "directory",
    type=Directory("DIR"),
    help="Write what guests print to DIR/NAME, and read no terminal.",
)
@options.board
@options.engine
@options.pace("fast", "real")
@options.epoch
@options.idle_limit
@options.gdb
@options.wait
@options.escape
@click.option(
    "--report/--no-report",
    "wants_report",
    default=False,
    help="Whether to report on guests that fail: registers, back-traces, threads (default: no).",
)
def host(
    guests: tuple[GuestRequest, ...],
    copies: int,
    ram: str,
    overcommit: float,
    disks: tuple[str, ...],
    overlay: bool,
    limit: float | None,
    stats: str | None,
    directory: str | None,
    board: str | None,
    engine: str,
    pace: str,
    epoch: int | None,
    idle_limit: float,
    gdb: str | None,
    wait: bool,
    escape: int | None,
    wants_report: bool,
) -> None:
    """Run many guests on one machine, each with a console of its own.

    On a terminal, one console is shown: Ctrl-A n goes to the next, Ctrl-A t shows a table of all,
    Ctrl-A h lists the keys. Otherwise each line of output begins with its guest's name.

    Try: kseg host --guest a=cms --guest b=cms,args=hog,weight=300
    """
    from kseg.api.host import Host
    from kseg.boards import DEFAULT
    from kseg.cli.console.host_session import HostSession
    from kseg.cli.ending import finish
    from kseg.cli.output import Output, check_destination

    if wait and gdb is None:
        raise click.UsageError("--wait waits for gdb; say where with --gdb ADDRESS")
    wanted = copied(guests, copies)
    check_destination("statistics", stats)
    interactive = directory is None and os.isatty(0) and os.isatty(1)
    adapts = pace == "auto"
    if pace == "auto":
        pace = "real" if interactive else "fast"
    output = Output("kseg")
    with Host(
        ram,
        engine,
        disks=disks,
        overlay=overlay,
        pace=pace,
        overcommit=overcommit,
        board=board or DEFAULT,
    ) as machine:
        names = [guest.name for guest in wanted]
        consoles: list[Consoles] = []
        saves = [_add(machine, guest, overlay, copies > 1, epoch, consoles) for guest in wanted]
        consoles.append(_consoles(names, directory, interactive, output))
        if copies > 1 and not overlay and _have_images(machine):
            consoles[0].message(
                "copies have overlays over their disk images: what they write is dropped at the end"
            )
        session = HostSession(
            machine,
            consoles[0],
            output,
            adapts=adapts,
            escape=escape,
            limit=None if limit is None else int(limit * machine.cycles_per_second),
            idle_limit=idle_limit,
            reports=wants_report,
        )
        if gdb is not None:
            _listen(session, machine, consoles[0], gdb, wait)
        outcome = session.run()

        def report() -> None:
            for each in saves:
                each.say_what_is_left()
            _report(machine, consoles[0], outcome.stop, stats)

        finish(output, outcome, report, machine.close)


def _listen(
    session: "HostSession", machine: "Host", consoles: "Consoles", address: str, wait: bool
) -> None:
    """Expect gdb at an address, and say where."""
    from kseg.gdb.debugger import Debugger
    from kseg.gdb.host_target import HostTarget
    from kseg.gdb.server import Server

    server = Server(address)
    session.debugger = Debugger(HostTarget(machine), server, wait=wait, say=consoles.message)
    consoles.message(
        f"set schedule-multiple on; target extended-remote {server.address}  (for gdb)"
    )


def _add(
    machine: "Host",
    guest: GuestRequest,
    overlay: bool,
    is_copy: bool,
    epoch: int | None,
    consoles: "list[Consoles]",
) -> "Saves":
    """Start a guest, or go on with one; returns its snapshots to come. Copies have the same image
    files, of which only one could be written to, and network cards with the same address.
    `consoles` gets its one member before anything is printed."""
    from kseg.cli.console.saves import Saves
    from kseg.cli.input import typed as text_of

    options = dict(guest.options)
    if overlay or is_copy:
        options["overlay"] = True
    options["output"] = lambda data: consoles[0].printed(guest.name, data)
    options["message"] = lambda text: consoles[0].message(f"{guest.name}: {text}")
    typed = text_of(guest.input_file, f"guest {guest.name}: input")
    if guest.snapshot is not None:
        made = machine.restore(guest.name, guest.snapshot, **options)
        made.console.send(typed)
    else:
        options.setdefault("config", _config(guest.kernel, machine.board))
        made = machine.add(
            guest.name,
            guest.kernel,
            guest.arguments,
            network=not is_copy,
            epoch=epoch,
            input=typed,
            **options,
        )
    for path in guest.symbols:
        made.symbols.add(path)
    if guest.record is not None:
        made.record(guest.record)
    saves = Saves(made, sorted(guest.saves), None, options["message"])
    made.observers.add(saves)
    return saves


def _have_images(machine: "Host") -> bool:
    """Whether a guest has a drive with an image file."""
    from kseg.devices.disk import Disk
    from kseg.history.disks import image_file

    cards = [card for guest in machine.guests.values() for card in guest.board.cards]
    return any(isinstance(card, Disk) and image_file(card) is not None for card in cards)


def _config(kernel: str, board: str) -> str | None:
    """The configuration beside a guest's kernel, or in the current directory."""
    from kseg.cli.machine import default_config

    return default_config(kernel, board, Path(kernel).parent) or default_config(kernel, board)


def _consoles(
    names: list[str], directory: str | None, interactive: bool, output: "Output"
) -> "Consoles":
    from kseg.cli.console import consoles

    if directory is not None:
        return consoles.Files(directory, names, output)
    if interactive:
        return consoles.Switch(names, output)
    return consoles.PrefixedLines(output)


def _report(machine: "Host", consoles: "Consoles", stop: "Stop", stats: str | None) -> None:
    """Say why it ended, where the guests have not, and write the statistics."""
    from kseg.monitor.stop import StopReason

    consoles.finish()
    if stop.reason is StopReason.CYCLE_LIMIT:
        consoles.message(f"stopped after {machine.time:g} s of the machine's time (--seconds)")
    elif stop.reason is StopReason.IDLE:
        waiting = [name for name, guest in machine.guests.items() if guest.stop is None]
        consoles.message(
            f"{', '.join(waiting)}: waiting for input, and there is none; end the input with a"
            " command that switches the machine off"
        )
    if stats is not None:
        from kseg.cli.host_statistics import as_data
        from kseg.cli.statistics import write

        write(stats, as_data(machine, stop))
