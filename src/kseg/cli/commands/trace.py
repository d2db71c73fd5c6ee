"""`kseg trace`: run a guest, and write down what it does."""

import functools
import os
from typing import TYPE_CHECKING, Any

from kseg.cli import lazy_click as click
from kseg.cli import options
from kseg.cli.ending import finish, report
from kseg.cli.machine import machine_for
from kseg.cli.parameters import File, Names, Text

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.api.tracing import Part, Trace
    from kseg.cli.trace_file import TraceFile
    from kseg.isa.disassembler import Symbols

DEFAULT_EVENTS = "exception,interrupt"

LAST_CYCLE = (1 << 63) - 1

MOST_RANGES = 8
"""Of addresses, in one trace."""

EPILOG = """
Events: instruction, jump (taken), exception (system calls and TLB misses included), return (RFE),
interrupt, tlb (TLBWI, TLBWR, TLBR, TLBP), address-space (another ASID in EntryHi); syscall, system
calls of OS/161 and cms by name, with arguments and results; of devices disk, nic, emufs, line
(interrupt request lines). all means all of them.

Exit codes are those of kseg run.
"""


def _kinds() -> tuple[str, ...]:
    from kseg.api.tracing import KINDS

    return (*KINDS, "all")


@click.guest_command(epilog=EPILOG)
@click.option(
    "--events",
    "-e",
    type=Names("LIST", _kinds),
    default=DEFAULT_EVENTS,
    help=f"Kinds of events, with commas between them (default: {DEFAULT_EVENTS}).",
)
@click.option(
    "--mode",
    type=click.Choice(["kernel", "user", "both"]),
    default="both",
    help="Events of which processor mode (default: both).",
)
@click.option(
    "--cpu",
    "processors",
    multiple=True,
    type=click.IntRange(0, 31),
    metavar="N",
    help="Events of this processor; may be repeated.",
)
@click.option(
    "--pc",
    "addresses",
    multiple=True,
    type=Text("WHERE"),
    help="Events of instructions at these virtual addresses: FIRST-LAST, or a function's NAME,"
    " NAME+0x12, FILE:LINE; up to 8 times.",
)
@click.option(
    "--asid",
    "asids",
    multiple=True,
    type=click.IntRange(0, 63),
    metavar="N",
    help="Events in this address space; may be repeated.",
)
@click.option(
    "--from-cycle", type=click.IntRange(0, LAST_CYCLE), default=0, metavar="N", help="First cycle."
)
@click.option("--to-cycle", type=click.IntRange(0, LAST_CYCLE), metavar="N", help="Last cycle.")
@click.option("--most", type=click.IntRange(1, 1 << 24), metavar="N", help="The first N events.")
@click.option("--last", type=click.IntRange(1, 1 << 24), metavar="N", help="The last N events.")
@click.option("-o", "file", type=File(), help="Write to FILE (default: stderr; - is stdout).")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Lines for people (default), or a JSON object a line.",
)
@options.replay
@options.run
@options.guest
def trace(
    events: tuple[str, ...],
    mode: str,
    processors: tuple[int, ...],
    addresses: tuple[str, ...],
    asids: tuple[int, ...],
    from_cycle: int,
    to_cycle: int | None,
    most: int | None,
    last: int | None,
    file: str | None,
    form: str,
    max_cycles: int | None,
    stats: str | None,
    input_file: str | None,
    pace: str,
    escape: int | None,
    idle_limit: float,
    symbols: tuple[str, ...],
    kernel: str | None,
    arguments: tuple[str, ...],
    **machine: Any,
) -> None:
    """Boot KERNEL as kseg run does, with its console here, and write down what it does.

    An event has a line: cycle, virtual time, processor, mode, address, what it was. Addresses have
    names from the kernel's file, and from those of user programs that --symbols gives.
    """
    from kseg.cli.console.session import Conditions, Session
    from kseg.cli.output import Output
    from kseg.cli.trace_file import TraceFile

    if most is not None and last is not None:
        raise click.UsageError("--most and --last: give one of them")
    if len(addresses) > MOST_RANGES:
        raise click.UsageError(f"--pc: at most {MOST_RANGES} ranges")
    conditions = Conditions(
        pace=pace,
        escape=escape,
        signals=True,
        limit=max_cycles,
        idle_limit=idle_limit,
    )
    output = Output("kseg")
    with machine_for(kernel, arguments, machine, output) as vm:
        repeats = machine["log"] is not None
        session = Session(vm, output, conditions, os.devnull if repeats else input_file)
        for path in symbols:
            vm.symbols.add(path)
        destination = TraceFile(file, output)
        writer = Writer(vm, destination, form)
        tracing = vm.trace(
            *(_kinds()[:-1] if "all" in events else events),
            kernel=mode != "user",
            user=mode != "kernel",
            processors=processors or None,
            addresses=chosen_ranges(vm, addresses),
            asids=asids or None,
            from_cycle=from_cycle,
            to_cycle=to_cycle,
            most=most,
            last=last,
            receive=writer.write,
        )
        outcome = session.run()

        def end() -> None:
            writer.end(tracing)
            report(vm, outcome, stats, output)

        finish(output, outcome, end, vm.close)


def chosen_ranges(machine: "Machine", given: tuple[str, ...]) -> list[tuple[int, int]]:
    """The ranges of addresses that a user has named; UsageError for what is none."""
    from kseg.symbols.address_ranges import ranges
    from kseg.symbols.executable import SymbolError

    try:
        found = [each for text in given for each in ranges(machine.symbols, text)]
    except SymbolError as error:
        raise click.UsageError(f"--pc: {error}") from None
    if len(found) > MOST_RANGES:
        raise click.UsageError(f"--pc: at most {MOST_RANGES} ranges, and these are {len(found)}")
    return found


class Writer:
    """Writes the parts of a trace to its destination."""

    def __init__(self, machine: "Machine", destination: "TraceFile", form: str) -> None:
        """`form` is "text" or "json"."""
        from kseg.api.trace_text import TraceText

        text = TraceText(machine.board.profile, names(machine))
        self._lines = text.json_lines if form == "json" else text.lines
        self._destination = destination

    def write(self, part: "Part") -> None:
        """Write a part."""
        self._destination.write(self._lines(part))

    def end(self, trace: "Trace") -> None:
        """Write what is left, and end the trace."""
        trace.close()
        for part in trace.take_parts():
            self.write(part)
        self._destination.close()


def names(machine: "Machine") -> "Symbols":
    """What the addresses of a guest are called, without lines."""
    symbols = machine.symbols

    @functools.lru_cache(1 << 16)
    def name(address: int) -> str | None:
        found = symbols.location(address)
        return None if found is None else str(found._replace(line=None))

    return name
