"""Who runs the benchmark programs: kseg's engines, and whatever else is installed here.

Each peer is found in PATH or through an environment variable, and left out with a message when
it is not there:

    kseg            KSEG, or kseg beside this Python or in PATH
    System/161      SYS161, or sys161 in PATH
    GXemul          GXEMUL, or gxemul in PATH
    QEMU, machine   QEMU_SYSTEM_MIPS, or qemu-system-mips in PATH
    QEMU, process   QEMU_MIPS, or qemu-mips in PATH
    Unicorn         UNICORN_PYTHON: a Python that has the package unicorn (default: this one)
    native code     CC, or cc in PATH
"""

import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
IMAGES = BENCHMARKS / "images"
MARKER = b"KSEG ROUNDS\0"
"""Stands before the number of rounds in every image; see runtime/main.c."""

CONFIGURATION = "0 serial\n31 mainboard ramsize=4M cpus=1\n"
"""The System/161 machine that the programs run on."""

NATIVE = ("-O2", "-fno-tree-vectorize")
"""Vector instructions are no part of the comparison: the R3000 has none."""


class MissingError(Exception):
    """A peer is not installed here; the message says what was looked for."""


class Peer(ABC):
    """Something that runs the programs."""

    name: str
    platform: str
    byte_order = "big"
    terminal = False
    pace = 1
    """How many times the rounds it gets to do, so that its time can be measured at all."""

    def prepare(self, program: str, rounds: int, work: Path) -> Sequence[str | Path]:
        """The command that runs `program` for so many rounds; its files go into `work`."""
        image = work / f"{self.platform}-{program}-{rounds}"
        contents = self.image(program, work)
        place = contents.index(MARKER) + len(MARKER)
        number = rounds.to_bytes(4, self.byte_order)  # type: ignore[arg-type]
        image.write_bytes(contents[:place] + number + contents[place + 4 :])
        image.chmod(0o755)
        return self.command(image, work)

    def image(self, program: str, work: Path) -> bytes:  # noqa: ARG002
        return (IMAGES / self.platform / f"{program}.elf").read_bytes()

    @abstractmethod
    def command(self, image: Path, work: Path) -> Sequence[str | Path]: ...


def kseg() -> str:
    """The command that is measured."""
    beside = Path(sys.executable).parent / "kseg"
    return executable("KSEG", str(beside) if beside.exists() else "kseg")


def executable(variable: str, name: str) -> str:
    """The program that the environment variable names, or the one called `name` in PATH."""
    wanted = os.environ.get(variable, name)
    found = shutil.which(wanted)
    if found is None:
        raise MissingError(f"no {wanted} in PATH; {variable} names another place")
    return str(Path(found).absolute())


def configuration(work: Path) -> Path:
    path = work / "sys161.conf"
    path.write_text(CONFIGURATION)
    return path


class Kseg(Peer):
    """This virtual machine monitor, with one of its engines."""

    platform = "system161"

    def __init__(self, engine: str) -> None:
        self.executable = kseg()
        self.engine = engine
        self.name = f"kseg {engine}"

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:
        options = ("--config", configuration(work), "--engine", self.engine)
        return (self.executable, "run", *options, image)

    def count_instructions(self, program: str, rounds: int, work: Path) -> int:
        """How many instructions the program takes, everything about it included."""
        command = list(self.prepare(program, rounds, work))
        statistics = work / "statistics.json"
        command[2:2] = ["--stats", statistics]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        return int(json.loads(statistics.read_text())["instructions"])


class System161(Peer):
    name = "System/161"
    platform = "system161"

    def __init__(self) -> None:
        self.executable = executable("SYS161", "sys161")

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:
        return (self.executable, "-c", configuration(work), "-X", image)


class Gxemul(Peer):
    name = "GXemul"
    platform = "testmips"
    terminal = True  # without one it waits for ever

    def __init__(self) -> None:
        self.executable = executable("GXEMUL", "gxemul")

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:  # noqa: ARG002
        return (self.executable, "-q", "-E", "testmips", "-C", "R3000", image)


class QemuMachine(Peer):
    """QEMU has no R3000; its 24Kf executes the same instructions."""

    name = "qemu-system-mips"
    platform = "malta"
    pace = 4

    def __init__(self) -> None:
        self.executable = executable("QEMU_SYSTEM_MIPS", "qemu-system-mips")

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:  # noqa: ARG002
        machine = ("-M", "malta", "-m", "16", "-nodefaults", "-display", "none", "-monitor", "none")
        return (self.executable, *machine, "-no-reboot", "-serial", "stdio", "-kernel", image)


class QemuProcess(Peer):
    name = "qemu-mips"
    platform = "linux"
    pace = 4

    def __init__(self) -> None:
        self.executable = executable("QEMU_MIPS", "qemu-mips")

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:  # noqa: ARG002
        return (self.executable, image)


class Unicorn(Peer):
    name = "Unicorn"
    platform = "testmips"
    pace = 2

    def __init__(self) -> None:
        self.python = executable("UNICORN_PYTHON", sys.executable)
        asked = subprocess.run([self.python, "-c", "import unicorn"], capture_output=True)
        if asked.returncode:
            raise MissingError(
                f"{self.python} has no package unicorn; UNICORN_PYTHON names another"
            )

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:  # noqa: ARG002
        return (self.python, BENCHMARKS / "unicorn_runner.py", image)


class Native(Peer):
    """The same programs compiled for this computer."""

    name = "native"
    platform = "native"
    byte_order = sys.byteorder
    pace = 10

    def __init__(self) -> None:
        self.compiler = executable("CC", "cc")

    def image(self, program: str, work: Path) -> bytes:
        built = work / f"native-{program}"
        if not built.exists():
            parts = (f"programs/{program}.c", "runtime/main.c", "runtime/native.c")
            sources = [BENCHMARKS / part for part in parts]
            subprocess.run([self.compiler, *NATIVE, *sources, "-o", built], check=True)
        return built.read_bytes()

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:  # noqa: ARG002
        return (image,)


OTHERS: tuple[Callable[[], Peer], ...] = (
    System161,
    Gxemul,
    QemuMachine,
    QemuProcess,
    Unicorn,
    Native,
)


def find(kinds: Iterable[Callable[[], Peer]] = OTHERS) -> tuple[list[Peer], list[str]]:
    """The peers that are installed, and a message for each that is not."""
    present, messages = [], []
    for kind in kinds:
        try:
            present.append(kind())
        except MissingError as missing:
            messages.append(f"{getattr(kind, 'name', kind)}: left out: {missing}")
    return present, messages
