"""Steps that end where they have to, at full speed."""

from pathlib import Path

import pytest

from kseg.gdb.inferior import Inferior
from kseg.gdb.stepping import Progress, Step, exits
from kseg.gdb.threads import Thread
from tests.cli.kernels import CONTROL
from tests.gdb.running import Client, debugged
from tests.gdb.test_edges import PC, PLAIN, greet, run_to
from tests.gdb.test_gdb import GDB, in_order, session
from tests.unwind.programs import CALLING, SPINNING, boot, symbols

needs_gdb = pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed")

AT = symbols(CALLING)
T0 = 8
LOOPING = f"""
        li      t0, 0
        li      t1, 100000
loop:   addiu   t0, t0, 1
        bne     t0, t1, loop
        nop
after:  li      t2, {CONTROL + 8:#x}
        sw      zero, 0(t2)
1:      b       1b
        nop
"""
TICKING = """
        la      t0, 0x80000080
        la      t1, handler
        lw      t2, 0(t1)
        lw      t3, 4(t1)
        lw      t4, 8(t1)
        sw      t2, 0(t0)
        sw      t3, 4(t0)
        sw      t4, 8(t0)
        mfc0    t1, $9
        addiu   t1, t1, 97
        mtc0    t1, $11
        mfc0    t3, $12
        lui     t1, 0xffbf
        ori     t1, t1, 0xffff
        and     t3, t3, t1
        ori     t3, t3, 0x8001
        mtc0    t3, $12
        li      t4, 0
spin:   addiu   t4, t4, 1
        b       spin
        nop
handler:
        j       serve
        nop
        nop
serve:  mfc0    k0, $9
        addiu   s0, s0, 1
        addiu   k0, k0, 97
        mtc0    k0, $11
        mfc0    k0, $14
        nop
        jr      k0
        rfe
"""
"""Interrupts come all the time, and each counts in s0."""


def test_exits_of_a_range(tmp_path: Path) -> None:
    with boot(tmp_path, CALLING) as machine:
        inferior = Inferior(1, "", machine)

        def found(first: int, behind: int) -> frozenset[int] | None:
            return exits(inferior, 0, range(first, behind))

        loop, work = AT["loop"], AT["work"]
        assert found(loop, loop + 20) == {work, loop + 20}
        assert found(loop + 8, loop + 16) == {loop, loop + 16}
        # Where a register leads is known in the delay slot.
        assert found(work, work + 24) == {work + 20, work + 24}
        assert found(0x1000, 0x1010) is None


def test_a_step_looks_at_what_has_happened(tmp_path: Path) -> None:
    with boot(tmp_path, CALLING) as machine:
        inferior = Inferior(1, "", machine)
        inferior.attach()
        machine.engine.set_breakpoints([AT["loop"]])
        machine.run()
        begin = machine.cycles
        step = Step(Thread(inferior, 0))
        seen = []
        while True:
            inferior.prepare(0, step.stops)
            seen.append(step.look(machine.run()))
            if seen[-1] is not Progress.GOES_ON:
                break
        assert seen[-1] is Progress.FINISHED
        assert machine.processors[0].pc == AT["work"], "a branch and its delay slot are one"
        assert machine.cycles == begin + 2


def test_packets(tmp_path: Path) -> None:
    loop, after = symbols(LOOPING)["loop"], symbols(LOOPING)["after"]
    with debugged(tmp_path, LOOPING, "--wait") as (_, address), Client(address) as client:
        assert b"r" in client.ask("vCont?").encode().split(b";")
        greet(client, described=False)
        run_to(client, loop)
        assert client.ask(f"vCont;r{loop:x},{after:x}:1;c") == PLAIN
        assert (client.register(PC), client.register(T0)) == (after, 100000)
        # A breakpoint in the range is one, and an empty range one instruction.
        assert client.ask(f"vCont;r{after:x},{after:x}") == PLAIN
        assert client.register(PC) == after + 4
        for wrong in ("r", f"r{after:x}", f"r{after + 8:x},{after:x}", "r0,zz"):
            assert client.ask(f"vCont;{wrong}") == "E01"
        # GDB says it so for one instruction.
        begin = f"ffffffff{after + 4:x}"
        assert client.ask(f"vCont;r{begin},{begin[:-1]}{int(begin[-1], 16) + 1:x}:1;c") == PLAIN
        assert client.register(PC) == after + 8


def test_a_breakpoint_in_the_range_and_an_interrupt(tmp_path: Path) -> None:
    spin = symbols(SPINNING)["spin"]
    with debugged(tmp_path, SPINNING, "--wait") as (_, address), Client(address) as client:
        greet(client)
        client.send(f"vCont;r{spin:x},{spin + 12:x}:1")
        client.interrupt()
        assert client.receive() == "T02thread:1;"
        assert client.ask(f"Z0,{spin:x},4") == "OK"
        assert client.ask(f"vCont;r{spin:x},{spin + 12:x}:1") == "T05thread:1;swbreak:;"
        assert client.register(PC) == spin


@pytest.mark.parametrize("described", [True, False])
def test_whether_a_branch_and_its_slot_are_one_step(tmp_path: Path, described: bool) -> None:
    """For GDB, which has read the description; one that has not gets each instruction."""
    with debugged(tmp_path, CALLING, "--wait") as (_, address), Client(address) as client:
        greet(client, described=described)
        run_to(client, AT["loop"])
        assert client.ask("vCont;s:1") == PLAIN
        assert client.register(PC) == (AT["work"] if described else AT["loop"] + 4)


def test_a_step_to_itself(tmp_path: Path) -> None:
    source = "here: b here\n nop"
    here = symbols(source)["here"]
    with debugged(tmp_path, source, "--wait") as (_, address), Client(address) as client:
        greet(client)
        for steps in (1, 2):
            assert client.ask("vCont;s:1") == PLAIN
            assert (client.register(PC), client.cycles()) == (here, 2 * steps)


def test_interrupts_are_not_stepped_into(tmp_path: Path) -> None:
    spin = symbols(TICKING)["spin"]
    s0, t4 = 16, 12
    with debugged(tmp_path, TICKING, "--wait") as (_, address), Client(address) as client:
        greet(client)
        run_to(client, spin)
        found, handled = [], client.register(s0)
        for _ in range(200):
            assert client.ask("vCont;s:1") == PLAIN
            found.append(client.register(PC))
        assert set(found) == {spin, spin + 4}
        assert client.register(s0) > handled
        assert client.register(t4) == 100


@needs_gdb
def test_gdb_steps_over_a_loop_at_once(tmp_path: Path) -> None:
    """Without lines there is no range to step; `stepi 300` shows that the way is the same."""
    loop = symbols(LOOPING)["loop"]
    said = session(
        tmp_path,
        LOOPING,
        *(f"break *{loop:#x}", "c", "delete", "set debug remote 1", "stepi 4"),
        *("set debug remote 0", "p $t0", "p $pc", "c"),
    )
    in_order(said, "vCont;s:1", "vCont;s:1", "$1 = 2", f"{loop:#x}", "exited normally")
    assert "$Z0" not in said.partition("$vCont;s:1")[2]
