"""`kseg snapshot`: what snapshot files hold, how two of them differ, whether they are sound."""

import sys
from typing import TYPE_CHECKING

from kseg.cli import lazy_click as click
from kseg.cli.parameters import File
from kseg.errors import StateError

if TYPE_CHECKING:
    from kseg.history.files import SnapshotFile


@click.group()
def snapshot() -> None:
    """Show, compare and check snapshots of machines."""


@snapshot.command()
@click.argument("files", type=File("snapshot"), nargs=-1, required=True, metavar="FILE...")
def info(files: tuple[str, ...]) -> None:
    """Say what is in each FILE. Pages are not looked at."""
    from kseg.history.files import open_snapshot

    for number, path in enumerate(files):
        if number:
            click.echo()
        for line in _describe(open_snapshot(path)):
            _say(line)


def _date(seconds: int) -> str:
    """A time since 1970, as far as there are dates."""
    import time

    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return f"at no date ({seconds} s)"


def _describe(file: "SnapshotFile") -> list[str]:
    from kseg.history.format import DIGEST_SIZE
    from kseg.machine.board_state import OWN, OwnState
    from kseg.memory.pages import PAGE_SIZE

    header, origin = file.header, file.header.origin
    board = header.board
    pages = len(header.digests) // DIGEST_SIZE
    created = _date(origin.created)
    ram = board.regions.get("ram")
    size = -(-file.size // 1024)
    kilobytes = (ram.size if ram else 0) >> 10
    machine = f"{board.board}, {len(board.processors)} CPU, {kilobytes}K of RAM"
    lines = [
        f"{file.path}: snapshot {file.identity.hex()[:16]}",
        f"  made: {created} by kseg {origin.kseg}; {origin.engine}, monitor {origin.monitor}",
        f"  kernel: {origin.kernel}",
        f"  boot string: {origin.boot_string.decode('utf-8', 'backslashreplace')}",
        f"  at: cycle {origin.cycle}, {origin.time / 1e9:.6f} s",
        f"  machine: {machine}, {len(board.devices)} cards",
        f"  pages: {pages} ({pages * PAGE_SIZE >> 10}K), {header.stored} in this file of {size}K",
    ]
    if header.base is not None:
        lines.append(f"  base: {header.base.name}, {header.base.identity.hex()[:16]}")
    waiting = sum(map(len, origin.inputs.values())) + len(origin.paced_input.pending)
    if waiting:
        lines.append(f"  input: {waiting} items wait")
    fresh = OwnState()
    for name in OWN:
        value = getattr(board, name)
        if value != getattr(fresh, name):
            many = isinstance(value, list)
            said = f"{len(value)}, the first: {value[0]}" if many else str(value)
            lines.append(f"  {name.replace('_', ' ')}: {said}")
    for disk in origin.disk_files:
        lines.append(f"  disk image in slot {disk.slot}: {disk.path}, {disk.size >> 10}K")
    return lines


@snapshot.command()
@click.argument("files", type=File("snapshot"), nargs=-1, required=True, metavar="FILE...")
def verify(files: tuple[str, ...]) -> None:
    """Read each FILE and its bases as a whole. Exit code 1 when one is not sound."""
    from kseg.history.files import naming, open_snapshot
    from kseg.history.snapshot import check_places, load_pages

    sound = True
    for path in files:
        try:
            file = open_snapshot(path)
            with naming(file.path):
                check_places(file.header)
            load_pages(file)
        except StateError as error:
            sound = False
            _say(str(error), err=True)
        else:
            _say(f"{path}: sound")
    sys.exit(0 if sound else 1)


@snapshot.command()
@click.argument("one", type=File("snapshot"))
@click.argument("other", type=File("snapshot"))
def diff(one: str, other: str) -> None:
    """Say in what two snapshots of a machine differ, ONE first. Exit code 1 when they do."""
    from kseg.history.compare import differences
    from kseg.history.files import open_snapshot

    found = differences(open_snapshot(one).header, open_snapshot(other).header)
    for line in found:
        _say(line)
    sys.exit(1 if found else 0)


def _say(text: str, *, err: bool = False) -> None:
    """A file from another user must not write to the terminal what it likes."""
    from kseg.cli.output import one_line

    click.echo(("kseg: " if err else "") + one_line(text), err=err)
