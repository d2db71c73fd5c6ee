"""The machine that a command's options describe: the same options mean the same everywhere."""

from collections.abc import Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kseg.boards import DEFAULT, board_for, board_named
from kseg.cli import lazy_click as click

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.cli.output import Output

BOOT = ("board", "config", "cpus", "ram", "seed", "fpu", "doom", "epoch", "quantum")
"""Options about how a machine is booted: a snapshot or a log knows that already."""
LENT = ("disks", "share", "overlay", "trust", "snapshot")
"""Those about files of the host's, which a log does without."""


def machine_for(
    kernel: str | None,
    arguments: tuple[str, ...],
    options: Mapping[str, Any],
    output: "Output | None" = None,
) -> "Machine":
    """A machine about to run. `options` are those of `kseg.api.options.MachineOptions`, or None;
    `snapshot`, one to go on from, and whether to `trust` it; `log`, a run to repeat. What is not
    given to `output` is dropped. UsageError for options that do not go together."""
    from kseg.api.machine import Machine

    given = {name: value for name, value in options.items() if value is not None and value != ()}
    said = {name for name, value in given.items() if value is not False}
    log, snapshot = given.pop("log", None), given.pop("snapshot", None)
    trust = given.pop("trust", False)
    if output is not None:
        given |= {"output": output.console, "message": output.message}
    if log is not None:
        from kseg.api.replay import Replay

        _check_unwanted("--replay: the log", kernel, said, (*BOOT, *LENT))
        kept = ("engine", "monitor", "output", "message")
        return Replay(log, **{name: given[name] for name in kept if name in given}).machine
    if snapshot is not None:
        _check_unwanted("--from: the snapshot", kernel, said, BOOT)
        given.pop("network", None)
        return Machine.from_snapshot(snapshot, trust=trust, **given)
    if kernel is None:
        raise click.UsageError("Missing argument 'KERNEL'.")
    if trust:
        raise click.UsageError("--trust: only with --from")
    if not {"board", "config"} & given.keys():
        given["board"] = board = recognised(kernel)
        if board != DEFAULT and output is not None:
            order = board_named(board).byte_order
            output.message(f"{kernel} is {order} endian: --machine {board}")
    given.setdefault("config", default_config(kernel, given.get("board", DEFAULT)))
    return Machine(kernel, arguments, **given)


def _check_unwanted(
    who: str, kernel: str | None, said: Container[str], unwanted: tuple[str, ...]
) -> None:
    names = ["KERNEL"] * (kernel is not None)
    options = {"board": "machine", "disks": "disk", "snapshot": "from"}
    names += [f"--{options.get(name, name)}" for name in unwanted if name in said]
    if names:
        raise click.UsageError(f"{who} says what {names[0]} would; leave it out")


def recognised(kernel: str) -> str:
    """The board that a kernel is for, as far as its file says."""
    from kseg.api.guests import BUNDLED

    path = Path(kernel)
    try:
        if kernel in BUNDLED or not path.is_file():
            return DEFAULT
        with path.open("rb") as file:
            return board_for(file.read(6))
    except (OSError, ValueError):  # which booting it explains
        return DEFAULT


def default_config(kernel: str, board: str = DEFAULT, where: Path = Path()) -> str | None:
    """A board's configuration in a directory, this one, belongs to the kernels there."""
    from kseg.api.guests import BUNDLED

    name = board_named(board).configuration_file
    found = where / name
    return str(found) if name and kernel not in BUNDLED and found.exists() else None
