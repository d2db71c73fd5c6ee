"""GDB's `monitor` commands (packet `qRcmd`)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kseg.api.travel import TimeTravel
from kseg.errors import KsegError
from kseg.gdb.answers import Answer, Kill
from kseg.gdb.documents import condition
from kseg.gdb.threads import Thread
from kseg.inspection.machine import InspectedMachine
from kseg.isa.registers import KSEG1

if TYPE_CHECKING:
    from kseg.gdb.answers import Answer
    from kseg.gdb.stub import Stub

HELP = """\
help                this list
info registers      all registers of the processor that is selected
info tlb            the valid entries of its TLB
info address-space  what its virtual addresses lead to
info processors     what each processor is doing
info devices        the devices, and where their registers are
info guest-threads  the threads of its kernel, what each waits for, and its holder
info guests         the machines that can be debugged
backtrace           the callers, through exceptions and into user programs
symbol WHAT         names an address, finds NAME, NAME+0x12 or FILE:LINE
symbols FILE        takes the symbols of one more program
cycles              cycles since power-on, and virtual time
history             what of the run can be visited, and where we are
go-to CYCLE         visit a cycle
last-write WHERE [LENGTH]
                    visit the last moment before anything wrote there: an address, NAME,
                    NAME+0x12; without LENGTH all that NAME stands for, or a word
reset               back to power-on with the same kernel; time goes on
quit                switch the machine off (all that are debugged)
"""

ARGUMENTS = {
    "symbol": "WHAT",
    "symbols": "FILE",
    "go-to": "CYCLE",
    "last-write": "WHERE [LENGTH]",
}
"""Commands that mean nothing without one."""

FLUSH = "`maintenance flush register-cache` lets GDB see it"
RESET = f"reset; {FLUSH}\n"
NO_FILES = "files are not named over TCP, where others may listen in: give --symbols to kseg\n"
NO_HISTORY = "nothing is known of the past of this machine\n"


def execute(stub: "Stub", line: str) -> "str | Answer":
    """Carry out a command on the thread that is selected; returns what there is to say, or what
    else is to be done."""
    thread, machine = stub.current, stub.inferior.machine
    command, _, rest = " ".join(line.split()).partition(" ")
    with_argument = {"symbol": _symbol, "symbols": _read_symbols}
    if command.lower() == "symbols" and rest and not stub.reads_files:
        return NO_FILES
    if command.lower() in with_argument and rest:
        try:
            return with_argument[command.lower()](machine, rest)
        except KsegError as error:
            return f"{error}\n"
    words = " ".join(line.split()).lower()
    if words in ARGUMENTS:
        return f"{words} needs an argument: {words} {ARGUMENTS[words]}\n"
    if words == "quit":
        return Kill(stub.attached)
    known: dict[str, Callable[[], str]] = {
        "help": lambda: HELP,
        "": lambda: HELP,
        "info": lambda: HELP,
        "info registers": lambda: _registers(thread),
        "info tlb": lambda: f"{thread.it.tlb!r}\n",
        "info address-space": lambda: _address_space(machine, thread.processor),
        "info processors": lambda: _processors(machine),
        "info devices": lambda: _devices(machine),
        "info guest-threads": lambda: _guest_threads(machine),
        "info guests": lambda: _guests(stub),
        "backtrace": lambda: _backtrace(machine, thread.processor),
        "cycles": lambda: _cycles(machine),
        "history": lambda: _history(stub),
        "reset": lambda: _reset(stub),
    }
    travels = {"go-to": _go_to, "last-write": _last_write}
    if command.lower() in travels and rest:
        return _travel(stub, travels[command.lower()], rest.split(" "))
    if words not in known:
        return f"no command {line.strip()[:40]!r}; there are:\n{HELP}"
    return known[words]()


def _registers(thread: Thread) -> str:
    it, machine = thread.it, thread.inferior.machine
    places = "".join(
        f"{name:>4} {_place(machine, it.registers[name])}\n"
        for name in ("pc", "ra", "epc")
        if machine.symbols.location(it.registers[name]) is not None
    )
    return f"{it.registers!r}\n{places}"


def _address_space(machine: InspectedMachine, processor: int) -> str:
    from kseg.unwind.address_space import address_space

    return f"{address_space(machine, processor)!r}\n"


def _backtrace(machine: InspectedMachine, processor: int) -> str:
    from kseg.unwind.backtrace import backtrace

    return f"{backtrace(machine, processor, machine.symbols)}\n"


def _guest_threads(machine: InspectedMachine) -> str:
    from kseg.kernels import guest_threads

    try:
        return f"{guest_threads(machine, machine.symbols)!r}\n"
    except KsegError as error:
        return f"{error}\n"


def _symbol(machine: InspectedMachine, what: str) -> str:
    symbols = machine.symbols
    return "".join(
        f"{address:#010x} {symbols.location(address) or '?'}\n"
        for address in symbols.addresses(what)
    )


def _read_symbols(machine: InspectedMachine, path: str) -> str:
    file = machine.symbols.add(path)
    damage = f"; its debug information is damaged: {file.damage}" if file.damage else ""
    return f"{len(file.symbols)} symbols{damage}\n"


def _processors(machine: InspectedMachine) -> str:
    return "".join(
        f"CPU {number}: {condition(each)}, pc {_place(machine, each.registers['pc'])}\n"
        for number, each in enumerate(machine.processors)
    )


def _devices(machine: InspectedMachine) -> str:
    cards = machine.board.cards
    return "".join(f"{card.owner:12} {KSEG1 | card.base:#010x}\n" for card in cards)


def _guests(stub: "Stub") -> str:
    return "".join(
        f"{each.number} {each.name or each.machine.kernel.name}:"
        f" {'debugged' if each.attached else 'not debugged'},"
        f" pc {_place(each.machine, each.machine.processors[0].registers['pc'])}\n"
        for each in stub.target.inferiors
    )


def _cycles(machine: InspectedMachine) -> str:
    seconds = machine.board.clock.now / 1_000_000_000
    return f"{machine.engine.clock} cycles, {seconds:.9f} s\n"


def _reset(stub: "Stub") -> str:
    try:
        stub.inferior.machine.reset()
    except KsegError as error:
        return f"{error}\n"
    stub.inferior.end = None
    return RESET


def _history(stub: "Stub") -> str:
    history = stub.target.history
    if history is None:
        return NO_HISTORY
    here = "in the past" if history.in_past else "here"
    return f"from cycle {history.first_cycle}; {here}: {_cycles(history.machine)}"


def _travel(
    stub: "Stub", travel: Callable[["Stub", TimeTravel, list[str]], str], arguments: list[str]
) -> str:
    """Go somewhere in the history."""
    history = stub.target.history
    if history is None:
        return NO_HISTORY
    try:
        said = travel(stub, history, arguments)
    except (KsegError, ValueError) as error:
        return f"{error}\n"
    stub.inferior.machine = history.machine
    return said


def _number(text: str, what: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise KsegError(f"{text[:40]!r}: give {what}, such as 1000 or 0x3e8") from None


def _go_to(stub: "Stub", history: TimeTravel, arguments: list[str]) -> str:
    if len(arguments) > 1:
        raise KsegError("go-to takes one cycle")
    history.go_to(_number(arguments[0], "a cycle"))
    number = stub.current.processor
    place = _place(history.machine, history.machine.processors[number].registers["pc"])
    return f"{_cycles(history.machine).strip()}, CPU {number} at pc {place}; {FLUSH}\n"


def _last_write(stub: "Stub", history: TimeTravel, arguments: list[str]) -> str:
    if len(arguments) > 2:
        raise KsegError("last-write takes an address or a name, and how many bytes from there")
    length = _number(arguments[1], "a number of bytes") if len(arguments) > 1 else None
    where: int | str = arguments[0]
    if arguments[0].lstrip("-")[:1].isdigit():
        where = _number(arguments[0], "an address")
    stop = history.last_write(where, length)
    if stop is None:
        return f"nothing wrote there since cycle {history.first_cycle}, where we are now; {FLUSH}\n"
    stub.current = Thread(stub.inferior, stop.processor)
    pc = history.machine.processors[stop.processor].registers["pc"]
    location = history.machine.symbols.location(pc)
    place = f"{pc:#010x}" + (f", {location}" if location is not None else "")
    return f"CPU {stop.processor} at pc {place}, {_cycles(history.machine).strip()}; {FLUSH}\n"


def _place(machine: InspectedMachine, address: int) -> str:
    """An address, and what is there if that is known."""
    location = machine.symbols.location(address)
    return f"{address:#010x}" + (f" ({location})" if location is not None else "")
