"""GDB's `monitor` commands (packet `qRcmd`)."""

from collections.abc import Callable

from kseg.debug.documents import condition
from kseg.debug.machine import Machine
from kseg.devices.device import slot_base
from kseg.errors import KsegError
from kseg.isa.registers import KSEG1

HELP = """\
help                this list
info registers      all registers of the processor that is selected
info tlb            the valid entries of its TLB
info address-space  what its virtual addresses lead to
info processors     what each processor is doing
info devices        the devices, and where their registers are
backtrace           who called whom, through exceptions and into user programs
symbol WHAT         names an address, finds NAME, NAME+0x12 or FILE:LINE
symbols FILE        takes the symbols of one more program
cycles              cycles since power-on, and virtual time
quit                switch the machine off
"""


def execute(machine: Machine, processor: int, line: str) -> str:
    """Carry out a command (`quit` is the caller's); returns what there is to say."""
    command, _, rest = " ".join(line.split()).partition(" ")
    with_argument = {"symbol": _symbol, "symbols": _read_symbols}
    if command.lower() in with_argument and rest:
        try:
            return with_argument[command.lower()](machine, rest)
        except KsegError as error:
            return f"{error}\n"
    words = " ".join(line.split()).lower()
    known: dict[str, Callable[[], str]] = {
        "help": lambda: HELP,
        "": lambda: HELP,
        "info": lambda: HELP,
        "info registers": lambda: f"{machine.processors[processor].registers!r}\n",
        "info tlb": lambda: f"{machine.processors[processor].tlb!r}\n",
        "info address-space": lambda: _address_space(machine, processor),
        "info processors": lambda: _processors(machine),
        "info devices": lambda: _devices(machine),
        "backtrace": lambda: _backtrace(machine, processor),
        "cycles": lambda: _cycles(machine),
    }
    if words not in known:
        return f"no command {line.strip()[:40]!r}; there are:\n{HELP}"
    return known[words]()


def _address_space(machine: Machine, processor: int) -> str:
    from kseg.debug.address_space import address_space

    return f"{address_space(machine, processor)!r}\n"


def _backtrace(machine: Machine, processor: int) -> str:
    from kseg.debug.backtrace import backtrace

    return f"{backtrace(machine, processor, machine.symbols)}\n"


def _symbol(machine: Machine, what: str) -> str:
    symbols = machine.symbols
    return "".join(
        f"{address:#010x} {symbols.location(address) or '?'}\n"
        for address in symbols.addresses(what)
    )


def _read_symbols(machine: Machine, path: str) -> str:
    file = machine.symbols.add(path)
    damage = f"; its debug information is damaged: {file.damage}" if file.damage else ""
    return f"{len(file.symbols)} symbols{damage}\n"


def _processors(machine: Machine) -> str:
    return "".join(
        f"CPU {number}: {condition(each)}, pc {each.registers['pc']:#010x}\n"
        for number, each in enumerate(machine.processors)
    )


def _devices(machine: Machine) -> str:
    cards = machine.board.bus.cards
    return "".join(f"{card.owner:12} {KSEG1 | slot_base(card.slot):#010x}\n" for card in cards)


def _cycles(machine: Machine) -> str:
    seconds = machine.board.clock.now / 1_000_000_000
    return f"{machine.engine.clock} cycles, {seconds:.9f} s\n"
