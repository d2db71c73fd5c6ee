"""racelab, a kernel whose threads share data with mistakes, for docs/tutorial.md.

It is one image, with debug information. The names of source files in it are those in a clone,
where a debugger that was started there finds them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from toolchain import CompileQueue

ROOT = Path(__file__).resolve().parents[1]

SOURCES = ("guests/racelab", "guests/cms/common")
OPTIONS = (
    "-O1", "-gdwarf-4", "-fdebug-compilation-dir=.", "-fno-optimize-sibling-calls",
    "-Iguests/racelab", "-Wa,-I.", "-Iguests/cms/include",
)  # fmt: skip
LINK = ("--nmagic", "--no-rosegment")


def racelab_images(work: Path) -> dict[str, bytes]:
    """The kernel image, by file name; `work` is an empty directory."""
    for directory in (*SOURCES, "guests/cms/include"):
        shutil.copytree(ROOT / directory, work / directory)
    queue = CompileQueue(work)
    sources = [path for each in SOURCES for path in sorted((work / each).rglob("*.[cS]"))]
    objects = queue.compile(sources, "objects", *OPTIONS)
    name = "racelab.elf"
    return {name: queue.link("guests/racelab/kernel.ld", objects, name, *LINK)}
