"""Where a machine is to stop: at which instructions, and before which accesses to memory."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from kseg import checks
from kseg.checks import ArgumentError
from kseg.engine.contract import Watchpoint
from kseg.isa.values import WORD
from kseg.monitor.observer import RUN_ON, Observer, Order
from kseg.monitor.stop import Stop, StopReason

if TYPE_CHECKING:
    from kseg.api.virtual_machine import VirtualMachine
    from kseg.symbols.symbol_table import Symbols

Addresses = int | str | Iterable[int | str]
"""Of instructions, as numbers or by name."""
Watched = int | str | Watchpoint | Iterable[int | str | Watchpoint]
"""Memory, by address or by name."""

HITS = (StopReason.BREAKPOINT, StopReason.WATCHPOINT)
"""Stops at what was set here."""

WORD_SIZE = 4
_ADDRESSES = "an address, a name, or a list of them"
_WATCHED = "an address, a name, a Watchpoint, or a list of them"


def moment(machine: "VirtualMachine") -> int:
    """A number that grows with each processor's turn: so it orders all that can happen."""
    return sum(processor.clock for processor in machine.board.processors)


def breakpoints(name: str, given: Any, symbols: "Callable[[], Symbols]") -> tuple[int, ...]:
    """Addresses of instructions: numbers, or what `Symbols.addresses` knows, which may be several.
    ArgumentError for what is none, SymbolError for a name that nothing has."""
    found: list[int] = []
    one = isinstance(given, str | int)
    for each in [given] if one else checks.several(name, given, _ADDRESSES):
        if isinstance(each, str):
            found += symbols().addresses(each)
        else:
            found.append(checks.address(name, each))
    for address in found:
        if address & 3:
            raise ArgumentError(f"{name}: no instruction has the address {address:#x}")
    return tuple(found)


def watchpoints(name: str, given: Any, symbols: "Callable[[], Symbols]") -> tuple[Watchpoint, ...]:
    """Memory whose accesses are looked for: a number is the address of a word that is written to,
    and so is a name, or of all that the name stands for; a `Watchpoint` says more."""
    found: list[Watchpoint] = []
    one = isinstance(given, str | int | Watchpoint)
    for each in [given] if one else checks.several(name, given, _WATCHED):
        if isinstance(each, str):
            found += _named(each, symbols())
        elif isinstance(each, Watchpoint):
            first = checks.address(name, each.first)
            checks.whole(name, each.last, first, WORD)
            found.append(Watchpoint(first, each.last, bool(each.reads), bool(each.writes)))
        else:
            found.append(_written(checks.address(name, each), WORD_SIZE))
    return tuple(found)


def _named(text: str, symbols: "Symbols") -> list[Watchpoint]:
    sizes = [each for file in symbols.files for each in file.named(text)]
    if sizes:
        return [_written(each.address, each.size or WORD_SIZE) for each in sizes]
    return [_written(address, WORD_SIZE) for address in symbols.addresses(text)]


def _written(address: int, length: int) -> Watchpoint:
    return Watchpoint(address, min(address + length - 1, WORD), False, True)


class Points(Observer):
    """What `Machine.run` is to stop at."""

    order = Order.USER

    def __init__(self, machine: "VirtualMachine", until_pc: Any, watch: Any) -> None:
        """KsegError where they cannot be."""
        self._machine = machine
        symbols = lambda: machine.symbols  # noqa: E731 - most runs need none
        self._breakpoints = breakpoints("until_pc", until_pc, symbols)
        self._watchpoints = watchpoints("watch", watch, symbols)
        self._engine = machine.engine
        self._begin: int | None = None

    def run(
        self, limit: int | None, condition: Callable[[], bool] | None, *, here: bool = False
    ) -> Stop:
        """Run to one of them, or as `RunLoop.run`. That at which the machine stands counts only
        if it is to be looked for `here`."""
        machine, engine = self._machine, self._engine
        self._begin = None if here else moment(machine)
        engine.set_breakpoints(self._breakpoints)
        engine.set_watchpoints(self._watchpoints)
        try:
            with machine.observers.added(self):
                return machine.run_to(limit, condition)
        finally:
            engine.set_breakpoints(())
            engine.set_watchpoints(())

    def stopped(self, stop: Stop) -> Stop | None:
        if stop.reason not in HITS:
            return None
        if moment(self._machine) == self._begin:
            # That at which it stands already, and which is passed now.
            self._begin = None
            return RUN_ON
        return self._described(stop)

    def _described(self, stop: Stop) -> Stop:
        """A stop at one of them, in words: where, and why."""
        machine = self._machine
        pc = machine.processors[stop.processor].pc
        place = f"{pc:#010x}"
        if (location := machine.symbols.location(pc)) is not None:
            place += f" ({location})"
        if stop.reason is StopReason.BREAKPOINT:
            return msgspec.structs.replace(stop, address=pc, message=f"about to execute {place}")
        access = "write to" if stop.stores else "read from"
        text = f"about to {access} {stop.address:#010x} at {place}"
        return msgspec.structs.replace(stop, message=text)
