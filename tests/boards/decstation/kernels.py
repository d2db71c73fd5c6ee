"""Kernels for the DECstation: small ones that are assembled, and Linux where it is there."""

from pathlib import Path

import pytest

from kseg.isa.assembler import assemble

LINUX = Path(__file__).parents[4] / "shared/guests/linux-decstation/vmlinux"

BEGINNING = """
        .set    noreorder
__start:
        move    s7, a3                  # the firmware's functions
        lui     t0, 0x8000              # handlers
        la      t1, vector
        lw      t2, 0(t1)
        lw      t3, 4(t1)
        sw      t2, 0(t0)
        sw      t3, 4(t0)
        sw      t2, 0x80(t0)
        sw      t3, 0x84(t0)
        b       main
        nop
vector: j       handler
        nop
halt:   lui     t0, 0xbfc0              # the ROM's beginning
        jr      t0
        nop
main:
"""
NO_HANDLER = "\nhandler: b handler\n        nop\n"


def built(tmp_path: Path, body: str, *, byte_order: str = "little") -> Path:
    """An executable that sets up its handlers and does `body`."""
    path = tmp_path / "kernel"
    source = BEGINNING + body + ("" if "handler:" in body else NO_HANDLER)
    program = assemble(source, 0x80020000, byte_order=byte_order, profile="r3000-fpu")
    path.write_bytes(program.to_elf())
    return path


def linux() -> Path:
    """Linux 6.1; skips the test where it is not there."""
    if not LINUX.exists():
        pytest.skip("there is no Linux for the DECstation beside this checkout")
    return LINUX
