"""GDB's `monitor` commands (packet `qRcmd`)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kseg.debug.documents import condition
from kseg.debug.machine import Machine
from kseg.devices.device import slot_base
from kseg.errors import KsegError
from kseg.isa.registers import KSEG1

if TYPE_CHECKING:
    from kseg.debug.stub import Answer, Stub

HELP = """\
help             this list
info registers   all registers of the processor that is selected
info tlb         the valid entries of its TLB
info processors  what each processor is doing
info devices     the devices, and where their registers are
info guests      the machines that can be debugged
cycles           cycles since power-on, and virtual time
reset            back to power-on with the same kernel; time goes on
quit             switch the machine off (all that are debugged)
"""

RESET = "reset; `maintenance flush register-cache` lets GDB see it\n"


def execute(stub: "Stub", line: str) -> "str | Answer":
    """Carry out a command on the thread that is selected; returns what there is to say, or what
    else is to be done."""
    thread, machine = stub.current, stub.inferior.machine
    words = " ".join(line.split()).lower()
    if words == "quit":
        from kseg.debug.stub import Kill

        return Kill(stub.attached)
    known: dict[str, Callable[[], str]] = {
        "help": lambda: HELP,
        "": lambda: HELP,
        "info": lambda: HELP,
        "info registers": lambda: f"{thread.it.registers!r}\n",
        "info tlb": lambda: f"{thread.it.tlb!r}\n",
        "info processors": lambda: _processors(machine),
        "info devices": lambda: _devices(machine),
        "info guests": lambda: _guests(stub),
        "cycles": lambda: _cycles(machine),
        "reset": lambda: _reset(stub),
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


def _guests(stub: "Stub") -> str:
    return "".join(
        f"{each.number} {each.name or each.machine.kernel.name}:"
        f" {'debugged' if each.attached else 'not debugged'},"
        f" pc {each.machine.processors[0].registers['pc']:#010x}\n"
        for each in stub.target.inferiors
    )


def _cycles(machine: Machine) -> str:
    seconds = machine.board.clock.now / 1_000_000_000
    return f"{machine.engine.clock} cycles, {seconds:.9f} s\n"


def _reset(stub: "Stub") -> str:
    try:
        stub.inferior.machine.reset()
    except KsegError as error:
        return f"{error}\n"
    stub.inferior.end = None
    return RESET
