"""The guest system cms: its programs, the system disk that holds them, its two kernels."""

from __future__ import annotations

import importlib
import importlib.util
import io
import shutil
import sys
import zipfile
from pathlib import Path
from types import ModuleType

from toolchain import CompileQueue

ROOT = Path(__file__).resolve().parents[1]

KERNEL_BASES = {"cms.elf": 0x80000000, "cms-kuseg.elf": 0x40000000}
"""Where each kernel image is linked; docs/cms.md says why there are two."""

FILE_TIME = 1_767_225_600
"""The time of every file on the system disk: 2026-01-01, whenever it is built."""

INCLUDE = "-Icms/include"
LINK = ("--nmagic", "--no-rosegment")


def cms_images(work: Path) -> dict[str, bytes]:
    """The kernel images, and an archive of the programs with their symbols, by file name; `work`
    is an empty directory."""
    shutil.copytree(ROOT / "guests" / "cms", work / "cms")
    queue = CompileQueue(work)
    parts = _program_objects(queue)
    programs = _programs(queue, parts, "--strip-all")
    (work / "system.disk").write_bytes(_system_disk(queue, programs))
    kernels = {name: _kernel(queue, name, base) for name, base in KERNEL_BASES.items()}
    named = _programs(queue, parts, "--strip-debug")
    return kernels | {"cms-programs.zip": _archive(named)}


def _sources(queue: CompileQueue, directory: str) -> list[Path]:
    return sorted((queue.work / "cms" / directory).rglob("*.[cS]"))


def _program_objects(queue: CompileQueue) -> dict[str, list[str]]:
    """What each program is linked from, by its name: a file in programs/, or a directory of files,
    and the library."""
    shared = _sources(queue, "lib") + _sources(queue, "common")
    library = queue.compile(shared, "user", "-Os", "-Icms/lib", INCLUDE)
    sources = _sources(queue, "programs")
    made = queue.compile(sources, "user", "-O2", "-Icms/lib", INCLUDE)
    parts: dict[str, list[str]] = {}
    for source, target in zip(sources, made, strict=True):
        relative = source.relative_to(queue.work / "cms" / "programs")
        parts.setdefault(relative.parts[0].removesuffix(".c"), []).append(target)
    return {name: objects + library for name, objects in parts.items()}


def _programs(queue: CompileQueue, parts: dict[str, list[str]], strip: str) -> dict[str, bytes]:
    """The linked programs; `strip` is the linker's option that says what is left out."""

    def one(name: str) -> bytes:
        options = (*LINK, strip)
        return queue.link("cms/lib/program.ld", parts[name], f"linked/{name}", *options)

    return dict(zip(parts, queue.pool.map(one, parts), strict=True))


def _archive(files: dict[str, bytes]) -> bytes:
    """A zip archive that is the same wherever it is made. Its members are not compressed: what
    programs have in common then is compressed once, with the archive in a wheel."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), data)
    return whole.getvalue()


def _system_disk(queue: CompileQueue, programs: dict[str, bytes]) -> bytes:
    """The file system with the programs and texts, no larger than it must be."""
    files = dict(programs)
    for text in sorted((queue.work / "cms" / "text").iterdir()):
        files[text.name] = text.read_bytes()
    return bytes(_file_system_module().pack(files, label="system", modified=FILE_TIME))


def _kernel(queue: CompileQueue, name: str, base: int) -> bytes:
    options = ["-Os", "-Icms/kernel", "-Wa,-I.", INCLUDE]
    if base != 0x80000000:
        options.append("-DCMS_KUSEG")
    sources = _sources(queue, "kernel") + _sources(queue, "common")
    objects = queue.compile(sources, name.removesuffix(".elf"), *options)
    place = f"--defsym=KERNEL_BASE={base:#x}"
    return queue.link("cms/kernel/kernel.ld", objects, name, *LINK, place)


def _file_system_module() -> ModuleType:
    """kseg's tool for cms's file system, loaded from these sources and without the rest of kseg."""
    directory = ROOT / "src" / "kseg" / "file_systems"
    specification = importlib.util.spec_from_file_location(
        "file_systems", directory / "__init__.py", submodule_search_locations=[str(directory)]
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return importlib.import_module("file_systems.cms.memory_disk")
