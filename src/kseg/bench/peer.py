"""What every measured emulator has: a way to say which command runs a program."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from kseg.bench import programs
from kseg.machine import disk_image

CONFIGURATION = "0 serial\n1 timer\n31 mainboard ramsize=4M cpus=1\n"
"""The System/161 machine that programs and cms run on; kseg and System/161 read the same file."""


DISK_SIZE = 4 << 20
"""Bytes."""


class MissingError(Exception):
    """A peer is not installed here; the message says what was looked for."""


class Peer:
    """Something that runs the benchmark programs."""

    name: str
    platform: str
    program: ClassVar[tuple[str, str]]
    """The environment variable that names it, and what it is called in PATH."""
    arguments: ClassVar[Sequence[str | Path]] = ()
    """What comes before the image."""
    byte_order: ClassVar[Literal["big", "little"]] = "big"
    terminal: ClassVar[bool] = False

    def __init__(self) -> None:
        """MissingError where it is not installed."""
        self.executable = installed(*self.program)

    def prepare(self, program: str, rounds: int, work: Path) -> Sequence[str | Path]:
        """The command that runs `program` for so many rounds; its files go into `work`."""
        path = work / f"{self.platform}-{program}-{rounds}"
        if not path.exists():
            contents = self.executable_of(program, work)
            path.write_bytes(programs.with_rounds(contents, rounds, self.byte_order))
            path.chmod(0o755)
        return self.command(path, work)

    def executable_of(self, program: str, work: Path) -> bytes:  # noqa: ARG002
        """The image of `program`, with any number of rounds."""
        return programs.image(self.platform, program)

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:  # noqa: ARG002
        """What runs `image`."""
        return (self.executable, *self.arguments, image)


def installed(variable: str, name: str) -> str:
    """The program that the environment variable names, or the one called `name` in PATH."""
    wanted = os.environ.get(variable) or name
    found = shutil.which(wanted)
    if found is None:
        raise MissingError(f"no {wanted} in PATH; {variable} names another place")
    return str(Path(found).absolute())


def beside_python(name: str) -> str:
    """The path of a console script that was installed with this Python, else its name."""
    path = Path(sys.executable).parent / name
    return str(path) if path.exists() else name


def disk_configuration(work: Path) -> Path:
    """The same machine with a disk, whose image is `a.img` there."""
    path = work / "disk.conf"
    if not path.exists():
        disk_image.create(work / "a.img", DISK_SIZE)
        path.write_text(CONFIGURATION + "2 disk rpm=7200 file=a.img\n")
    return path


def configuration(work: Path) -> Path:
    path = work / "sys161.conf"
    if not path.exists():
        path.write_text(CONFIGURATION)
    return path
