"""The options that several commands have. Each stands here once; commands compose them."""

from collections.abc import Callable
from functools import reduce
from typing import Any

from kseg.cli import lazy_click as click
from kseg.cli.parameters import (
    ControlKey,
    Directory,
    File,
    GuestWord,
    Kernel,
    Name,
    SaveAt,
    Seconds,
    Seed,
    Text,
    boards,
    engines,
    monitors,
)

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def group(*options: Decorator) -> Decorator:
    """Options that go together, in the order in which the help shows them."""
    return lambda function: reduce(lambda made, option: option(made), reversed(options), function)


# The machine.
board = click.option(
    "--machine",
    "board",
    type=Name("NAME", boards),
    help="Board (default: system161, for a little-endian kernel decstation).",
)
config = click.option(
    "--config",
    "-c",
    type=File("configuration"),
    help="Machine configuration (default: sys161.conf here, for a kernel given by its path).",
)
cpus = click.option("--cpus", type=click.IntRange(1, 32), metavar="N", help="Processors.")
ram = click.option("--ram", type=Text("SIZE"), help="Memory, such as 512K or 8M.")
disks = click.option(
    "--disk", "disks", multiple=True, type=File("disk"), help="Disk image; may be repeated."
)
share = click.option(
    "--share", type=Directory("DIR"), help="Directory that the guest can reach (emufs)."
)
seed = click.option("--seed", type=Seed(), help="Seed of the random source; auto: a new one.")
fpu = click.option(
    "--fpu",
    type=Text("UNIT"),
    help="Floating-point unit: of a decstation complete (default), r3010 or none.",
)
epoch = click.option(
    "--epoch",
    type=click.IntRange(0, 0xFFFFFFFF),
    metavar="SECONDS",
    help="Calendar time at power-on, in seconds since 1970 (default: now).",
)
machine = group(board, config, cpus, ram, disks, share, seed, fpu, epoch)

overlay = click.option(
    "--overlay",
    is_flag=True,
    help="Leave disk images alone: what guests write to them is dropped at the end.",
)
from_snapshot = group(
    click.option(
        "--from",
        "snapshot",
        type=File("snapshot"),
        help="Go on from a snapshot, instead of booting KERNEL.",
    ),
    click.option(
        "--trust",
        is_flag=True,
        help="With --from: open the disk images and directories that the snapshot names.",
    ),
)
replay = click.option(
    "--replay",
    "log",
    type=File("log", "LOG"),
    help="Repeat a recorded run (kseg run --record), instead of booting KERNEL.",
)

# How it is executed.
engine = click.option(
    "--engine",
    type=Name("NAME", engines),
    default="auto",
    help="How code is executed: translator, interpreter or reference"
    " (default: auto, the fastest that this host has).",
)
monitor = click.option(
    "--monitor",
    type=Name("NAME", monitors),
    help="What the guest runs on: bare, the machine itself (default, but for what was recorded or"
    " saved on another); trap-and-emulate, a monitor that runs its kernel in user mode; hybrid, one"
    " that emulates its kernel mode.",
)
quantum = click.option(
    "--quantum",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Cycles of a processor's turn, where several run (default: 1, as on System/161; from about"
    " 1000 on each runs translated code in its turn).",
)

# When it ends, and what is left then.
idle_limit = click.option(
    "--idle-limit",
    type=Seconds(),
    default=60.0,
    help="After the input's end, stop when nothing has been done for so many virtual seconds"
    " (default: 60; 0: never).",
)
stats = click.option("--stats", type=File(), help="Write statistics as JSON; - is stdout.")
saves = click.option(
    "--save-at",
    "saves",
    multiple=True,
    type=SaveAt(),
    help="Save a snapshot in FILE at a cycle, for kseg run --from; may be repeated.",
)
symbols = click.option(
    "--symbols",
    multiple=True,
    type=File("executable"),
    help="A user program's executable, for names in reports, profiles and traces; may be repeated.",
)

# The user.
input_file = click.option(
    "--input", "input_file", type=File(), help="Type what FILE says; - is stdin."
)


def pace(*choices: str) -> Decorator:
    """Those that a command knows, besides auto."""
    return click.option(
        "--pace",
        type=click.Choice(["auto", *choices]),
        default="auto",
        help="Whether idle time passes as fast as possible, in real time, or as System/161 lets it:"
        " waiting for clocks in real time, for disks not (auto: slowly on a terminal, else fast).",
    )


escape = click.option(
    "--escape",
    type=ControlKey(),
    default="^A",
    help="Key for commands to kseg, such as ^A (default) or ^]; none: no such key.",
)
gdb = click.option(
    "--gdb",
    type=File(metavar="ADDRESS"),
    help="Listen for gdb: the path of a Unix socket to make, or host:port, or :port on this host.",
)
wait = click.option("--wait", is_flag=True, help="With --gdb: run nothing before gdb says so.")

# The guest's words.
kernel = click.argument("kernel", type=Kernel())
arguments = click.argument("arguments", nargs=-1, type=GuestWord("WORD"))
guest = group(click.argument("kernel", type=Kernel(), required=False), arguments)
"""What boots a kernel, or goes on from a snapshot or a log without one."""

# What `kseg run` takes, and others with it.
run = group(
    machine,
    from_snapshot,
    overlay,
    engine,
    monitor,
    quantum,
    input_file,
    escape,
    pace("fast", "real", "system161"),
    click.option(
        "--max-cycles", type=click.IntRange(min=1), metavar="N", help="Stop after N cycles."
    ),
    idle_limit,
    click.option(
        "--progress",
        "progress_timeout",
        type=click.IntRange(min=1),
        metavar="SECONDS",
        help="Stop when no user-mode instruction is executed for twice as long.",
    ),
    click.option(
        "--doom",
        type=click.IntRange(min=1),
        metavar="N",
        help="Let the power fail at the N-th disk write.",
    ),
    stats,
    symbols,
)
