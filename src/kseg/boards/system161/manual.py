"""The reference page of the machine system161, written from the devices' declarations.

``python -m kseg.boards.system161.manual`` writes docs/system161.md anew; a test fails when it is
stale.
"""

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path

from kseg.boards.system161.address_map import BUS_BASE, CONTROLLER_SLOT, SLOT_SIZE, SLOTS
from kseg.boards.system161.cards import CARDS, CONTROLLERS
from kseg.boards.system161.mainboard import CONTROL, PROCESSOR_MEMORY, PROCESSORS, REGION_SIZE
from kseg.devices.device import BUFFER, Device, Register
from kseg.machine.arguments import Argument
from kseg.markdown import table, write_page

PAGE = Path("docs/system161.md")
"""Where the page is kept, from the root of the repository."""

INTRODUCTION = """\
# The machine system161: `sys161.conf` and the registers of its devices

*Generated from `src/kseg/devices` and
`src/kseg/boards/system161` by `python -m kseg.boards.system161.manual`; do not edit.*

## sys161.conf

A line for each card: `SLOT DEVICE [ARGUMENT...]`, words separated by white space; `#` begins a
comment. Slots go from 0 to {last_slot}; the mainboard is in slot {controller}, and has to be there.
A smallest machine with a console:

    0   serial
    28  random seed=1
    29  timer
    31  mainboard ramsize=4M cpus=1

Files that an argument names are relative to the directory in which kseg is started. Numbers may be
`0x` hexadecimal; sizes take a suffix: `b` bytes, `s` sectors of 512 bytes, `k`, `m`, `g` (or
capitals). `-c FILE` takes another file; `kseg sys161 -C SLOT:ARGUMENT` adds an argument to a line.

{devices}
## The bus

| Physical address | What is there |
|---|---|
| `00000000` | RAM |
| `1fc00000` | boot ROM |
| `{bus:08x}` | slot 0; {slot_size:#x} bytes for each of the {slots} slots |

A program reaches them at the same addresses above `a0000000` (kseg1): slot `s` begins at
`0x{kseg1:08x} + s * {slot_size:#x}`; registers stand at its beginning, buffers at {buffer:#x}.

The lower half of slot {controller} has a region of {region:#x} bytes for each slot: three words,
vendor, device number, revision; all 0 for an empty slot. Its upper half has one for each processor,
the first at {processors:#x}: a word with a bit for each slot that may interrupt the processor; a
word by which processors interrupt each other (1 raises, 0 lowers); and at {memory:#x} memory of its
own.

Registers are 32 bits wide. A narrower load reads the whole word, a narrower store reads, merges and
writes it. What is not listed is a bus error; what is called fatal stops the machine, as on
System/161.

"""


def page() -> str:
    """The whole page, as Markdown."""
    known = [kind for name, kind in CARDS.items() if kind.name == name and kind.registers]
    kinds = sorted(known, key=lambda kind: kind.name not in CONTROLLERS)
    head = ["Device", "Argument", "Meaning"]
    rows = (row for kind in kinds for row in _arguments(kind))
    introduction = INTRODUCTION.format(
        last_slot=SLOTS - 1, slots=SLOTS, controller=CONTROLLER_SLOT, devices=table(head, rows),
        bus=BUS_BASE, kseg1=BUS_BASE | 0xA0000000, slot_size=SLOT_SIZE, region=REGION_SIZE,
        processors=PROCESSORS, memory=PROCESSOR_MEMORY, buffer=BUFFER,
    )  # fmt: skip
    return introduction + "\n".join(_card(kind) for kind in kinds)


def _arguments(kind: type[Device]) -> Iterator[tuple[str, str, str]]:
    """The rows of a device: its name stands before the first argument."""
    others = [name for name, same in CARDS.items() if same is kind and name != kind.name]
    title = " or ".join(f"`{name}`" for name in [kind.name, *others])
    rows = [(f"`{argument.word}`", _meaning(argument)) for argument in kind.arguments]
    for word, meaning in rows or [("", "takes none")]:
        yield title, word, meaning
        title = ""


def _meaning(argument: Argument) -> str:
    notes = []
    if argument.minimum != argument.maximum:
        notes.append(f"{argument.minimum} to {argument.maximum}")
    if argument.default not in (None, 0):
        notes.append(f"default `{argument.default}`")
    return "; ".join([argument.meaning, *notes])


def _card(kind: type[Device]) -> str:
    """A device: what its module says of it, what it can be asked, its registers and buffers."""
    # The two controllers share a module.
    described = kind if kind.name in CONTROLLERS else inspect.getmodule(kind)
    identity = f"Device number {kind.identity}, revision {kind.revision}."
    rows = [*_registers(kind.registers), *_buffers(kind)]
    registers = table(["Offset", "Name", "Access", "Meaning"], rows)
    return "\n\n".join([f"## {kind.name}", inspect.getdoc(described) or "", identity, registers])


def _registers(registers: Sequence[Register]) -> Iterator[tuple[str, str, str, str]]:
    for register in registers:
        # The controller's are counted from its own configuration region on.
        place = f"{register.offset:#x}"
        if register.offset >= CONTROL:
            place = f"{CONTROL:#x} + {register.offset - CONTROL:#x}"
        yield place, register.name, register.access, register.meaning


def _buffers(kind: type[Device]) -> Iterator[tuple[str, str, str, str]]:
    for buffer in kind.buffers:
        yield f"{buffer.offset:#x}", buffer.name, "memory", f"{buffer.size} bytes: {buffer.meaning}"


def main() -> None:
    """Write the page."""
    write_page(PAGE, page())


if __name__ == "__main__":
    main()
