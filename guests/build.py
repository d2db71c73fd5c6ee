"""Build the guest systems that kseg brings along.

    python guests/build.py            write src/kseg/images/*.elf
    python guests/build.py --check    compare a fresh build with what is there

The compiler and linker are the clang and lld inside the `ziglang` package, whose
version pyproject.toml pins. The result does not depend on where the sources lie
or which machine builds them: every path that a tool sees is relative to a
temporary directory laid out the same way each time.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
CMS = ROOT / "guests" / "cms"
IMAGES = ROOT / "src" / "kseg" / "images"

KERNEL_BASES = {"cms.elf": 0x80000000, "cms-kuseg.elf": 0x40000000}
"""Where each kernel image is linked; docs/cms.md says why there are two."""

FILE_TIME = 1_767_225_600
"""The time of every file on the system disk: 2026-01-01, whenever it is built."""

COMPILE = (
    "clang", "--target=mips-unknown-none-eabi", "-march=mips1", "-mabi=32", "-EB",
    "-mno-abicalls", "-fno-pic", "-msoft-float", "-mno-check-zero-division", "-G0",
    "-ffreestanding", "-fno-builtin", "-nostdinc", "-std=c11", "-fomit-frame-pointer",
    "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fdata-sections",
    "-Wall", "-Wextra", "-Werror", "-Wno-unused-command-line-argument",
    "-c",
)  # fmt: skip
LINK = ("ld.lld", "--gc-sections", "--nmagic", "--build-id=none", "--no-rosegment")


class BuildError(RuntimeError):
    """A tool failed or is missing; the message says which and why."""


def zig() -> str:
    """The path of the `ziglang` package's executable."""
    specification = importlib.util.find_spec("ziglang")
    if specification is None or specification.origin is None:
        raise BuildError("the compiler is missing; install it with: pip install ziglang==0.17.1")
    return str(Path(specification.origin).parent / "zig")


def run(directory: Path, *arguments: str) -> None:
    """Run one of zig's tools in `directory`."""
    done = subprocess.run(
        [zig(), *arguments], cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"{' '.join(arguments)}\n{done.stdout}{done.stderr}")


class Build:
    """One build in the directory `work`, which holds a copy of the sources."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.pool = ThreadPoolExecutor(2)
        shutil.copytree(CMS, work / "cms")

    def compile(self, sources: Iterable[Path], objects: str, *options: str) -> list[str]:
        """Compile `sources` and return the names of their objects."""

        def one(source: Path) -> str:
            name = str(source.relative_to(self.work))
            target = f"{objects}/{name}.o"
            (self.work / target).parent.mkdir(parents=True, exist_ok=True)
            run(self.work, *COMPILE, *options, "-Icms/include", name, "-o", target)
            return target

        return list(self.pool.map(one, sources))

    def link(self, script: str, objects: Iterable[str], target: str, *options: str) -> Path:
        """Link `objects` into the file `target`."""
        run(self.work, *LINK, "-T", script, *options, *objects, "-o", target)
        return self.work / target

    def sources(self, directory: str) -> list[Path]:
        found = (self.work / "cms" / directory).rglob("*.[cS]")
        return sorted(found)

    def programs(self) -> dict[str, bytes]:
        """Every program, by name: a file in programs/, or a directory of files."""
        options = ("-Os", "-Icms/lib")
        library = self.compile(self.sources("lib") + self.sources("common"), "user", *options)
        names = sorted(self.sources("programs"))
        compiled = dict(zip(names, self.compile(names, "user", "-O2", "-Icms/lib"), strict=True))
        parts: dict[str, list[str]] = {}
        for source, made in compiled.items():
            relative = source.relative_to(self.work / "cms" / "programs")
            parts.setdefault(relative.parts[0].removesuffix(".c"), []).append(made)

        def one(name: str) -> bytes:
            (self.work / "linked").mkdir(exist_ok=True)
            target = f"linked/{name}"
            objects = parts[name] + library
            return self.link("cms/lib/program.ld", objects, target, "--strip-all").read_bytes()

        return dict(zip(parts, self.pool.map(one, parts), strict=True))

    def system_disk(self) -> bytes:
        """The file system with the programs and texts, no larger than it must be."""
        files = self.programs()
        for text in sorted((self.work / "cms" / "text").iterdir()):
            files[text.name] = text.read_bytes()
        format_module = file_system_module()
        return bytes(format_module.pack(files, label="system", modified=FILE_TIME))

    def images(self) -> dict[str, bytes]:
        """The kernel images, by file name."""
        (self.work / "system.disk").write_bytes(self.system_disk())
        return {name: self.kernel(name, base) for name, base in KERNEL_BASES.items()}

    def kernel(self, name: str, base: int) -> bytes:
        options = ["-Os", "-Icms/kernel", "-Wa,-I."]
        if base != 0x80000000:
            options.append("-DCMS_KUSEG")
        sources = self.sources("kernel") + self.sources("common")
        objects = self.compile(sources, name.removesuffix(".elf"), *options)
        place = f"--defsym=KERNEL_BASE={base:#x}"
        return self.link("cms/kernel/kernel.ld", objects, name, place).read_bytes()


def file_system_module() -> ModuleType:
    """kseg's file system tool, loaded from these sources and without the rest of kseg."""
    directory = ROOT / "src" / "kseg" / "machine" / "cms_file_system"
    specification = importlib.util.spec_from_file_location(
        "cms_file_system", directory / "__init__.py", submodule_search_locations=[str(directory)]
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return importlib.import_module("cms_file_system.memory_disk")


def build() -> dict[str, bytes]:
    """Build everything from the sources: the contents of each image by file name."""
    with tempfile.TemporaryDirectory(prefix="kseg-guests-") as work:
        return Build(Path(work)).images()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    try:
        images = build()
    except BuildError as error:
        print(f"guests/build.py: {error}", file=sys.stderr)
        return 1
    stale = 0
    for name, contents in images.items():
        path = IMAGES / name
        same = path.exists() and path.read_bytes() == contents
        if check:
            print(f"{path.relative_to(ROOT)}: {'as built' if same else 'STALE'}")
            stale += not same
        else:
            IMAGES.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents)
            print(f"{path.relative_to(ROOT)}: {len(contents)} bytes")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
