"""GDB's `monitor` commands (packet `qRcmd`), in the order in which `help` lists them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from kseg.api.travel import TimeTravel
from kseg.errors import KsegError
from kseg.gdb.answers import Answer, Kill
from kseg.gdb.documents import condition
from kseg.gdb.threads import Thread
from kseg.inspection.machine import InspectedMachine
from kseg.isa.registers import KSEG1

if TYPE_CHECKING:
    from kseg.gdb.stub import Stub

FLUSH = "`maintenance flush register-cache` lets GDB see it"
INDENT = 20

Action = Callable[["Stub", str], "str | Answer"]
"""Carries out a command, given its argument; returns what there is to say, or what else is to be
done."""


class Command(NamedTuple):
    """One command, and what its `argument` is called, without which it means nothing."""

    action: Action
    does: str
    argument: str


COMMANDS: dict[str, Command] = {}


def command(name: str, does: str, argument: str = "") -> Callable[[Action], Action]:
    """Declare what carries out a command."""

    def declare(action: Action) -> Action:
        COMMANDS[name] = Command(action, does, argument)
        return action

    return declare


def execute(stub: "Stub", line: str) -> "str | Answer":
    """Carry out a command on the thread that is selected."""
    text = " ".join(line.split())
    name, _, argument = text.partition(" ")
    if (found := COMMANDS.get(name.lower())) is None or not found.argument:
        name, argument = text, ""
        found = COMMANDS.get(text.lower() if text.lower() not in ("", "info") else "help")
    if found is None:
        return f"no command {line.strip()[:40]!r}; there are:\n{help_text()}"
    if found.argument and not argument:
        return f"{name.lower()} needs an argument: {name.lower()} {found.argument}\n"
    try:
        return found.action(stub, argument)
    except (KsegError, ValueError) as error:
        return f"{error}\n"


command("help", "this list")(lambda _stub, _: help_text())


def help_text() -> str:
    """A line for each command, or more."""
    lines = []
    for name, each in COMMANDS.items():
        title = f"{name} {each.argument}".rstrip()
        does = each.does.replace("\n", "\n" + INDENT * " ")
        lines.append(f"{title}\n{INDENT * ' '}" if len(title) >= INDENT else title.ljust(INDENT))
        lines.append(f"{does}\n")
    return "".join(lines)


@command("info registers", "all registers of the processor that is selected")
def _registers(stub: "Stub", _: str) -> str:
    it, machine = stub.current.it, stub.inferior.machine
    places = "".join(
        f"{name:>4} {_place(machine, it.registers[name])}\n"
        for name in ("pc", "ra", "epc")
        if machine.symbols.location(it.registers[name]) is not None
    )
    return f"{it.registers!r}\n{places}"


@command("info tlb", "the valid entries of its TLB")
def _tlb(stub: "Stub", _: str) -> str:
    return f"{stub.current.it.tlb!r}\n"


@command("info address-space", "what its virtual addresses lead to")
def _address_space(stub: "Stub", _: str) -> str:
    from kseg.unwind.address_space import address_space

    return f"{address_space(stub.inferior.machine, stub.current.processor)!r}\n"


@command("info processors", "what each processor is doing")
def _processors(stub: "Stub", _: str) -> str:
    machine = stub.inferior.machine
    return "".join(
        f"CPU {number}: {condition(each)}, pc {_place(machine, each.registers['pc'])}\n"
        for number, each in enumerate(machine.processors)
    )


@command("info devices", "the devices, and where their registers are")
def _devices(stub: "Stub", _: str) -> str:
    cards = stub.inferior.machine.board.cards
    return "".join(f"{card.owner:12} {KSEG1 | card.base:#010x}\n" for card in cards)


@command("info guest-threads", "the threads of its kernel, what each waits for, and its holder")
def _guest_threads(stub: "Stub", _: str) -> str:
    from kseg.kernels import guest_threads

    return f"{guest_threads(stub.inferior.machine, stub.inferior.machine.symbols)!r}\n"


@command("info guests", "the machines that can be debugged")
def _guests(stub: "Stub", _: str) -> str:
    return "".join(
        f"{each.number} {each.name or each.machine.kernel.name}:"
        f" {'debugged' if each.attached else 'not debugged'},"
        f" pc {_place(each.machine, each.machine.processors[0].registers['pc'])}\n"
        for each in stub.target.inferiors
    )


@command("backtrace", "the callers, through exceptions and into user programs")
def _backtrace(stub: "Stub", _: str) -> str:
    from kseg.unwind.backtrace import backtrace

    machine = stub.inferior.machine
    return f"{backtrace(machine, stub.current.processor, machine.symbols)}\n"


@command("symbol", "names an address, finds NAME, NAME+0x12 or FILE:LINE", "WHAT")
def _symbol(stub: "Stub", what: str) -> str:
    symbols = stub.inferior.machine.symbols
    return "".join(
        f"{address:#010x} {symbols.location(address) or '?'}\n"
        for address in symbols.addresses(what)
    )


@command("symbols", "takes the symbols of one more program", "FILE")
def _read_symbols(stub: "Stub", path: str) -> str:
    if not stub.reads_files:
        reason = "files are not named over TCP, where others may listen in"
        raise KsegError(f"{reason}: give --symbols to kseg")
    file = stub.inferior.machine.symbols.add(path)
    damage = f"; its debug information is damaged: {file.damage}" if file.damage else ""
    return f"{len(file.symbols)} symbols{damage}\n"


@command("cycles", "cycles since power-on, and virtual time")
def _cycles(stub: "Stub", _: str) -> str:
    return f"{_time(stub.inferior.machine)}\n"


@command("history", "what of the run can be visited, and where we are")
def _history(stub: "Stub", _: str) -> str:
    history = _known_history(stub)
    here = "in the past" if history.in_past else "here"
    return f"from cycle {history.first_cycle}; {here}: {_time(history.machine)}\n"


@command("go-to", "visit a cycle", "CYCLE")
def _go_to(stub: "Stub", argument: str) -> str:
    history = _known_history(stub)
    if " " in argument:
        raise KsegError("go-to takes one cycle")
    history.go_to(_number(argument, "a cycle"))
    stub.inferior.machine = machine = history.machine
    number = stub.current.processor
    place = _place(machine, machine.processors[number].registers["pc"])
    return f"{_time(machine)}, CPU {number} at pc {place}; {FLUSH}\n"


@command(
    "last-write",
    "visit the last moment before anything wrote there: an address, NAME,\n"
    "NAME+0x12; without LENGTH all that NAME stands for, or a word",
    "WHERE [LENGTH]",
)
def _last_write(stub: "Stub", argument: str) -> str:
    history, arguments = _known_history(stub), argument.split(" ")
    if len(arguments) > 2:
        raise KsegError("last-write takes an address or a name, and how many bytes from there")
    length = _number(arguments[1], "a number of bytes") if len(arguments) > 1 else None
    where: int | str = arguments[0]
    if arguments[0].lstrip("-")[:1].isdigit():
        where = _number(arguments[0], "an address")
    stop = history.last_write(where, length)
    stub.inferior.machine = machine = history.machine
    if stop is None:
        return f"nothing wrote there since cycle {history.first_cycle}, where we are now; {FLUSH}\n"
    stub.current = Thread(stub.inferior, stop.processor)
    place = _place(machine, machine.processors[stop.processor].registers["pc"], ", {}")
    return f"CPU {stop.processor} at pc {place}, {_time(machine)}; {FLUSH}\n"


@command("reset", "back to power-on with the same kernel; time goes on")
def _reset(stub: "Stub", _: str) -> str:
    stub.inferior.machine.reset()
    stub.inferior.end = None
    return f"reset; {FLUSH}\n"


@command("quit", "switch the machine off (all that are debugged)")
def _quit(stub: "Stub", _: str) -> Answer:
    return Kill(stub.attached)


def _known_history(stub: "Stub") -> TimeTravel:
    if stub.target.history is None:
        raise KsegError("nothing is known of the past of this machine")
    return stub.target.history


def _time(machine: InspectedMachine) -> str:
    return f"{machine.engine.clock} cycles, {machine.board.clock.now / 1_000_000_000:.9f} s"


def _number(text: str, what: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise KsegError(f"{text[:40]!r}: give {what}, such as 1000 or 0x3e8") from None


def _place(machine: InspectedMachine, address: int, form: str = " ({})") -> str:
    """An address, and what is there if that is known."""
    location = machine.symbols.location(address)
    return f"{address:#010x}" + ("" if location is None else form.format(location))
