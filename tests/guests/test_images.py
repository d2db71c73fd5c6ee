"""The checked-in guest images: built from these sources, and fit for every R3000."""

from __future__ import annotations

import importlib.util
import re
import struct
import subprocess
import sys
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from kseg import Machine
from kseg.file_systems.cms.file_system import CmsFileSystem
from kseg.file_systems.cms.memory_disk import MemoryDisk

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "src" / "kseg" / "images"
KERNELS = {"cms.elf": 0x80000000, "cms-kuseg.elf": 0x40000000}

EXPECTED_PROGRAMS = {
    "cat", "counter", "cp", "crc", "date", "dhrystone", "drives", "echo", "fault", "faults",
    "format", "help", "hog", "kill", "ls", "matmul", "memory", "misses", "mkdir", "mv", "overflow",
    "primes", "ps", "pwd", "rm", "shell", "sieve", "sleep", "sort", "spawn", "switches", "syscalls",
    "time", "vmtest",
}  # fmt: skip


class Image:
    """As much of an ELF file as these tests need."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        fields = struct.unpack_from(">4s5B7xHHIIIIIHHHHHH", data)
        self.magic, self.byte_order, self.machine = fields[0], fields[2], fields[7]
        self.kind, self.entry = fields[6], fields[9]
        start, size, count = fields[10], fields[14], fields[15]
        self.segments = [
            struct.unpack_from(">8I", data, start + index * size) for index in range(count)
        ]
        start, size, count, names = fields[11], fields[16], fields[17], fields[18]
        headers = [struct.unpack_from(">10I", data, start + i * size) for i in range(count)]
        texts = headers[names][4]
        self.sections = {self.text(texts + header[0]): header for header in headers}

    def text(self, offset: int) -> str:
        return self.data[offset : self.data.index(b"\0", offset)].decode("ascii")

    def code(self) -> list[int]:
        """The instructions of .text."""
        _, _, _, _, offset, size, *_ = self.sections[".text"]
        return list(struct.unpack_from(f">{size // 4}I", self.data, offset))

    def symbols(self) -> dict[str, int]:
        offset, size = self.sections[".symtab"][4:6]
        texts = self.sections[".strtab"][4]
        rows = struct.iter_unpack(">IIIBBH", self.data[offset : offset + size])
        return {self.text(texts + name): value for name, value, *_ in rows if name}

    def at(self, address: int, size: int) -> bytes:
        for _, offset, start, _, file_size, *_ in self.segments:
            if start <= address and address + size <= start + file_size:
                return self.data[offset + address - start :][:size]
        raise AssertionError(f"{address:#x} is in no segment")


def kernel(name: str) -> Image:
    return Image((IMAGES / name).read_bytes())


def system_disk(image: Image) -> CmsFileSystem:
    symbols = image.symbols()
    start, end = symbols["system_disk"], symbols["system_disk_end"]
    return CmsFileSystem(MemoryDisk(contents=image.at(start, end - start)))


def programs() -> dict[str, Image]:
    system = system_disk(kernel("cms.elf"))
    contents = {entry.name: system.get(entry.name) for entry in system.list()}
    return {name: Image(data) for name, data in contents.items() if data[:4] == b"\x7fELF"}


BASES = KERNELS | {"racelab.elf": 0x80000000}
ALL = {name: kernel(name) for name in BASES} | programs()


# ---- are they what the sources say? ----


def test_a_fresh_build_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed; pip install 'kseg[guests]' to rebuild the guests")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pinned,) = project["optional-dependencies"]["guests"]
    installed = metadata.version("ziglang")
    if pinned != f"ziglang=={installed}":
        pytest.skip(f"ziglang {installed} is installed, the images are built with {pinned}")
    # From another place, so that a path that got into an image would show.
    elsewhere = tmp_path / "a checkout with another path"
    for part in ("guests", "src/kseg/file_systems", "src/kseg/bench/guest"):
        copy_into(elsewhere, part)
    subprocess.run([sys.executable, str(elsewhere / "guests" / "build.py")], check=True)
    fresh = contents_below(elsewhere / "src" / "kseg" / "images")
    there = contents_below(IMAGES)
    assert fresh.keys() == there.keys()
    stale = [name for name in fresh if fresh[name] != there[name]]
    assert not stale, "run: python guests/build.py"


def contents_below(directory: Path) -> dict[str, bytes]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def copy_into(target: Path, part: str) -> None:
    source = ROOT / part
    for path in [source] if source.is_file() else source.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())


def test_the_named_programs_are_those_on_the_system_disk() -> None:
    with zipfile.ZipFile(IMAGES / "cms-programs.zip") as archive:
        named = {name: Image(archive.read(name)) for name in archive.namelist()}
    assert named.keys() == EXPECTED_PROGRAMS
    for name, image in programs().items():
        assert image.code() == named[name].code()
        assert {"start", "main"} <= named[name].symbols().keys()


def test_the_archive_of_named_programs_is_small_in_a_wheel() -> None:
    assert len(zlib.compress((IMAGES / "cms-programs.zip").read_bytes(), 9)) < 64 << 10


@pytest.mark.parametrize("name", BASES)
def test_no_path_of_the_building_machine_is_in_an_image(name: str) -> None:
    data = kernel(name).data
    assert not re.search(rb"/(home|root|tmp|work|usr|Users)/", data)


def test_both_kernels_carry_the_same_system_disk() -> None:
    first, second = (system_disk(kernel(name)) for name in KERNELS)
    assert [(e.name, first.get(e.name)) for e in first.list()] == [
        (e.name, second.get(e.name)) for e in second.list()
    ]


def test_the_system_disk_is_sound_and_complete() -> None:
    system = system_disk(kernel("cms.elf"))
    assert system.check() == ()
    assert {entry.name for entry in system.list()} == EXPECTED_PROGRAMS | {"help.txt"}


def test_the_help_text_names_every_program() -> None:
    text = system_disk(kernel("cms.elf")).get("help.txt").decode("ascii")
    named = {line.split()[0] for line in text.splitlines() if re.match(r"  \w", line)}
    assert named == EXPECTED_PROGRAMS | {"cd", "exit", "halt", "limit"}


def test_help_fits_a_terminal() -> None:
    system = system_disk(kernel("cms.elf")).get("help.txt").decode("ascii")
    with Machine("racelab", "help") as machine:
        machine.run(cycles=1_000_000)
        lines = system.splitlines() + machine.console.output.splitlines()
    assert [line for line in lines if len(line) >= 80] == []


# ---- can System/161 load them, and an R3000 run them? ----


@pytest.mark.parametrize("name", ALL)
def test_the_header_is_one_that_loaders_accept(name: str) -> None:
    image = ALL[name]
    assert (image.magic, image.byte_order, image.machine, image.kind) == (b"\x7fELF", 2, 8, 2)
    assert {segment[0] for segment in image.segments} == {1}, "only PT_LOAD is understood"
    low, high = (BASES[name], BASES[name] + (1 << 20)) if name in BASES else (0x400000, 1 << 30)
    for _, _, address, _, file_size, memory_size, _, _ in image.segments:
        assert low <= address <= address + memory_size < high
        assert file_size <= memory_size
    assert low <= image.entry < high


@pytest.mark.parametrize("name", BASES)
def test_the_vectors_lie_at_the_bottom(name: str) -> None:
    symbols = kernel(name).symbols()
    assert symbols["refill_vector"] == BASES[name]
    assert symbols["general_vector"] == BASES[name] + 0x80


MIPS_I_SPECIAL = {
    0,
    2,
    3,
    4,
    6,
    7,
    8,
    9,
    12,
    13,
    *range(16, 20),
    *range(24, 28),
    *range(32, 40),
    42,
    43,
}
MIPS_I_MAJOR = {*range(17), *range(32, 39), *range(40, 44), 46}
DELIBERATE = {
    "fault": {0xFC000000, 0x46000000},  # which it is there to run
}


def is_mips_one(word: int) -> bool:
    major = word >> 26
    if major == 0:
        return word & 63 in MIPS_I_SPECIAL
    if major == 1:
        return word >> 16 & 31 in (0, 1, 16, 17)
    if major == 16:
        moves = word >> 21 & 31 in (0, 4) and word & 0x7FF == 0
        return moves or word & 0x3FFFFFF in {0x2000000 | code for code in (1, 2, 6, 8, 16, 32)}
    return major in MIPS_I_MAJOR


@pytest.mark.parametrize("name", ALL)
def test_only_instructions_of_mips_one(name: str) -> None:
    strange = {word for word in ALL[name].code() if not is_mips_one(word)}
    assert {f"{word:#010x}" for word in strange - DELIBERATE.get(name, set())} == set()


LOADS = {*range(32, 39)}
PARTIAL_LOADS = {34, 38}  # lwl and lwr may follow each other


def loaded_register(word: int) -> int:
    """The register that is not there yet for the next instruction; 0 if none."""
    moved_from_coprocessor = word >> 26 == 16 and word >> 21 & 31 == 0
    return word >> 16 & 31 if word >> 26 in LOADS or moved_from_coprocessor else 0


def registers_read(word: int) -> set[int]:
    major, s, t = word >> 26, word >> 21 & 31, word >> 16 & 31
    if major == 0:
        function = word & 63
        if function in (0, 2, 3):
            return {t}
        if function in (8, 9, 17, 19):
            return {s}
        return set() if function in (12, 13, 16, 18) else {s, t}
    if major in (2, 3, 15):
        return set()
    if major == 16:
        return {t} if s == 4 else set()
    if major in (4, 5, *range(40, 47)):
        return {s, t}
    return {s, t} if major in PARTIAL_LOADS else {s}


def load_delay_violations(code: list[int], base: int) -> Iterator[int]:
    """Indices of instructions that use a register in the load delay slot before them."""
    for index, word in enumerate(code[:-1]):
        register = loaded_register(word)
        if not register:
            continue
        verifier = code[index + 1]
        merges = word >> 26 in PARTIAL_LOADS and verifier >> 26 in PARTIAL_LOADS
        if register in registers_read(verifier) and not merges:
            yield index + 1
        if index and is_jump(code[index - 1]):
            target = jump_target(code, base, index - 1)
            # Where a jump through a register leads is unknown: no load may stand there.
            if target is None or register in registers_read(code[target]):
                yield index


def is_jump(word: int) -> bool:
    return word >> 26 in (1, 2, 3, 4, 5, 6, 7) or (word >> 26 == 0 and word & 63 in (8, 9))


def jump_target(code: list[int], base: int, index: int) -> int | None:
    """The index that a jump or branch leads to; None if a register says where."""
    word = code[index]
    if word >> 26 == 0:
        return None
    if word >> 26 in (2, 3):
        return (word & 0x3FFFFFF) - (base >> 2 & 0x3FFFFFF)
    offset = word & 0xFFFF
    return index + 1 + (offset - 0x10000 if offset & 0x8000 else offset)


@pytest.mark.parametrize("name", ALL)
def test_no_instruction_relies_on_a_load_in_its_delay_slot(name: str) -> None:
    """System/161 has no load delay, other R3000s do: the guests must run on both."""
    base = ALL[name].sections[".text"][3]
    places = [f"{base + 4 * index:#x}" for index in load_delay_violations(ALL[name].code(), base)]
    assert places == []


# ---- a kernel in kuseg must not know of kseg0 and kseg1 ----


LUI = 0x0F << 5
HARMLESS = {"bus_start": 0x8000, "purpose": 0x9C00}
"""Functions with a number that only looks like an address: a mask and a comparison."""


def upper_halves(image: Image) -> set[tuple[str, int]]:
    """(function, number) of every LUI whose number could begin a kseg0 or kseg1 address."""
    start, size = image.sections[".text"][3], image.sections[".text"][5]
    functions = sorted(
        (value, name) for name, value in image.symbols().items() if start <= value < start + size
    )
    found = set()
    for index, word in enumerate(image.code()):
        if word >> 21 == LUI and 0x8000 <= word & 0xFFFF < 0xC000:
            name = [name for value, name in functions if value <= start + 4 * index][-1]
            found.add((name, word & 0xFFFF))
    return found


def test_the_kernel_in_kuseg_has_no_address_of_another_segment() -> None:
    image = kernel("cms-kuseg.elf")
    assert upper_halves(image) <= set(HARMLESS.items())
    symbols = image.symbols()
    rodata, data = section_range(image, ".rodata"), section_range(image, ".data")
    ranges = [
        (rodata[0], symbols["system_disk"]),
        (symbols["system_disk_end"], rodata[1]),
        data,
    ]
    for start, end in ranges:
        contents = image.at(start, (end - start) // 4 * 4)
        words = struct.unpack(f">{len(contents) // 4}I", contents)
        assert not {f"{word:#x}" for word in words if 0x80000000 <= word < 0xC0000000}


def section_range(image: Image, name: str) -> tuple[int, int]:
    start, size = image.sections[name][3], image.sections[name][5]
    return start, start + size


def test_the_check_for_kseg_addresses_would_find_one() -> None:
    assert len(upper_halves(kernel("cms.elf"))) > len(HARMLESS)
