"""Build the benchmark programs for every MIPS platform that something emulates.

    python benchmarks/build.py            write benchmarks/images/PLATFORM/PROGRAM.elf
    python benchmarks/build.py --check    compare a fresh build with what is there

The compiler and linker are the clang and lld inside the `ziglang` package, whose version
pyproject.toml pins. A program is compiled once, and linked with each platform's runtime, so that
every emulator executes the same instructions. The images do not depend on the machine or the
directory they are built in.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
IMAGES = BENCHMARKS / "images"
PROGRAMS = ("sieve", "crc32", "matmul", "records", "bytecode", "walker")

KSEG0 = 0x80020000
BASES = {"system161": KSEG0, "testmips": KSEG0, "malta": KSEG0, "linux": 0x00400000}
"""Where each platform's images are linked."""

COMPILE = (
    "clang", "--target=mips-unknown-none-eabi", "-march=mips1", "-mabi=32", "-EB", "-O2",
    "-mno-abicalls", "-fno-pic", "-msoft-float", "-mno-check-zero-division", "-G0",
    "-ffreestanding", "-fno-builtin", "-nostdinc", "-std=c11", "-fomit-frame-pointer",
    "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fdata-sections",
    "-Wall", "-Wextra", "-Werror", "-Wno-unused-command-line-argument", "-c",
)  # fmt: skip
LINK = ("ld.lld", "--gc-sections", "-z", "max-page-size=4096", "--build-id=none", "--strip-all")


class BuildError(RuntimeError):
    """A tool failed or is missing; the message says which and why."""


def run_zig(work: Path, *arguments: str) -> None:
    """Run one of the tools inside the `ziglang` package, in the directory `work`."""
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        raise BuildError("the compiler is missing; install it with: pip install ziglang==0.17.1")
    zig = Path(found.origin).parent / "zig"
    done = subprocess.run([zig, *arguments], cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(arguments)}\n{done.stdout}{done.stderr}")


def compile_sources(work: Path) -> None:
    """Compile every source of a MIPS platform to an object beside it."""
    sources = [f"programs/{program}.c" for program in PROGRAMS]
    sources += [f"runtime/{platform}.c" for platform in BASES]
    sources += ["runtime/main.c", "runtime/memory.c", "runtime/start.S"]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda source: run_zig(work, *COMPILE, source, "-o", f"{source}.o"), sources))


def link_images(work: Path) -> Iterator[tuple[str, bytes]]:
    """Each image's path below images/, and its contents."""
    shared = ("runtime/main.c.o", "runtime/memory.c.o", "runtime/start.S.o")
    for platform, base in BASES.items():
        for program in PROGRAMS:
            objects = (f"programs/{program}.c.o", f"runtime/{platform}.c.o", *shared)
            place = f"--defsym=IMAGE_BASE={base:#x}"
            run_zig(work, *LINK, "-T", "runtime/image.ld", place, *objects, "-o", "image")
            yield f"{platform}/{program}.elf", (work / "image").read_bytes()


def build() -> dict[str, bytes]:
    """Build everything: the contents of each image by its path below images/."""
    with tempfile.TemporaryDirectory(prefix="kseg-benchmarks-") as name:
        work = Path(name)
        for sources in ("programs", "runtime"):
            shutil.copytree(BENCHMARKS / sources, work / sources)
        compile_sources(work)
        return dict(link_images(work))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    try:
        images = build()
    except BuildError as error:
        print(f"benchmarks/build.py: {error}", file=sys.stderr)
        return 1
    stale = 0
    for name, contents in images.items():
        path = IMAGES / name
        same = path.exists() and path.read_bytes() == contents
        if check:
            print(f"{name}: {'as built' if same else 'STALE'}")
            stale += not same
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents)
            print(f"{name}: {len(contents)} bytes")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
