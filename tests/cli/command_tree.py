"""Every command there is, from the tree that `kseg` itself uses: new ones are found."""

from collections.abc import Iterator

import click

from kseg.cli.tree import kseg


def commands(group: click.Command = kseg, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command, such as ("disk", "create"); groups are left out."""
    if not isinstance(group, click.Group):
        yield path
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command, (*path, name))


def command(path: tuple[str, ...]) -> click.Command:
    """The command with these words."""
    found: click.Command = kseg
    for name in path:
        assert isinstance(found, click.Group)
        inner = found.get_command(click.Context(found), name)
        assert inner is not None
        found = inner
    return found


ALL = tuple(commands())
EXAMPLES = {
    ("run",): "--stats - cms halt",
    ("host",): "--stats - --guest a=cms,args=halt",
    ("sys161",): "-X -c sys161.conf printer",
    ("replay",): "run.log",
    ("profile",): "cms halt",
    ("trace",): "-o - cms halt",
    ("timeline",): "run.log",
    ("snapshot", "info"): "run.kseg",
    ("snapshot", "verify"): "run.kseg",
    ("snapshot", "diff"): "run.kseg other.kseg",
    ("disk", "info"): "disk.img",
    ("disk", "ls"): "disk.img",
    ("disk", "check"): "disk.img",
    ("disk", "get"): "disk.img s.s -",
    ("asm",): "-o - s.s",
    ("disasm",): "0x00000000",
    ("analyze",): "--cpu lsi",
    ("compare",): "--rounds 1 --ways interpreter cms halt",
    ("explore",): "--expect 2 --seeds 1 cms primes --after cms",
    ("bench",): "--help",
    ("cache", "info"): "",
    ("cache", "clear"): "",
    ("guests",): "",
    ("help",): "",
    ("completion",): "bash",
    ("hub",): "--help",
}
"""What makes a command print something, in a directory that `tests.cli.test_streams.files` has
made. A command that prints nothing when all goes well is in `SILENT`."""

SILENT = {
    ("disk", name) for name in ("create", "resize", "put", "rm", "mkdir", "mv")
}  # fmt: skip
