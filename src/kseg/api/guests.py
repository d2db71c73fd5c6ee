"""What can be booted: a kernel of the user's own by its path, or a bundled guest by its name."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from kseg import checks
from kseg.errors import ImageError


class Bundled(NamedTuple):
    """A guest that comes along: what it is, and a command that boots it."""

    summary: str
    start: str


BUNDLED = {
    "cms": Bundled(
        "a small single-user operating system with virtual memory, processes, disks, a shell",
        "kseg run cms",
    ),
    "cms-kuseg": Bundled(
        "the same with its kernel linked in kuseg, for a monitor that runs it in user mode",
        "kseg run --monitor trap-and-emulate cms-kuseg",
    ),
    "racelab": Bundled(
        "threads that share data and make mistakes at certain moments, for kseg explore",
        "kseg run racelab",
    ),
}
"""Guests that come with kseg, by name."""


IMAGES = Path(__file__).parents[1] / "images"
"""Where they are, and the archive of their programs with symbols."""
_CMS = [IMAGES / "cms.elf", IMAGES / "cms-kuseg.elf"]


class Bootable(msgspec.Struct, frozen=True):
    """A kernel to boot. `bundled` is the name it was found under, or None for a file."""

    path: Path
    bundled: str | None


def find_guest(kernel: str | Path) -> Bootable:
    """The guest that `kernel` names; ImageError when there is none.

    A bundled name means the bundled guest also where a file of that name exists: say ./cms for
    the file.
    """
    if isinstance(kernel, str) and kernel in BUNDLED:
        return Bootable(IMAGES / f"{kernel}.elf", kernel)
    try:
        path = checks.path("kernel", kernel)
        exists = bool(str(kernel)) and path.exists()
    except (checks.ArgumentError, OSError) as error:
        text = error.strerror if isinstance(error, OSError) else None
        raise ImageError(f"kernel {kernel}: {text}" if text else str(error)) from None
    if not exists:
        names = ", ".join(BUNDLED)
        raise ImageError(
            f"kernel {kernel or repr('')}: no such file; give a path or a bundled name ({names})"
            f"{_nearest(path)}"
        )
    return Bootable(path, None)


def programs_of(kernel: Path) -> Path | None:
    """The archive of the programs that come with a bundled kernel; None for other kernels."""
    return IMAGES / "cms-programs.zip" if kernel in _CMS else None


def _nearest(path: Path) -> str:
    """A question, where something is called almost like a kernel that does not exist."""
    from difflib import get_close_matches

    try:
        names = [*BUNDLED, *(each.name for each in path.parent.iterdir())]
    except OSError:
        names = [*BUNDLED]
    near = get_close_matches(path.name, names, n=1)
    if not near:
        return ""
    found = near[0] if near[0] in BUNDLED else str(path.with_name(near[0]))
    return f"; did you mean {found}?"
