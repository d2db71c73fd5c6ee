"""The compiler and linker of everything that is built here, and the options that all of it shares.

They are the clang and lld inside the `ziglang` package, whose version pyproject.toml pins. What
comes out does not depend on where the sources lie or which machine builds them: every path that a
tool sees is relative to a temporary directory laid out the same way each time.
"""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COMPILE = (
    "clang", "--target=mips-unknown-none-eabi", "-march=mips1", "-mabi=32", "-EB",
    "-mno-abicalls", "-fno-pic", "-msoft-float", "-mno-check-zero-division", "-G0",
    "-ffreestanding", "-fno-builtin", "-nostdinc", "-std=c11", "-fomit-frame-pointer",
    "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fdata-sections",
    "-Wall", "-Wextra", "-Werror", "-Wno-unused-command-line-argument", "-c",
)  # fmt: skip
LINK = ("ld.lld", "--gc-sections", "--build-id=none")


class BuildError(RuntimeError):
    """A tool failed or is missing; the message says which and why."""


def _zig() -> str:
    """The path of the `ziglang` package's executable."""
    specification = importlib.util.find_spec("ziglang")
    if specification is None or specification.origin is None:
        raise BuildError("the compiler is missing; install it with: pip install ziglang==0.17.1")
    return str(Path(specification.origin).parent / "zig")


def _run(directory: Path, *arguments: str) -> None:
    """Run one of zig's tools in `directory`."""
    done = subprocess.run(
        [_zig(), *arguments], cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"{' '.join(arguments)}\n{done.stdout}{done.stderr}")


class CompileQueue:
    """The directory `work`, which holds a copy of the sources, and two hands."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.pool = ThreadPoolExecutor(2)

    def compile(self, sources: Iterable[Path], objects: str, *options: str) -> list[str]:
        """Compile `sources` and return the names of their objects, below `objects`."""

        def one(source: Path) -> str:
            name = str(source.relative_to(self.work))
            target = f"{objects}/{name}.o"
            (self.work / target).parent.mkdir(parents=True, exist_ok=True)
            _run(self.work, *COMPILE, *options, name, "-o", target)
            return target

        return list(self.pool.map(one, sources))

    def link(self, script: str, objects: Iterable[str], target: str, *options: str) -> bytes:
        """Link `objects` into the file `target`; what is in it."""
        path = self.work / target
        path.parent.mkdir(parents=True, exist_ok=True)
        _run(self.work, *LINK, "-T", script, *options, *objects, "-o", target)
        return path.read_bytes()
