"""GDB's `monitor` commands (packet `qRcmd`)."""

from collections.abc import Callable

from kseg.debug.documents import condition
from kseg.debug.machine import Machine
from kseg.devices.device import slot_base
from kseg.isa.registers import KSEG1

HELP = """\
help             this list
info registers   all registers of the processor that is selected
info tlb         the valid entries of its TLB
info processors  what each processor is doing
info devices     the devices, and where their registers are
cycles           cycles since power-on, and virtual time
quit             switch the machine off
"""


def execute(machine: Machine, processor: int, line: str) -> str:
    """Carry out a command (`quit` is the caller's); returns what there is to say."""
    words = " ".join(line.split()).lower()
    known: dict[str, Callable[[], str]] = {
        "help": lambda: HELP,
        "": lambda: HELP,
        "info": lambda: HELP,
        "info registers": lambda: f"{machine.processors[processor].registers!r}\n",
        "info tlb": lambda: f"{machine.processors[processor].tlb!r}\n",
        "info processors": lambda: _processors(machine),
        "info devices": lambda: _devices(machine),
        "cycles": lambda: _cycles(machine),
    }
    if words not in known:
        return f"no command {line.strip()[:40]!r}; there are:\n{HELP}"
    return known[words]()


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
