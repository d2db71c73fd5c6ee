"""The benchmark programs, for every MIPS platform that something emulates.

A program is compiled once and linked with each platform's runtime, so that every emulator executes
the same instructions.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from toolchain import CompileQueue

SOURCES = Path(__file__).resolve().parents[1] / "src" / "kseg" / "bench" / "guest"

KSEG0 = 0x80020000
BASES = {"system161": KSEG0, "testmips": KSEG0, "malta": KSEG0, "linux": 0x00400000}
"""Where each platform's images are linked."""


def benchmark_images(work: Path) -> dict[str, bytes]:
    """The contents of each image by its path below the images; `work` is an empty directory."""
    for part in ("programs", "runtime"):
        shutil.copytree(SOURCES / part, work / part)
    queue = CompileQueue(work)
    programs = sorted((work / "programs").glob("*.c"))
    platforms = [work / "runtime" / f"{platform}.c" for platform in BASES]
    shared = [work / "runtime" / name for name in ("main.c", "memory.c", "start.S")]
    made = dict(
        zip(
            (source.stem for source in (*programs, *platforms, *shared)),
            queue.compile([*programs, *platforms, *shared], "objects", "-O2"),
            strict=True,
        )
    )

    def image(platform: str, program: str) -> bytes:
        objects = [made[name] for name in (program, platform, "main", "memory", "start")]
        place = f"--defsym=IMAGE_BASE={BASES[platform]:#x}"
        options = ("-z", "max-page-size=4096", "--strip-all", place)
        return queue.link("runtime/image.ld", objects, f"{platform}-{program}", *options)

    return {
        f"bench/{platform}/{program.stem}.elf": image(platform, program.stem)
        for platform in BASES
        for program in programs
    }
