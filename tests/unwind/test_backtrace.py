"""Back-traces at every instruction of small programs, against a count of calls and returns."""

from pathlib import Path

import pytest

from kseg import Machine
from kseg.symbols.symbol_table import Symbols
from kseg.unwind.backtrace import MOST_FRAMES, backtrace
from tests.cli.kernels import CONTROL, POWER_OFF
from tests.unwind.programs import boot

CALLS = f"""
        la      sp, 0x80040000
        jal     outer
        nop
        {POWER_OFF}
outer:  addiu   sp, sp, -32
        sw      ra, 28(sp)
        sw      s0, 24(sp)
        jal     early
        li      a0, 0
        jal     early
        li      a0, 1
        jal     framed
        li      s0, 3
        lw      ra, 28(sp)
        lw      s0, 24(sp)
        jr      ra
        addiu   sp, sp, 32
early:  bnez    a0, 1f
        nop
        jr      ra
        li      v0, 5
1:      addiu   sp, sp, -24
        sw      ra, 20(sp)
        beqz    a1, 2f
        nop
        lw      ra, 20(sp)
        addiu   sp, sp, 24
        jr      ra
        nop
2:      jal     leaf
        addiu   a1, a1, 1
        jal     leaf
        nop
        lw      ra, 20(sp)
        nop
        jr      ra
        addiu   sp, sp, 24
framed: addiu   sp, sp, -32
        sw      ra, 28(sp)
        sw      fp, 24(sp)
        move    fp, sp
        addiu   t0, zero, 64
        subu    sp, sp, t0
        jal     leaf
        sw      zero, 0(sp)
        move    sp, fp
        lw      ra, 28(sp)
        lw      fp, 24(sp)
        addiu   sp, sp, 32
        jr      ra
        nop
leaf:   li      t0, 4
1:      addiu   t0, t0, -1
        bnez    t0, 1b
        nop
        jr      ra
        nop
"""
"""Leaves, frames, early returns, delay slots that move sp, and a frame pointer."""

JAL, JR_RA = 3, 0x03E00008


def names(machine: Machine) -> list[str]:
    return [frame.name for frame in machine.backtrace().frames]


def test_every_instruction_of_calls_and_returns(tmp_path: Path) -> None:
    with boot(tmp_path, CALLS, engine="interpreter") as machine:
        expected, pending, seen = ["__start"], "", 0
        functions = {s.address: s.name for s in machine.symbols.files[0].symbols}
        while "outer" in expected or seen < 20:
            state = machine.processors[0].state
            assert names(machine) == expected, f"at {machine.symbols.describe(state.pc)}"
            word = machine.memory.virtual().word(state.pc)
            change, pending = pending, ""
            if word >> 26 == JAL:
                pending = functions[0x80000000 | (word & 0x3FFFFFF) << 2]
            elif word == JR_RA:
                pending = "return"
            machine.run(cycles=1)
            seen += 1
            if change == "return":
                expected = expected[1:]
            elif change:
                expected = [change, *expected]
        assert seen > 80


HANDLER = f"""
        j       start
        nop
        .org    0x80001080
vector: la      k0, handler
        jr      k0
        nop
handler: move   k1, sp
        addiu   sp, sp, -48
        sw      k1, 16(sp)
        mfc0    k0, c0_epc
        sw      k0, 20(sp)
        sw      ra, 24(sp)
        mfc0    k0, c0_status
        sw      k0, 28(sp)
        sw      v0, 32(sp)
        jal     trap
        nop
        beqz    v0, 1f
        nop
        jal     trap
        nop
1:      lw      k0, 28(sp)
        nop
        mtc0    k0, c0_status
        lw      k0, 20(sp)
        lw      v0, 32(sp)
        addiu   k0, k0, 4
        lw      ra, 24(sp)
        lw      sp, 16(sp)
        jr      k0
        rfe
trap:   addiu   sp, sp, -24
        sw      ra, 20(sp)
        jal     leaf
        nop
        lw      ra, 20(sp)
        li      v0, 0
        jr      ra
        addiu   sp, sp, 24
leaf:   jr      ra
        nop
start:  la      sp, 0x80040000
        la      t0, 0x80000080      # The vector, which only jumps.
        la      t1, vector
        li      t2, 4
1:      lw      t3, 0(t1)
        addiu   t2, t2, -1
        sw      t3, 0(t0)
        addiu   t1, t1, 4
        bnez    t2, 1b
        addiu   t0, t0, 4
        mtc0    zero, c0_status
        jal     caller
        nop
        {POWER_OFF}
caller: addiu   sp, sp, -24
        sw      ra, 20(sp)
faults: syscall
        lw      ra, 20(sp)
        nop
        jr      ra
        addiu   sp, sp, 24
"""
"""An exception handler with a frame of its own design."""


def test_a_label_is_no_function(tmp_path: Path) -> None:
    source = CALLS.replace("subu    sp, sp, t0", "subu sp, sp, t0\ninner:")
    with boot(tmp_path, source) as machine:
        while names(machine)[:2] != ["leaf", "inner"]:
            machine.run(cycles=1)
        assert names(machine) == ["leaf", "inner", "outer", "__start"]


def test_through_an_exception_at_every_instruction_of_its_handler(tmp_path: Path) -> None:
    with boot(tmp_path, HANDLER, engine="interpreter") as machine:
        at = {name: machine.symbols.addresses(name)[0] for name in ("faults", "leaf", "handler")}
        while machine.processors[0].pc != at["faults"]:
            machine.run(cycles=1)
        machine.run(cycles=1)
        seen = set()
        while machine.processors[0].pc != at["faults"] + 4:
            trace = machine.backtrace()
            found = [frame.name for frame in trace.frames]
            (crossing,) = [n for n, frame in enumerate(trace.frames) if frame.interrupted]
            # Before it has saved it, the handler would come back to the instruction itself.
            assert trace.frames[crossing].pc in (at["faults"], at["faults"] + 4), str(trace)
            assert found[crossing:] == ["faults", "start"], str(trace)
            seen.add(tuple(found[:crossing]))
            machine.run(cycles=1)
        assert ("leaf", "trap", "handler") in seen
        assert "-- exception, in kernel mode, at --" in str(trace)


def test_before_there_is_a_handler(tmp_path: Path) -> None:
    source = "la sp, 0x80040000\njal bad\nnop\nnop\nbad: lw t0, 3(zero)\nnop\n"
    with boot(tmp_path, source) as machine:
        machine.run(cycles=5)
        trace = machine.backtrace()
        assert [frame.name for frame in trace.frames][1:] == ["bad", "__start"]
        assert trace.frames[1].interrupted
        machine.run(cycles=10_000)  # The ROM cannot be executed: one more exception each cycle.
        assert [frame.name for frame in machine.backtrace().frames][1:] == ["bad", "__start"]


def test_from_a_program_through_its_system_call_into_the_kernel() -> None:
    with Machine("cms", "hog") as machine:
        machine.run(seconds=0.2)
        while not machine.processors[0].in_user_mode:
            machine.run(cycles=1000)
        assert all(frame.user for frame in machine.backtrace().frames)
        while machine.processors[0].in_user_mode:
            machine.run(cycles=100)
        frames = machine.backtrace().frames
        kinds = [frame.user for frame in frames]
        assert kinds == sorted(kinds)
        (crossing,) = [n for n, frame in enumerate(frames) if frame.interrupted]
        assert crossing == kinds.index(True)
        assert frames[crossing - 1].name in ("exception_entry", "return_to_user")


def test_symbols_of_the_program_that_runs(tmp_path: Path) -> None:
    with boot(tmp_path, "user: b user\nnop") as machine:
        machine.run(cycles=10)
        assert backtrace(machine, 0).frames[0].name == "[0x80001000]"
        machine.symbols.add(tmp_path / "guest.elf")
        assert len(machine.symbols.files) == 2
        assert machine.backtrace().frames[0].name in ("user", "__start")


@pytest.mark.parametrize("pc", [0x80001002 & ~3, 0x10, 0xC0000000, 0xBFE00000, 0x803FFFFC, 0])
@pytest.mark.parametrize("sp", [0, 3, 0x80040001, 0xBFE00000, 0xFFFFFFFC, 0x803FFFFC])
def test_registers_that_lead_nowhere(tmp_path: Path, pc: int, sp: int) -> None:
    with boot(tmp_path, CALLS) as machine:
        machine.run(cycles=9)
        registers = machine.processors[0].registers
        registers["pc"], registers["sp"], registers["ra"] = pc, sp, sp
        trace = machine.backtrace()
        assert 1 <= len(trace.frames) <= MOST_FRAMES
        assert str(trace)


def test_it_never_reads_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with boot(tmp_path, CALLS) as machine:
        machine.run(cycles=9)
        registers = machine.processors[0].registers
        registers["sp"] = CONTROL
        asked: list[int] = []
        monkeypatch.setattr(machine.board.bus, "peek", lambda at, _size: asked.append(at) or 0)
        monkeypatch.setattr(machine.board.bus, "read", lambda _p, at, _size: asked.append(at) or 0)
        for pc in (CONTROL, 0x80001030, 0xBFE00000):
            registers["pc"] = pc
            backtrace(machine, 0, Symbols([]))
        assert asked == []


def test_a_recursion_without_end_is_cut(tmp_path: Path) -> None:
    source = "la sp, 0x80040000\nrecur: addiu sp, sp, -24\nsw ra, 20(sp)\njal recur\nnop\n"
    with boot(tmp_path, source) as machine:
        machine.run(cycles=4000)
        trace = machine.backtrace()
        assert len(trace.frames) == MOST_FRAMES
        assert trace.end == f"more than {MOST_FRAMES} frames"
        assert len(trace.lines(10)) == 11
