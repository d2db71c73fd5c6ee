"""A step back is one instruction of the same thread: exceptions in between are undone whole."""

from pathlib import Path

from tests.cli.kernels import CONTROL
from tests.gdb.running import Client, debugged
from tests.gdb.test_edges import PC, greet, run_to
from tests.gdb.test_stepping import TICKING
from tests.unwind.programs import symbols

HANDLER = """
        la      t0, 0x80000080
        la      t1, entry
        lw      t2, 0(t1)
        lw      t3, 4(t1)
        sw      t2, 0(t0)
        sw      t3, 4(t0)
        mfc0    t3, $12
        lui     t1, 0xffbf
        ori     t1, t1, 0xffff
        and     t3, t3, t1
        mtc0    t3, $12
"""
CALLING_THE_SYSTEM = f"""
{HANDLER}
        nop
begin:  addiu   s0, s0, 1
        syscall
        addiu   s1, s1, 1
        syscall
        addiu   s2, s2, 1
end:    li      t2, {CONTROL + 8:#x}
        sw      zero, 0(t2)
1:      b       1b
        nop
entry:  j       serve
        nop
serve:  lui     k1, %hi(calls)
        lw      k0, %lo(calls)(k1)
        nop
        addiu   k0, k0, 1
        sw      k0, %lo(calls)(k1)
        mfc0    k0, $14
        nop
        addiu   k0, k0, 4
leave:  jr      k0
        rfe
        .data
calls:  .word   0
"""
AT = symbols(CALLING_THE_SYSTEM)
S0 = 16
BACK = [AT["begin"] + offset for offset in (16, 12, 8, 4, 0)]


def test_a_step_back_over_a_system_call(tmp_path: Path) -> None:
    with (
        debugged(tmp_path, CALLING_THE_SYSTEM, "--wait") as (_, address),
        Client(address) as client,
    ):
        greet(client)
        run_to(client, AT["end"])
        for pc in BACK:
            client.ask("bs")
            assert client.register(PC) == pc


def test_what_is_set_in_the_handler_stops_on_the_way_back(tmp_path: Path) -> None:
    with (
        debugged(tmp_path, CALLING_THE_SYSTEM, "--wait") as (_, address),
        Client(address) as client,
    ):
        greet(client)
        run_to(client, AT["begin"] + 16)
        client.ask(f"Z0,{AT['serve']:x},4")
        assert client.ask("bs").startswith("T05thread:1;swbreak")
        assert client.register(PC) == AT["serve"]
        client.ask(f"Z0,{AT['begin'] + 12:x},4")
        client.ask(f"z0,{AT['serve']:x},4")
        run_to(client, AT["begin"] + 16)
        assert client.ask("bs") == "T05thread:1;"
        assert client.register(PC) == AT["begin"] + 12


def test_interrupts_are_not_stepped_back_into(tmp_path: Path) -> None:
    spin = symbols(TICKING)["spin"]
    with debugged(tmp_path, TICKING, "--wait") as (_, address), Client(address) as client:
        greet(client)
        run_to(client, spin)
        begun = client.cycles()
        for _ in range(120):
            client.ask("vCont;s:1")
        assert client.register(S0) >= 1
        seen = set()
        while client.cycles() > begun:
            client.ask("bs")
            seen.add(client.register(PC))
        assert client.register(S0) == 0
        assert seen == {spin, spin + 4, spin + 8}
