"""GNU's assembler and linker for MIPS, where they are installed (Debian: binutils-mips-linux-gnu
and binutils-mipsel-linux-gnu)."""

import shutil
import subprocess
from pathlib import Path

import pytest

ORIGIN = 0x80001000
_PREFIXES = {"big": "mips-linux-gnu-", "little": "mipsel-linux-gnu-"}
_SECTIONS = (".text", ".rodata", ".data", ".sdata", ".sbss")


def require(byte_order: str) -> None:
    """Skip where the tools are not installed."""
    for tool in ("as", "ld", "objcopy"):
        name = _PREFIXES[byte_order] + tool
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")


def assemble(source: str, byte_order: str, directory: Path) -> bytes | None:
    """What GNU as and ld make of `source`: sections behind one another at ORIGIN, without those
    that are zero; None if they refuse it."""
    prefix = _PREFIXES[byte_order]
    (directory / "test.s").write_text(source)
    script = [f"SECTIONS {{ . = {ORIGIN:#x};"]
    for name in (*_SECTIONS, ".bss"):
        pointer = "_gp = . + 0x7ff0;" if name == ".sdata" else ""
        common = "*(COMMON) *(.scommon)" if name == ".bss" else ""
        script.append(f". = ALIGN(16); {pointer} {name} : {{ *({name}) *({name}.*) {common} }}")
    script.append("/DISCARD/ : { *(*) } }")
    (directory / "test.ld").write_text("\n".join(script))
    options = ["-march=r3000", "-mabi=32", "-G0", "-no-pad-sections", "--no-warn"]
    for command in (
        [f"{prefix}as", *options, "-o", "test.o", "test.s"],
        [f"{prefix}ld", "-e", "0", "-T", "test.ld", "-o", "test.elf", "test.o"],
        [f"{prefix}objcopy", "-O", "binary", *_chosen(), "test.elf", "test.bin"],
    ):
        if subprocess.run(command, cwd=directory, capture_output=True, check=False).returncode:
            return None
    output = directory / "test.bin"
    return output.read_bytes() if output.exists() else b""


def _chosen() -> list[str]:
    return [word for name in _SECTIONS for word in ("-j", name)]
