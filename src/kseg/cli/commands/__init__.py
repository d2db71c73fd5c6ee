"""The subcommands of `kseg`: one file each, imported when it is asked for.

Starting is fast because nothing else is: the table below says all that `kseg --help` needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kseg.cli.lazy_click import Declared

COMMANDS = {
    "run": "Boot a kernel or a bundled guest, with its console here.",
    "host": "Run many guests on one machine.",
    "hub": "Let machines with network cards talk to each other.",
    "sys161": "The same with System/161's options, messages and statistics.",
    "replay": "Repeat a recorded run, and check that nothing differs.",
    "profile": "Run a guest, and say where its time went.",
    "trace": "Run a guest and write down what it does.",
    "timeline": "Show what happened when in a recorded run.",
    "snapshot": "Show, compare and check snapshots of machines.",
    "disk": "Create, check, resize disk images; files on them (cms, OS/161).",
    "asm": "Assemble R3000 instructions.",
    "disasm": "Disassemble an executable or words.",
    "analyze": "Check Popek and Goldberg's conditions on the instruction set.",
    "compare": "Run a guest in every way there is, side by side.",
    "explore": "Run a guest under many timings of interrupts, to find races.",
    "bench": "Measure kseg beside other emulators installed here.",
    "cache": "Show or empty the cache of generated machine code.",
    "guests": "List the guests that come along.",
    "help": "Show the help of a command, or the manual page.",
    "completion": "Let a shell complete commands, options and names.",
}
"""Every subcommand: its module in this package, the command declared in it, and its summary."""


def declared(name: str) -> "Declared":
    """A subcommand's declaration, in its module. It must be one of COMMANDS."""
    room = "system161" if name in ("hub", "sys161") else "commands"
    command: Declared = getattr(import_module(f"kseg.cli.{room}.{name}"), name)
    return command
