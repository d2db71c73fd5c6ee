"""The machine that a command's options describe: the same options mean the same everywhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kseg.boards import DEFAULT, board_named

if TYPE_CHECKING:
    from kseg.api.machine import Machine
    from kseg.cli.output import Output

BOOT = ("board", "config", "cpus", "ram", "seed", "doom", "epoch", "quantum")
"""Options about how a machine is booted: a snapshot or a log knows that already."""
LENT = ("disks", "share", "overlay", "trust", "snapshot")
"""Those about files of the host's, which a log does without."""


def machine_for(
    kernel: str | None,
    arguments: tuple[str, ...],
    options: Mapping[str, Any],
    output: "Output | None" = None,
) -> "Machine":
    """A machine about to run. `options` are those of `kseg run` by the names of its parameters, all
    of which may be missing, and `log`, a run to repeat. What is not given to `output` is dropped.
    `network` False: no hub is reached. UsageError for options that do not go together."""
    from kseg.api.machine import Machine

    given = {
        name: value
        for name, value in options.items()
        if value is not None and value != () and value is not False
    }
    if given.get("quantum") == 1:
        del given["quantum"]
    same: dict[str, Any] = {
        "engine": given.get("engine", "auto"),
        "output": None if output is None else output.console,
        "message": None if output is None else output.message,
    }
    log, snapshot = given.get("log"), given.get("snapshot")
    if log is not None:
        from kseg.api.replay import Replay

        _check_unwanted("--replay: the log", kernel, given, (*BOOT, *LENT))
        return Replay(log, monitor=given.get("monitor"), **same).machine
    files: dict[str, Any] = {
        "disks": given.get("disks", ()),
        "share": given.get("share"),
        "overlay": given.get("overlay", False),
    }
    same |= {
        "rewriting": options.get("rewriting", True),
        "progress_timeout": given.get("progress", 0),
    }
    if snapshot is not None:
        _check_unwanted("--from: the snapshot", kernel, given, BOOT)
        monitor, trust = given.get("monitor"), given.get("trust", False)
        return Machine.from_snapshot(snapshot, monitor=monitor, trust=trust, **files, **same)
    if kernel is None:
        raise click.UsageError("Missing argument 'KERNEL'.")
    if "trust" in given:
        raise click.UsageError("--trust: only with --from")
    board = given.get("board", DEFAULT)
    return Machine(
        kernel,
        arguments,
        board=board,
        config=given.get("config") or default_config(kernel, board),
        cpus=given.get("cpus"),
        ram=given.get("ram"),
        monitor=given.get("monitor", "bare"),
        quantum=given.get("quantum", 1),
        seed=given.get("seed"),
        doom=given.get("doom", 0),
        epoch=given.get("epoch"),
        network=options.get("network", True),
        **files,
        **same,
    )


def _check_unwanted(
    who: str, kernel: str | None, given: Mapping[str, Any], unwanted: tuple[str, ...]
) -> None:
    names = ["KERNEL"] * (kernel is not None)
    options = {"board": "machine", "disks": "disk", "snapshot": "from"}
    names += [f"--{options.get(name, name)}" for name in unwanted if name in given]
    if names:
        raise click.UsageError(f"{who} says what {names[0]} would; leave it out")


def default_config(kernel: str, board: str = DEFAULT) -> str | None:
    """A board's configuration in the current directory belongs to the kernels beside it."""
    from kseg.api.guests import BUNDLED

    name = board_named(board).configuration_file
    return name if name and kernel not in BUNDLED and Path(name).exists() else None
