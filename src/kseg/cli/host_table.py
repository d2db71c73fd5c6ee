"""A table of the guests on a host, like top: who has how much of the machine, and why they leave
it."""

import shutil
from dataclasses import dataclass, field
from io import StringIO

from kseg.api.host import CYCLES_PER_SECOND, Host
from kseg.api.host_guest import Guest
from kseg.monitor.shares import Share

ENTER, LEAVE = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l"
"""Another screen for the table, so that the consoles' is as it was."""
CLEAR = "\x1b[H\x1b[J"

REASONS = 3
"""How many reasons for exits a line has room for."""


@dataclass(slots=True)
class _Sample:
    """What a guest had had when the table was last drawn."""

    executed: int = 0
    exits: dict[str, int] = field(default_factory=dict)


class HostTable:
    """Drawn again and again: figures "now" are since the last time."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._samples: dict[str, _Sample] = {}
        self._since = 0

    def draw(self) -> bytes:
        """The table for a terminal, with what clears that."""
        from rich.console import Console

        size = shutil.get_terminal_size()
        text = StringIO()
        console = Console(
            file=text,
            force_terminal=True,
            color_system="standard",
            legacy_windows=False,
            width=size.columns,
            height=size.lines,
        )
        console.print(self._title(), highlight=False, markup=False)
        console.print(self._table(size.lines - 4))
        return (CLEAR + text.getvalue()).encode()

    def _title(self) -> str:
        host = self._host
        allocator = host.hypervisor.allocator
        used = allocator.total - allocator.available
        ended = sum(guest.stop is not None for guest in host.guests.values())
        return (
            f"{len(host.guests)} guests ({ended} ended), {host.time:.1f} s of the machine's time,"
            f" {used * 4}K of {allocator.total * 4}K in use, {host.hypervisor.switches} switches"
        )

    def _table(self, most: int) -> object:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("#", justify="right")
        table.add_column("guest", no_wrap=True)
        table.add_column("state")
        for name in ("% now", "% all", "weight", "cap", "reserved", "own", "shared", "time"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("exits/s", justify="right")
        table.add_column("by reason", no_wrap=True, overflow="ellipsis")
        passed = self._host.cycles - self._since
        for number, guest in enumerate(self._host.guests.values(), 1):
            if number <= most:
                # As text: a name is no markup.
                table.add_row(*(Text(cell) for cell in self._row(number, guest, passed)))
        self._since = self._host.cycles
        return table

    def _row(self, number: int, guest: Guest, passed: int) -> list[str]:
        before = self._samples.get(guest.name, _Sample())
        executed, exits = guest.executed, guest.exits
        self._samples[guest.name] = _Sample(executed, exits)
        rates = {
            reason: (count - before.exits.get(reason, 0)) * CYCLES_PER_SECOND // max(passed, 1)
            for reason, count in exits.items()
        }
        often = sorted(rates, key=lambda reason: -rates[reason])[:REASONS]
        memory = guest.memory_use
        share: Share = guest.share
        return [
            str(number),
            guest.name,
            "failed" if guest.crashed else guest.state.value,
            percent(executed - before.executed, passed),
            percent(executed, self._host.cycles),
            str(share.weight),
            "" if share.cap is None else rate(share.cap),
            rate(share.reservation) if share.reservation else "",
            f"{memory.own * 4}K",
            f"{memory.shared * 4}K",
            f"{guest.time:.1f}",
            str(sum(rates.values())),
            ", ".join(f"{reason} {rates[reason]}" for reason in often if rates[reason]),
        ]


def percent(part: int, whole: int) -> str:
    """A part as a table shows it."""
    return f"{100 * part / whole:.1f}" if whole > 0 else ""


def rate(instructions: int) -> str:
    """Instructions a second as a table shows them."""
    return f"{instructions / 1e6:g}M"
