"""The generated parts of docs/system161.md, from the devices' declarations.

``python -m kseg.boards.system161.manual`` writes them anew; a test fails when they are stale.
"""

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path

from kseg.boards.system161.cards import CARDS, CONTROLLERS
from kseg.boards.system161.mainboard import CONTROL
from kseg.devices.device import Device, Register
from kseg.machine.arguments import Argument
from kseg.markdown import fill_page, table

PAGE = Path("docs/system161.md")
"""Where the page is kept, from the root of the repository."""


def parts() -> dict[str, str]:
    """The parts by name, as Markdown."""
    known = [kind for name, kind in CARDS.items() if kind.name == name and kind.registers]
    kinds = sorted(known, key=lambda kind: kind.name not in CONTROLLERS)
    rows = (row for kind in kinds for row in _arguments(kind))
    return {
        "arguments": table(["Device", "Argument", "Meaning"], rows),
        "devices": "\n".join(_card(kind) for kind in kinds),
    }


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
        if register.count > 1:
            place += f" + n * {register.stride:#x}"
        elif register.offset >= CONTROL:
            place = f"{CONTROL:#x} + {register.offset - CONTROL:#x}"
        yield place, register.name, register.access, register.meaning


def _buffers(kind: type[Device]) -> Iterator[tuple[str, str, str, str]]:
    for buffer in kind.buffers:
        yield f"{buffer.offset:#x}", buffer.name, "memory", f"{buffer.size} bytes: {buffer.meaning}"


if __name__ == "__main__":
    fill_page(PAGE, parts())
