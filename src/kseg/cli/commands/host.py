"""`kseg host`: many guests on one machine, with their consoles here."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kseg.cli.commands.run import escape_key, finish, seconds
from kseg.cli.machine import checked_seed, default_config

if TYPE_CHECKING:
    from kseg.api.host import Host
    from kseg.cli.console.consoles import Consoles
    from kseg.cli.console.host_session import HostSession
    from kseg.cli.guest_options import GuestOptions
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
    metavar="NAME=KERNEL[,KEY=VALUE...]",
    help="A guest; may be repeated. KEYs: args, cap, config, disk, input, monitor, ram,"
    " reservation, seed, share, weight. Files that a config names are where it is.",
)
@click.option(
    "--copies",
    type=click.IntRange(1, 1000),
    default=1,
    metavar="N",
    help="Start each guest N times, as NAME-1 to NAME-N, with overlays over its disk images.",
)
@click.option("--ram", default="64M", metavar="SIZE", help="Memory for all (default: 64M).")
@click.option(
    "--overcommit",
    type=float,
    default=1.0,
    metavar="X",
    help="Promise guests X times as much memory as there is (default: 1): pages that are alike"
    " take room once.",
)
@click.option(
    "--disk",
    "disks",
    multiple=True,
    metavar="FILE",
    help="Disk image of which guests with disk=SIZE have partitions; may be repeated.",
)
@click.option(
    "--overlay",
    is_flag=True,
    help="Leave disk images alone: what guests write to them is dropped at the end.",
)
@click.option(
    "--seconds",
    "limit",
    type=seconds,
    metavar="N",
    help="Stop after N seconds of the machine's time.",
)
@click.option("--stats", metavar="FILE", help="Write statistics as JSON; - is stdout.")
@click.option(
    "--output",
    "directory",
    metavar="DIR",
    help="Write what guests print to DIR/NAME, and read no terminal.",
)
@click.option(
    "--engine",
    metavar="NAME",
    default="auto",
    help="How code is executed (default: auto, the fastest that this host has).",
)
@click.option(
    "--pace",
    type=click.Choice(["auto", "fast", "real"]),
    default="auto",
    help="Whether time in which all guests sleep passes as fast as possible or in real time"
    " (auto: real on a terminal).",
)
@click.option(
    "--epoch",
    type=click.IntRange(0, 0xFFFFFFFF),
    metavar="SECONDS",
    help="Calendar time at the guests' power-on, in seconds since 1970 (default: now).",
)
@click.option(
    "--idle-limit",
    type=seconds,
    default=60.0,
    metavar="SECONDS",
    help="Without a terminal, stop when no guest has done anything for so many virtual seconds"
    " (default: 60; 0: never).",
)
@click.option(
    "--gdb",
    metavar="ADDRESS",
    help="Listen for gdb: the path of a Unix socket to make, or host:port, or :port on this host."
    " Each guest is an inferior.",
)
@click.option("--wait", is_flag=True, help="With --gdb: run nothing before gdb says so.")
@click.option(
    "--escape",
    metavar="KEY",
    default="^A",
    help="Key for commands to kseg, such as ^A (default) or ^]; none: no such key.",
)
def host(
    guests: tuple[str, ...],
    copies: int,
    ram: str,
    overcommit: float,
    disks: tuple[str, ...],
    overlay: bool,
    limit: float | None,
    stats: str | None,
    directory: str | None,
    engine: str,
    pace: str,
    epoch: int | None,
    idle_limit: float,
    gdb: str | None,
    wait: bool,
    escape: str,
) -> None:
    """Run many guests on one machine, each with a console of its own.

    On a terminal, one console is shown: Ctrl-A n goes to the next, Ctrl-A t shows a table of all,
    Ctrl-A h lists the keys. Otherwise each line of output begins with its guest's name.

    Try: kseg host --guest a=cms --guest b=cms,args=hog,weight=300
    """
    from kseg.api.host import CYCLES_PER_SECOND, Host
    from kseg.cli import guest_options
    from kseg.cli.console.host_session import HostSession
    from kseg.cli.output import Output, check_destination

    key = escape_key(escape)
    if wait and gdb is None:
        raise click.UsageError("--wait waits for gdb; say where with --gdb ADDRESS")
    wanted = guest_options.copies((guest_options.parse_guest(each) for each in guests), copies)
    check_destination("statistics", stats)
    interactive = directory is None and os.isatty(0) and os.isatty(1)
    adapts = pace == "auto"
    if pace == "auto":
        pace = "real" if interactive else "fast"
    output = Output("kseg")
    with Host(
        ram, engine, disks=disks, overlay=overlay, pace=pace, overcommit=overcommit
    ) as machine:
        names = [guest.name for guest in wanted]
        consoles: list[Consoles] = []
        for guest in wanted:
            _add(machine, guest, overlay, copies > 1, epoch, consoles)
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
            escape=key,
            limit=None if limit is None else int(limit * CYCLES_PER_SECOND),
            idle_limit=idle_limit,
        )
        if gdb is not None:
            _listen(session, machine, consoles[0], gdb, wait)
        outcome = session.run()

        def report() -> None:
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
    guest: "GuestOptions",
    overlay: bool,
    copied: bool,
    epoch: int | None,
    consoles: "list[Consoles]",
) -> None:
    """Start a guest. Copies have the same image files, of which only one could be written to, and
    network cards with the same address. `consoles` gets its one member before anything is
    printed."""
    from kseg.cli.file_kinds import check_kind
    from kseg.cli.guest_options import read_input

    check_kind(guest.kernel, "executable")
    machine.add(
        guest.name,
        guest.kernel,
        guest.arguments,
        monitor=guest.monitor,
        weight=guest.weight,
        cap=guest.cap,
        reservation=guest.reservation,
        ram=guest.ram,
        disks=guest.disks,
        share=guest.share,
        overlay=overlay or copied,
        network=not copied,
        config=guest.config or _config(guest.kernel),
        seed=checked_seed(guest.seed),
        epoch=epoch,
        input=read_input(guest),
        output=lambda data: consoles[0].printed(guest.name, data),
        message=lambda text: consoles[0].message(f"{guest.name}: {text}"),
    )


def _have_images(machine: "Host") -> bool:
    """Whether a guest has a drive with an image file."""
    from kseg.devices.disk import Disk
    from kseg.history.disks import image_file

    cards = [card for guest in machine.guests.values() for card in guest.board.bus.cards]
    return any(isinstance(card, Disk) and image_file(card) is not None for card in cards)


def _config(kernel: str) -> str | None:
    """The configuration beside a guest's kernel, or in the current directory."""
    from kseg.api.guests import BUNDLED

    beside = Path(kernel).parent / "sys161.conf"
    if kernel not in BUNDLED and beside.exists():
        return str(beside)
    return default_config(kernel)


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
