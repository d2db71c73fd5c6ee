"""Going backwards under gdb-multiarch, and by packets."""

from pathlib import Path

import pytest

from kseg.gdb.breakpoints import SOFTWARE
from kseg.gdb.target import OneMachine
from kseg.monitor.stop import StopReason
from tests.cli.command import kseg
from tests.cli.kernels import TRACE, kernel
from tests.gdb.running import Client, debugged, listening
from tests.gdb.test_gdb import AT, GDB, converse, in_order, session
from tests.unwind.programs import CALLING, SPINNING, TWO, boot, symbols

PC = 37
needs_gdb = pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed")


@needs_gdb
def test_steps_and_breakpoints(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        CALLING,
        *("break work", "c", "c", "c", "p $a0"),
        *("reverse-continue", "p $a0", "reverse-stepi", "reverse-stepi", "p $a0"),
        *("stepi", "reverse-finish", "reverse-continue", "reverse-continue"),
    )
    in_order(
        said,
        "$1 = 2",
        *("Breakpoint 1, ", "in work ()", "$2 = 3"),
        *(f"{AT['loop'] + 4:#010x} in loop ()", f"{AT['loop']:#010x} in loop ()", "$3 = 4"),
        *(f"{AT['work']:#010x} in work ()", "in loop ()"),
        *("Breakpoint 1, ", "No more reverse-execution history", "in __start ()"),
    )


@needs_gdb
def test_who_wrote_that(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        CALLING,
        *("break halt", "c", "watch *(int *) &counter", "reverse-continue", "x/i $pc"),
        *("reverse-continue", "p *(int *) &counter", "c", "p *(int *) &counter"),
    )
    in_order(
        said,
        *("Old value = 9", "New value = 7", f"=> {AT['work'] + 20:#x}", "sw\tt1"),
        *("Old value = 7", "New value = 4", "$1 = 4", "Old value = 4", "New value = 7", "$2 = 7"),
    )


@needs_gdb
def test_the_present_is_the_end(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        CALLING,
        *("break work", "c", "c", "delete", "reverse-stepi", "c", "p $a0", "c"),
    )
    in_order(said, "No more reverse-execution history", "$1 = 3", "exited normally")


def test_a_step_back_over_an_access_stops_behind_it(tmp_path: Path) -> None:
    """GDB takes the watchpoint away then, steps back over the access, and looks."""
    counter = AT["counter"]
    with debugged(tmp_path, CALLING, "--wait") as (_, address), Client(address) as client:
        client.ask("qSupported:swbreak+;hwbreak+")
        behind = {"watch": AT["loop"] + 8, "rwatch": AT["work"] + 8}
        client.ask(f"Z0,{AT['loop'] + 12:x},4")
        client.ask("c")
        for name, type_ in (("watch", 2), ("rwatch", 3)):
            assert client.ask(f"Z{type_},{counter:x},4") == "OK"
            while not (said := client.ask("bs")).endswith(f"{name}:{counter:08x};"):
                assert said.startswith("T05thread:1;")
            assert client.register(PC) == behind[name]
            # A debugger that leaves it there goes on all the same.
            assert client.ask("bs") == "T05thread:1;"
            assert client.register(PC) == behind[name] - 4 or name == "watch"
            assert client.ask(f"z{type_},{counter:x},4") == "OK"
        client.ask(f"Z4,{counter:x},4")
        assert [client.ask("bc") for _ in range(2)] == ["T05replaylog:begin;thread:1;"] * 2


@needs_gdb
def test_gdb_sees_what_it_goes_back_over(tmp_path: Path) -> None:
    back = "reverse-stepi 40"
    said = session(
        tmp_path,
        CALLING,
        *("break halt", "c", "delete", "watch *(int *) &counter", back, back),
    )
    in_order(said, "Old value = 9", "New value = 7", "Old value = 7", "New value = 4")


@needs_gdb
def test_reverse_finish_stops_at_what_is_watched(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        CALLING,
        *("break *&work + 20", "c", "delete", "rwatch *(int *) &counter", "reverse-finish"),
        "p $pc == (char *) &work + 4",
    )
    in_order(said, "Value = 0", "$1 = 1")


def test_a_guest_that_asks_for_its_debugger_is_a_stop_on_the_way_back_too(tmp_path: Path) -> None:
    source = f"""
            li      t0, {TRACE:#x}
            li      t1, 1
            sw      zero, 0x10(t0)
            li      t1, 2
            nop
    end:    b       end
            nop
    """
    end = symbols(source)["end"]
    with debugged(tmp_path, source, "--wait") as (_, address), Client(address) as client:
        client.ask("qSupported:swbreak+;hwbreak+")
        assert client.ask("c") == "T05thread:1;"
        asked = client.cycles()
        client.ask(f"Z0,{end:x},4")
        assert client.ask("c") == "T05thread:1;swbreak:;"
        assert client.ask("bc") == "T05thread:1;"
        assert client.cycles() == asked
        assert client.ask("bc") == "T05replaylog:begin;thread:1;"
        assert client.ask("c") == "T05thread:1;"
        assert client.cycles() == asked


@needs_gdb
def test_two_processors(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        TWO,
        *("break second if $s1 == 5", "c", "p $s1", "tbreak first", "reverse-continue"),
        *("info threads", "thread 2", "p $s1", "reverse-stepi", "reverse-stepi", "reverse-stepi"),
        *("p $s1", "c", "p $s1"),
        options=("--wait", "--cpus", "2"),
    )
    in_order(said, "$1 = 5", "hit Temporary breakpoint 2", "$2 = 4", "$3 = 3", "$4 = 5")


@needs_gdb
@pytest.mark.parametrize("engine", ["reference", "interpreter"])
def test_other_engines(tmp_path: Path, engine: str) -> None:
    said = session(
        tmp_path,
        CALLING,
        *("break halt", "c", "break work", "reverse-continue", "p $a0"),
        options=("--wait", "--engine", engine),
    )
    in_order(said, "Breakpoint 2, ", "$1 = 2")


def test_packets(tmp_path: Path) -> None:
    with debugged(tmp_path, CALLING, "--wait") as (_, address), Client(address) as client:
        assert "ReverseStep+;ReverseContinue+" in client.ask("qSupported:swbreak+;hwbreak+")
        client.ask("?")
        assert client.ask("bs") == client.ask("bc") == "T05replaylog:begin;thread:1;"
        client.ask(f"Z0,{AT['work']:x},4")
        assert "swbreak" in client.ask("c")
        assert client.ask("bs").startswith("T05thread:1")
        for change in (f"M{AT['counter']:x},4:00000001", "P0=1", f"X{AT['counter']:x},0:"):
            assert client.ask(change) == "E01", "the past cannot be changed"
        assert client.ask("c") == "T05replaylog:end;thread:1;"
        assert client.ask("P8=00000001") == "OK"
        assert client.ask("bs") == "T05replaylog:begin;thread:1;", "what was changed has no past"
        for wrong in ("b", "bx", "bss"):
            assert client.ask(wrong) == "E01"


def test_monitor_commands(tmp_path: Path) -> None:
    with debugged(tmp_path, CALLING, "--wait") as (_, address), Client(address) as client:
        client.ask(f"Z0,{AT['halt']:x},4")
        client.ask("c")
        assert client.command("history").startswith("from cycle 0; here: ")
        said = client.command(f"last-write {AT['counter']:#x}")
        assert said.startswith(f"CPU 0 at pc {AT['work'] + 20:#010x}, ")
        assert f"{AT['work'] + 20:#010x}, work+0x14, " in said
        assert "in the past" in client.command("history")
        client.command("go-to 1000000")
        assert client.command("last-write counter") == said
        assert client.command("last-write nothing").startswith("no symbol 'nothing'; give NAME")
        assert "pc 0x" in client.command("info processors")
        assert "(work+0x14)" in client.command("info registers")
        assert client.command("go-to 3").startswith("3 cycles")
        assert client.cycles() == 3
        assert "nothing wrote there" in client.command("last-write 0x80000000 4")
        for wrong in ("go-to x", "go-to -1", "last-write 0x100000000", "last-write 0 0"):
            assert client.command(wrong).count("\n") == 1


def test_an_interrupted_search(tmp_path: Path) -> None:
    nowhere = 0x80001800
    with debugged(tmp_path, SPINNING, "--wait") as (_, address), Client(address) as client:
        client.send("c")
        client.interrupt()
        client.receive()
        client.ask(f"Z0,{nowhere:x},4")
        client.send("bc")
        client.interrupt()
        assert client.receive().startswith(("T02", "T05replaylog:begin"))


@needs_gdb
def test_a_recorded_run(tmp_path: Path) -> None:
    file, log = tmp_path / "guest.elf", tmp_path / "log"
    file.write_bytes(kernel(CALLING))
    assert kseg("run", "--record", log, file).returncode == 0
    commands = [
        *("break work", "c", "p $a0", "delete", "c", "c", "watch *(int *) &counter"),
        *("reverse-continue", "reverse-continue", "p *(int *) &counter", "detach"),
    ]
    socket = tmp_path / "socket"
    with listening("replay", "--gdb", str(socket), str(log)) as (process, _):
        said = converse(f"target remote {socket}", *commands, file=file)
        assert process.wait(60) == 0
        assert "all the same" in process.stderr.read()
    in_order(
        said,
        *("in __start ()", "$1 = 4", "No more reverse-execution history"),
        *("No more reverse-execution history", "New value = 7", "New value = 4", "$2 = 4"),
    )


def test_the_past_ends_with_the_debugger(tmp_path: Path) -> None:
    """Without a debugger to go back, the guest runs on, and nothing is remembered."""
    with debugged(tmp_path, CALLING, "--wait") as (process, address):
        with Client(address) as client:
            client.ask(f"Z0,{AT['work']:x},4")
            client.ask("c")
            client.ask("bs")
            assert client.ask("D") == "OK"
        assert process.wait(60) == 0


def test_a_debugger_that_leaves_in_the_past_leaves_nothing(tmp_path: Path) -> None:
    with boot(tmp_path, CALLING, engine="interpreter") as machine:
        target = OneMachine(machine, machine.travel)
        (inferior,) = target.inferiors
        inferior.attach()
        target.watched(True)
        inferior.points.insert(SOFTWARE, AT["work"], 4)
        inferior.prepare(0)
        assert target.run(until=lambda: False).reason is StopReason.BREAKPOINT
        assert target.history is not None
        target.history.step_back()
        inferior.machine = target.history.machine
        assert inferior.machine is not machine
        inferior.detach()
        target.watched(False)
        assert (target.history, inferior.machine) == (None, machine)
        assert not machine.monitor.stop_for_debugger
        assert machine.run().reason is StopReason.POWER_OFF
