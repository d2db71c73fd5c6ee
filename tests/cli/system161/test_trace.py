"""`kseg sys161 -t` and `-f`: System/161's letters, lines and trace device, as observed."""

import pytest

from tests.cli.command import kseg
from tests.cli.kernels import CONTROL, POWER_OFF, SERIAL, TRACE, kernel

CONFIGURATION = "0 serial\n28 random\n29 timer\n30 trace\n31 mainboard ramsize=1M cpus=1\n"


def run(place, source, *options):
    (place / "sys161.conf").write_text(CONFIGURATION)
    (place / "kernel").write_bytes(kernel(source))
    return kseg("sys161", *options, "-X", "kernel", cwd=place)


def lines(result):
    """The lines of a trace, without addresses, which are the assembler's business."""
    return [
        line.partition(" at ")[2].partition(": ")[2] or line
        for line in result.stderr.splitlines()
        if line.startswith("trace:")
    ]


ARITHMETIC = f"""
        .set noreorder
        li      t0, -9304
        li      t1, -78
        div     t0, t1
        mflo    t2
        lui     t3, 0x7fff
        and     t4, t0, t3
        sll     t5, t1, 3
        slti    t6, t0, -5
        bne     t0, t1, 1f
        nop
1:      sw      t0, -4(sp)
        lw      t7, -4(sp)
        {POWER_OFF}
"""


def test_instructions_with_their_values(tmp_path):
    result = run(tmp_path, ARITHMETIC, "-tk")
    assert "sys161: Tracing enabled: kinsn \n" in result.stderr
    found = lines(result)
    for expected in (
        "addiu $t0, $z0, 56232: 0 + -9304 -> -9304",
        "div $t0 $t1: -9304 / -78 -> 119, remainder -22",
        "mflo $t2: ... -> 0x77",
        "lui $t3, 0x7fff",
        "and $t4, $t0, $t3: 0xffffdba8 & 0x7fff0000 -> 0x7fff0000",
        "sll $t5, $t1, 3: 0xffffffb2 << 3 -> 0xfffffd90",
        "slti $t6, $t0, -5: -9304 < -5 -> 1",
        "wait",
    ):
        assert expected in found
    assert any(line.startswith("lw $t7, -4($sp): [0x800ff") for line in found)
    assert any(line.startswith("bne $t0, $t1, 1: 4294957992!=4294967218? yes") for line in found)


OVERFLOW = f"""
        .set noreorder
        mfc0    t0, $12
        lui     t1, 0xffbf
        ori     t1, t1, 0xffff
        and     t0, t0, t1
        mtc0    t0, $12
        la      t0, handler
        la      t1, 0x80000080
        lw      t2, 0(t0)
        sw      t2, 0(t1)
        lw      t2, 4(t0)
        sw      t2, 4(t1)
        lui     t0, 0x8888
        add     t1, t0, t0
        {POWER_OFF}
handler:
        j       out
        nop
out:
        {POWER_OFF}
"""


def test_an_exception_ends_its_instruction(tmp_path):
    found = [line for line in lines(run(tmp_path, OVERFLOW, "-t", "kjx")) if "exception" in line]
    (line,) = found
    begin = "add $t1, $t0, $t0: -2004353024 + -2004353024 -> exception: code 12"
    assert line.startswith(f"{begin} (Arithmetic overflow), expc 8")
    assert ", vaddr 0, sp 800ff" in line
    only = lines(run(tmp_path, OVERFLOW, "-t", "x"))
    assert len(only) == 1
    assert only[0].startswith("trace: 00 exception: code 12 (Arithmetic overflow), expc 8")
    jumps = lines(run(tmp_path, OVERFLOW, "-t", "j"))
    assert any(line.startswith("trace: 00 jump: 80000080 -> 8") for line in jumps)


PRINTING = f"""
        li      t0, {SERIAL:#x}
        li      t1, 'A'
        sw      t1, 0(t0)
1:      lw      t1, 4(t0)
        andi    t1, t1, 2
        beqz    t1, 1b
        nop
        li      t1, 10
        sw      t1, 0(t0)
        {POWER_OFF}
"""


def test_the_file_repeats_the_console(tmp_path):
    result = run(tmp_path, PRINTING, "-t", "ix", "-f", "trace")
    assert result.stdout == "A\n"
    assert "trace:" not in result.stderr
    text = (tmp_path / "trace").read_text().splitlines()
    assert text[0] == "console: `A' (65 / 0x41)"
    assert "console: `\\n' (10 / 0xa)" in text
    assert "trace: -- Waiting for interrupt" in text
    assert "trace: -- Slot 31: irq ON" in text


def test_to_stdout(tmp_path):
    result = run(tmp_path, PRINTING, "-t", "k", "-f", "-")
    assert "A\n" in result.stdout
    assert "trace: 00 at 8" in result.stdout
    assert "trace:" not in result.stderr


SWITCHING = f"""
        li      t0, {TRACE:#x}
        li      t1, 'k'
        sw      t1, 0(t0)
        addiu   t2, zero, 77
        sw      t1, 4(t0)
        addiu   t2, zero, 78
        li      t3, {CONTROL + 8:#x}
        {POWER_OFF}
"""


def test_the_guest_switches_flags(tmp_path):
    found = lines(run(tmp_path, SWITCHING))
    assert "addiu $t2, $z0, 77: 0 + 77 -> 77" in found
    assert not any("78" in line for line in found)
    # What is on from the start can be switched off.
    found = lines(run(tmp_path, SWITCHING, "-tk"))
    assert not any(", 78:" in line for line in found)
    assert any(line.startswith("lui $t0") for line in found)


def test_letters_toggle(tmp_path):
    result = run(tmp_path, PRINTING, "-tkxk", "-tx")
    assert "Tracing enabled" not in result.stderr
    assert lines(result) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["-tkz"], "sys161: Unknown trace flag z\n"),
        (
            ["-tk", "-f", "/nonsense/file"],
            "sys161: Cannot open tracefile /nonsense/file: No such file or directory\n",
        ),
    ],
)
def test_what_cannot_be(tmp_path, options, text):
    result = run(tmp_path, PRINTING, *options)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", text)
