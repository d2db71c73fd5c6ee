"""A table of the guests on a host, like top: what each has of the machine, and why they leave
it."""

import shutil
from dataclasses import dataclass, field

from kseg.api.host import Host
from kseg.api.host_guest import Guest
from kseg.monitor.shares import Share

ENTER, LEAVE = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l"
"""Another screen for the table, so that the consoles' is as it was."""
CLEAR = "\x1b[H\x1b[J"
BOLD, PLAIN = "\x1b[1m", "\x1b[m"

COLUMNS = (
    "#", "guest", "state", "% now", "% all", "weight", "cap", "reserved", "own", "shared", "time",
    "exits/s",
)  # fmt: skip
LEFT = ("guest", "state")
"""Those that are not aligned to the right."""
GIVEN_UP = ("reserved", "cap", "exits/s", "weight", "% all", "shared", "time", "own", "% now")
"""Columns that a narrow terminal does without, the first ones first."""
GAP = "  "
FEWEST_REASONS, SHORTEST_NAME = 12, 8
"""Columns of the terminal for the reasons of exits, which take what is left, and for a name."""

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
        size = shutil.get_terminal_size()
        passed, self._since = self._host.cycles - self._since, self._host.cycles
        rows = [
            self._row(number, guest, passed)
            for number, guest in enumerate(self._host.guests.values(), 1)
        ]
        heading, *lines = fitted(rows, size.columns)
        most = max(size.lines - 4, 1)
        if len(lines) > most:
            lines[most - 1 :] = [f"... and {len(lines) - most + 1} more"]
        title = self._title()[: size.columns]
        return "\r\n".join([CLEAR + title, BOLD + heading + PLAIN, *lines, ""]).encode()

    def _title(self) -> str:
        host = self._host
        allocator = host.hypervisor.allocator
        used = allocator.total - allocator.available
        ended = sum(guest.stop is not None for guest in host.guests.values())
        return (
            f"{len(host.guests)} guests ({ended} ended), {host.time:.1f} s,"
            f" {used * 4}K of {allocator.total * 4}K in use, {host.hypervisor.switches} switches"
        )

    def _row(self, number: int, guest: Guest, passed: int) -> list[str]:
        before = self._samples.get(guest.name, _Sample())
        executed, exits = guest.executed, guest.exits
        self._samples[guest.name] = _Sample(executed, exits)
        second = self._host.cycles_per_second
        rates = {
            reason: (count - before.exits.get(reason, 0)) * second // max(passed, 1)
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


def fitted(rows: list[list[str]], width: int) -> list[str]:
    """The heading, and a line for each row, of `width` characters at most: what is empty or of less
    importance is left out. A row has the reasons of exits behind COLUMNS."""
    heads = [*COLUMNS]
    cells = {head: [row[place] for row in rows] for place, head in enumerate(heads)}
    reasons = [row[-1] for row in rows]
    widths = {head: max(map(len, [head, *cells[head]])) for head in heads}

    def total() -> int:
        return sum(widths[head] for head in heads) + len(GAP) * (len(heads) - 1)

    empty = [head for head in GIVEN_UP if not any(cells[head])]
    for head in [*empty, *(each for each in GIVEN_UP if each not in empty)]:
        if head in empty or total() > width:
            heads.remove(head)
    longest = max(widths["guest"] - SHORTEST_NAME, 0)
    widths["guest"] -= min(max(total() - width, 0), longest)
    left = width - total() - len(GAP)
    lines = []
    for number in range(-1, len(rows)):
        parts = []
        for head in heads:
            text = head if number < 0 else cells[head][number]
            text = cut(text, widths[head])
            parts.append(f"{text:<{widths[head]}}" if head in LEFT else f"{text:>{widths[head]}}")
        if left >= FEWEST_REASONS:
            parts.append(cut("by reason" if number < 0 else reasons[number], left))
        lines.append(GAP.join(parts).rstrip()[:width])
    return lines


def cut(text: str, width: int) -> str:
    """A text that is no longer than that."""
    return text if len(text) <= width else text[: width - 1] + "~"


def percent(part: int, whole: int) -> str:
    """A part as a table shows it."""
    return f"{100 * part / whole:.1f}" if whole > 0 else ""


def rate(instructions: int) -> str:
    """Instructions a second as a table shows them."""
    return f"{instructions / 1e6:g}M"
