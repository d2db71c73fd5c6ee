"""The emulators that kseg is compared with.

Each is found in PATH or through an environment variable, and left out with a message when it is
not there:

    system161     SYS161, or sys161 in PATH
    gxemul        GXEMUL, or gxemul in PATH
    qemu-user     QEMU_MIPS, or qemu-mips in PATH
    qemu-system   QEMU_SYSTEM_MIPS, or qemu-system-mips in PATH
    unicorn       UNICORN_PYTHON: a Python that has the package unicorn (default: this one)
    native        CC, or cc in PATH
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from kseg.bench.peer import MissingError, Peer, configuration
from kseg.bench.process import MeasureError, run
from kseg.bench.programs import SOURCES

NATIVE = ("-O2", "-fno-tree-vectorize")
"""Vector instructions are no part of the comparison: the R3000 has none."""

SETTING_UP = 60.0
"""Seconds that a compiler, or a Python that is asked for a package, may take."""


class System161(Peer):
    """The simulator that OS/161 is written for."""

    name = "system161"
    platform = "system161"
    program = ("SYS161", "sys161")

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:
        return self.boot(image, config=configuration(work))

    def boot(self, kernel: str | Path, *boot_string: str, config: Path) -> Sequence[str | Path]:
        """The command that boots `kernel` without waiting for a debugger afterwards."""
        return (self.executable, "-c", config, "-X", kernel, *boot_string)


class Gxemul(Peer):
    """Its machine testmips, with an R3000."""

    name = "gxemul"
    platform = "testmips"
    program = ("GXEMUL", "gxemul")
    arguments = ("-q", "-E", "testmips", "-C", "R3000")
    terminal = True  # without one it waits for ever


class QemuUser(Peer):
    """QEMU running a Linux process: no system, no MMU of the guest's."""

    name = "qemu-user"
    platform = "linux"
    program = ("QEMU_MIPS", "qemu-mips")


class QemuSystem(Peer):
    """QEMU's machine malta. QEMU has no R3000; its 24Kf executes the same instructions."""

    name = "qemu-system"
    platform = "malta"
    program = ("QEMU_SYSTEM_MIPS", "qemu-system-mips")
    arguments = tuple(
        "-M malta -m 16 -nodefaults -display none -monitor none"
        " -no-reboot -serial stdio -kernel".split()
    )


class Unicorn(Peer):
    """QEMU's translator as a library, driven from Python."""

    name = "unicorn"
    platform = "testmips"
    program = ("UNICORN_PYTHON", sys.executable)
    arguments = (Path(__file__).with_name("unicorn_runner.py"),)

    def __init__(self) -> None:
        super().__init__()
        try:
            run([self.executable, "-c", "import unicorn"], limit=SETTING_UP)
        except MeasureError:
            raise MissingError(
                f"{self.executable} has no package unicorn; UNICORN_PYTHON names another Python"
            ) from None


class Native(Peer):
    """The same programs compiled for this computer."""

    name = "native"
    platform = "native"
    program = ("CC", "cc")
    byte_order: ClassVar[Literal["big", "little"]] = sys.byteorder

    def executable_of(self, program: str, work: Path) -> bytes:
        built = work / f"native-{program}"
        if not built.exists():
            parts = (f"programs/{program}.c", "runtime/main.c", "runtime/native.c")
            sources = [SOURCES / part for part in parts]
            run([self.executable, *NATIVE, *sources, "-o", built], limit=SETTING_UP)
        return built.read_bytes()

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:  # noqa: ARG002
        return (image,)


OTHERS: dict[str, type[Peer]] = {
    kind.name: kind for kind in (System161, Gxemul, QemuUser, QemuSystem, Unicorn, Native)
}
"""Every peer but kseg, by name."""
