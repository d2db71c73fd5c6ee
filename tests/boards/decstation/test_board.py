"""The DECstation: its firmware, its bus and its interrupts, on every engine; and Linux."""

from pathlib import Path
from typing import Any

import pytest

from kseg import Machine, Replay, StopReason
from kseg.boards import DEFAULT, board_for
from kseg.boards.decstation import firmware
from kseg.engine import ENGINES
from kseg.errors import ConfigurationError, ImageError
from kseg.isa.assembler import assemble
from tests.boards.decstation.kernels import built, linux
from tests.cli.command import kseg

COMMAND_LINE = """
        move    s0, a0                  # each word of the command line, and what is called it
        move    s1, a1
words:  lw      a1, 0(s1)
        lw      t9, 0x30(s7)
        la      a0, format
        jalr    t9
        move    a2, s0
        addiu   s0, s0, -1
        bnez    s0, words
        addiu   s1, s1, 4
        b       halt
        nop
format: .asciiz "<%s %d>"
"""

PROBES = """
        mtc0    zero, $12
        lui     s0, 0xbe00              # the first option slot, where nothing is
        ori     t8, zero, 2
        lb      t0, 0x3c0(s0)
        nop
        sw      zero, 0x3c4(s0)
        ori     t0, zero, 0x2001        # that interrupts
        mtc0    t0, $12
wait:   b       wait
        nop
handler:
        mfc0    a1, $13
        lui     t0, 0xbfd8
        lw      a2, 0(t0)               # ERRADDR
        sw      zero, 0(t0)
        lw      a3, 0(t0)
        lw      t9, 0x30(s7)
        la      a0, format
        jalr    t9
        nop
        addiu   t8, t8, -1
        beqz    t8, halt
        mfc0    k0, $14
        nop
        addiu   k0, k0, 4
        jr      k0
        rfe
format: .asciiz "<%08x %08x %x>"
"""

ECHO_AND_TICKS = """
        lui     s0, 0xbfe0              # serial lines
        lui     s1, 0xbfe8              # clock
        lui     s2, 0xbff0              # CSR
        ori     t0, zero, 0x1f1b        # line 3 receives
        sh      t0, 8(s0)
        ori     t0, zero, 8             # and sends
        sh      t0, 0x10(s0)
        ori     t0, zero, 0x60          # interrupts when something has come
        sh      t0, 0(s0)
        lui     t0, 0x0080
        sw      t0, 0(s2)
        ori     t0, zero, 0x26          # 1024 Hz
        sb      t0, 0x28(s1)
        lbu     t0, 0x2c(s1)
        nop
        ori     t0, t0, 0x40
        sb      t0, 0x2c(s1)
        ori     t0, zero, 0x0c01        # in 6:5, the two lines
        mtc0    t0, $12
idle:   b       idle
        addiu   s6, s6, 1
handler:
        mfc0    k0, $13
        nop
        andi    k1, k0, 0x400
        beqz    k1, tick
        nop
        lhu     t0, 8(s0)
        nop
        andi    t0, t0, 0xff
        sh      t0, 0x18(s0)            # its echo
        addiu   t0, t0, -'q'
        beqz    t0, halt
        nop
        b       back
        nop
tick:   lbu     zero, 0x30(s1)          # acknowledged
        ori     t0, zero, '.'
        sh      t0, 0x18(s0)
back:   mfc0    k0, $14
        nop
        jr      k0
        rfe
"""


def decstation(kernel: Path, arguments: str = "", **options: Any) -> Machine:
    chosen = {"board": "decstation", "ram": "8M", "epoch": 0, "engine": "interpreter", **options}
    return Machine(kernel, arguments, **chosen)


def printed(machine: Machine, cycles: int = 400_000) -> str:
    assert machine.run(cycles=cycles).reason == StopReason.POWER_OFF
    return machine.console.output


@pytest.mark.parametrize("engine", ENGINES)
def test_the_command_line_is_handed_over(tmp_path: Path, engine: str) -> None:
    with decstation(built(tmp_path, COMMAND_LINE), "one  two", engine=engine) as machine:
        assert printed(machine) == "<boot 5><3/rz0/vmunix 4><one 3>< 2><two 1>"


@pytest.mark.parametrize("engine", ENGINES)
def test_accesses_that_nothing_answers(tmp_path: Path, engine: str) -> None:
    """A load is a bus error, at the address in words; a store interrupts."""
    address = 0x1E0003C0 >> 2
    with decstation(built(tmp_path, PROBES), engine=engine) as machine:
        assert printed(machine) == (
            f"<{7 << 2:08x} {0xC0000000 | address:08x} 0>"
            f"<{0x2000:08x} {0xE0000000 | address + 1:08x} 0>"
        )


@pytest.mark.parametrize("engine", ENGINES)
def test_the_console_and_the_clock_interrupt(tmp_path: Path, engine: str) -> None:
    """1024 ticks a second come exactly; what is typed is taken when the receiver is on."""
    with decstation(built(tmp_path, ECHO_AND_TICKS), engine=engine) as machine:
        assert machine.run(seconds=0.005).reason == StopReason.CYCLE_LIMIT
        assert machine.console.output == 5 * "."
        machine.board.input_port.type(b"abq")
        assert printed(machine).replace(".", "") == "abq"
        assert _ended(machine) == _ended_on_the_reference(tmp_path)


def _ended(machine: Machine) -> tuple[int, int, str]:
    registers = machine.processors[0].registers
    return machine.cycles, registers["s6"], machine.console.output


def _ended_on_the_reference(tmp_path: Path) -> tuple[int, int, str]:
    with decstation(built(tmp_path, ECHO_AND_TICKS), engine="reference") as machine:
        machine.run(seconds=0.005)
        machine.board.input_port.type(b"abq")
        printed(machine)
        return _ended(machine)


def test_it_is_saved_recorded_and_repeated(tmp_path: Path) -> None:
    kernel = built(tmp_path, ECHO_AND_TICKS)
    with decstation(kernel) as machine:
        recording = machine.record(tmp_path / "log")
        machine.run(seconds=0.003)
        with machine.fork() as clone:
            clone.run(seconds=0.003)
            machine.run(seconds=0.003)
            assert clone.save() == machine.save()
        machine.save(tmp_path / "saved")
        machine.board.input_port.type(b"q")
        printed(machine)
        recording.finish()
        output = machine.console.output
    with Machine.from_snapshot(tmp_path / "saved", engine="reference") as again:
        again.board.input_port.type(b"q")
        assert printed(again).replace(".", "") == "q"
    with Replay(tmp_path / "log") as replay:
        assert printed(replay.machine) == output
        assert replay.verifier.checked


def test_a_reset_boots_again(tmp_path: Path) -> None:
    with decstation(built(tmp_path, ECHO_AND_TICKS)) as machine:
        machine.run(seconds=0.003)
        machine.board.reset()
        assert machine.board.bus.lines.raised == 0
        machine.run(seconds=0.003)
        assert machine.console.output == "......"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"ram": "4M"},
            "a DECstation has 8M to 120M in steps of 8M, or up to 480M in steps of 32M",
        ),
        ({"ram": "12M"}, "a DECstation has 8M to 120M"),
        ({"ram": "136M"}, "a DECstation has 8M to 120M"),
        ({"ram": "512M"}, "ram=536870912: expected"),
        ({"cpus": 2}, "cpus=2: expected a number from 1 to 1"),
        ({"disks": "x"}, "disks: the board decstation has no place for that"),
        ({"monitor": "hybrid"}, "monitor hybrid: it executes no code in ROM"),
    ],
)
def test_what_it_has_not_is_said(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        decstation(built(tmp_path, COMMAND_LINE), **options)


@pytest.mark.parametrize("size", ["8M", "120M", "128M", "480M"])
def test_ram_that_it_can_have(tmp_path: Path, size: str) -> None:
    with decstation(built(tmp_path, COMMAND_LINE), ram=size) as machine:
        assert machine.board.memory.ram.size == int(size[:-1]) << 20


def test_kernels_that_it_cannot_boot(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"4096 bytes is longer than 4095; shorten it"):
        decstation(built(tmp_path, COMMAND_LINE), 4096 * "x")
    with pytest.raises(ImageError, match=r"wrong byte order; this machine is little endian"):
        decstation(built(tmp_path, COMMAND_LINE, byte_order="big"))
    low = tmp_path / "low"
    low.write_bytes(assemble("__start: nop", 0x80010000, byte_order="little").to_elf())
    with pytest.raises(ImageError, match=r"lies where the firmware has the command line"):
        decstation(low)


def test_the_roms_words_are_those_of_its_source() -> None:
    for source, words in (
        (firmware.RESET_SOURCE, firmware.RESET),
        (firmware.STUB_SOURCE, firmware.STUB),
    ):
        program = assemble("__start: .set noreorder\n" + source, 0xBFC00000, byte_order="little")
        found = b"".join(word.to_bytes(4, "little") for word in words)
        assert found in program.to_elf()


@pytest.mark.parametrize("engine", ["interpreter", "translator"])
def test_linux_comes_up_and_switches_off(engine: str) -> None:
    with decstation(linux(), "console=ttyS3 bootonly", ram="32M", engine=engine) as machine:
        assert machine.run(cycles=60_000_000).reason == StopReason.POWER_OFF
        output = machine.console.output
        assert "This is a DECstation 5000/200" in output
        assert "Calibrating delay loop... 24.68 BogoMIPS" in output
        assert "INIT-UP" in output
        assert output.rstrip().endswith("reboot: Power down")


def test_kernels_are_recognised_by_their_byte_order(tmp_path: Path) -> None:
    little, big = tmp_path / "little", tmp_path / "big"
    little.mkdir()
    big.mkdir()
    said = kseg("run", built(little, COMMAND_LINE), "one")
    assert said.returncode == 0
    assert said.stdout == "<boot 3><3/rz0/vmunix 2><one 1>"
    assert "is little endian: --machine decstation" in said.stderr
    kernel = built(big, COMMAND_LINE, byte_order="big")
    assert "--machine" not in kseg("run", "--max-cycles", "1", kernel).stderr
    said = kseg("run", "--machine", "decstation", kernel)
    assert (said.returncode, "this machine is little endian" in said.stderr) == (2, True)
    said = kseg("run", "--machine", "system161", built(little, COMMAND_LINE))
    assert (said.returncode, "this machine is big endian" in said.stderr) == (2, True)


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF\1", b"\x7fELF\1\7", b"text"])
def test_what_is_no_kernel_is_left_to_the_usual_board(data: bytes) -> None:
    assert board_for(data) == DEFAULT


def test_linux_is_the_same_on_every_engine(tmp_path: Path) -> None:
    """From where the first program begins: TLB misses, system calls, a floating-point unit."""
    with decstation(linux(), "console=ttyS3 bootonly", ram="32M") as machine:
        machine.run(cycles=21_700_000)
        machine.save(tmp_path / "saved")
        machine.run(cycles=50_000)
        expected = machine.save()
        for engine in ("translator", "reference"):
            with Machine.from_snapshot(tmp_path / "saved", engine=engine) as other:
                other.run(cycles=50_000)
                assert other.save() == expected


def test_linux_has_a_shell_and_is_repeated(tmp_path: Path) -> None:
    arguments, seconds = "console=ttyS3 shell", 10
    options = {"ram": "32M", "engine": "translator"}
    with decstation(linux(), arguments, **options) as machine:
        recording = machine.record(tmp_path / "log")
        machine.console.send("echo hello $((6*7))\npoweroff -f\n")
        assert machine.run(seconds=seconds).reason == StopReason.POWER_OFF
        recording.finish()
        output = machine.console.output
    assert "hello 42" in output
    with Replay(tmp_path / "log") as replay:
        assert replay.machine.run(seconds=seconds).reason == StopReason.POWER_OFF
        assert replay.verifier.checked
        assert replay.machine.console.output == output
