"""Makes stencils in a process of its own, so that no guest waits for them: they are for the next
machine, or for this one if it runs long enough."""

from kseg.engine.codegen import cache, targets
from kseg.platform import processes

_started: set[tuple[str, str]] = set()
"""Whose stencils this process has had made: once is enough, whatever came of it."""


def make_in_background(profile_name: str, byte_order: str) -> None:
    """Start making the stencils of a profile and byte order, if this host has any, that can be done
    and has not been done yet."""
    kind = profile_name, byte_order
    if kind in _started or not targets.native().has_stencils or not cache.is_usable():
        return
    _started.add(kind)
    command = processes.command(__name__, profile_name, byte_order)
    process = processes.start(command, piped=False)
    if process is not None:
        processes.leave(process)


def main(profile_name: str, byte_order: str) -> None:
    """What that process does."""
    from kseg.engine.translator.stencils.image import load

    cache.make_no_directory()
    load(profile_name, byte_order)
