"""The beginning and the end of what is known of a run: stops that are due come before them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import kseg
from tests.cli.kernels import kernel
from tests.gdb.running import Client, debugged, listening
from tests.gdb.test_gdb import AT, GDB, in_order, session
from tests.unwind.programs import CALLING, TWO, symbols

needs_gdb = pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed")

PC = 37
BEGIN, END = "T05replaylog:begin;thread:1;", "T05replaylog:end;thread:1;"
PLAIN, AT_BREAKPOINT = "T05thread:1;", "T05thread:1;swbreak:;"
WATCHED = f"T05thread:1;watch:{AT['counter']:08x};"
STORE = AT["work"] + 20
TWO_AT = symbols(TWO)


@contextmanager
def client_of(directory: Path, source: str = CALLING, *options: str) -> Iterator[Client]:
    with debugged(directory, source, "--wait", *options) as (_, address), Client(address) as client:
        greet(client)
        yield client


def greet(client: Client, *, described: bool = True) -> None:
    """Say what GDB says; `described` by the target description."""
    client.ask("qSupported:swbreak+;hwbreak+;vContSupported+")
    if described:
        client.ask("qXfer:features:read:target.xml:0,1000")
    client.ask("?")


def run_to(client: Client, address: int) -> None:
    """With a breakpoint that is taken away again, as GDB does when it stands."""
    assert client.ask(f"Z0,{address:x},4") == "OK"
    assert client.ask("vCont;c") == AT_BREAKPOINT
    assert client.register(PC) == address
    assert client.ask(f"z0,{address:x},4") == "OK"


@pytest.mark.parametrize("step", ["s", "vCont;s:1", "vCont;r{pc:x},{next:x}:1"])
def test_a_step_onto_the_present_is_a_step(tmp_path: Path, step: str) -> None:
    with client_of(tmp_path) as client:
        run_to(client, AT["work"] + 4)
        assert client.ask("bs") == PLAIN
        pc = client.register(PC)
        assert client.ask(step.format(pc=pc, next=pc + 4)) == PLAIN
        assert client.register(PC) == AT["work"] + 4
        assert client.ask(step.format(pc=pc + 4, next=pc + 8)) == PLAIN, "the present goes on"
        assert client.register(PC) == AT["work"] + 8


def test_a_breakpoint_onto_the_present_is_one(tmp_path: Path) -> None:
    """So do debuggers step that do it by themselves."""
    with client_of(tmp_path) as client:
        run_to(client, AT["work"] + 4)
        assert client.ask("bs") == PLAIN
        client.ask(f"Z0,{AT['work'] + 4:x},4")
        assert client.ask("vCont;c") == AT_BREAKPOINT
        client.ask(f"z0,{AT['work'] + 4:x},4")
        run_to(client, AT["work"] + 8)


def test_continuing_over_a_breakpoint_meets_the_edge_behind_it(tmp_path: Path) -> None:
    """First the step over the breakpoint, then, as the user has not looked, the edge."""
    with client_of(tmp_path) as client:
        run_to(client, AT["work"])
        assert client.ask("vCont;s:1") == PLAIN
        client.ask(f"Z0,{AT['work']:x},4")
        assert client.ask("bc") == AT_BREAKPOINT
        client.ask(f"z0,{AT['work']:x},4")
        assert client.ask("vCont;s:1") == PLAIN
        client.ask(f"Z0,{AT['work']:x},4")
        assert client.ask("vCont;c") == END
        assert client.register(PC) == AT["work"] + 4
        assert client.ask("vCont;c") == AT_BREAKPOINT, "the next call of it"


def test_who_has_shown_the_step_goes_on(tmp_path: Path) -> None:
    with client_of(tmp_path) as client:
        run_to(client, AT["work"] + 4)
        client.ask("bs")
        assert client.ask("vCont;s:1") == PLAIN
        client.ask("qXfer:threads:read::0,1000")
        client.ask(f"Z0,{AT['work']:x},4")
        assert client.ask("vCont;c") == AT_BREAKPOINT


def test_a_watchpoint_on_the_present(tmp_path: Path) -> None:
    with client_of(tmp_path) as client:
        run_to(client, STORE)
        assert client.ask("bs") == PLAIN
        client.ask(f"Z2,{AT['counter']:x},4")
        assert client.ask("vCont;c") == WATCHED
        assert client.register(PC) == STORE
        assert client.ask("vCont;s:1") == PLAIN
        assert client.register(PC) == AT["loop"] + 8


def test_a_step_of_a_range_ends_at_the_present(tmp_path: Path) -> None:
    with client_of(tmp_path) as client:
        run_to(client, AT["work"] + 8)
        client.ask("bs")
        assert client.ask(f"vCont;r{AT['work']:x},{AT['work'] + 20:x}:1") == END
        assert client.ask(f"vCont;r{AT['work']:x},{AT['work'] + 20:x}:1") == PLAIN
        assert client.register(PC) == AT["loop"] + 8


def test_the_beginning(tmp_path: Path) -> None:
    begin = symbols(CALLING)["__start"]
    with client_of(tmp_path) as client:
        assert client.ask("s") == PLAIN
        assert client.ask("bs") == PLAIN, "exactly onto the beginning"
        assert client.ask("bs") == client.ask("bc") == BEGIN
        assert client.ask("s") == PLAIN
        client.ask(f"Z0,{begin:x},4")
        assert client.ask("bc") == AT_BREAKPOINT
        # GDB, whose condition does not hold, steps over it, and goes on.
        client.ask(f"z0,{begin:x},4")
        assert client.ask("bs") == PLAIN
        client.ask(f"Z0,{begin:x},4")
        assert client.ask("bc") == BEGIN


@pytest.mark.parametrize("described", [True, False])
def test_the_end_of_a_recorded_run(tmp_path: Path, described: bool) -> None:
    file, log, socket = tmp_path / "guest.elf", tmp_path / "log", tmp_path / "socket"
    file.write_bytes(kernel(CALLING))
    store = AT["halt"] + 8
    step = "vCont;s:1" if described else "s"
    assert kseg("run", "--record", log, file).returncode == 0
    with listening("replay", "--gdb", str(socket), str(log)), Client(str(socket)) as client:
        greet(client, described=described)
        run_to(client, store)
        assert client.ask(step) == PLAIN, "it switches off, and has been executed"
        assert client.register(PC) == store + 4
        assert client.ask("vCont;c") == END
        client.ask(f"Z0,{store:x},4")
        assert client.ask("bc") == AT_BREAKPOINT
        assert client.register(PC) == store


def test_the_end_of_a_run_that_was_cut(tmp_path: Path) -> None:
    file, log, socket = tmp_path / "guest.elf", tmp_path / "log", tmp_path / "socket"
    file.write_bytes(kernel(CALLING))
    assert kseg("run", "--record", log, "--max-cycles", "20", file).returncode == 4
    with listening("replay", "--gdb", str(socket), str(log)), Client(str(socket)) as client:
        greet(client)
        assert client.ask("vCont;c") == END
        end = client.register(PC)
        client.ask("bs")
        client.ask(f"Z0,{end:x},4")
        assert client.ask("vCont;c") == AT_BREAKPOINT
        assert client.ask("vCont;c") == END


def test_stops_in_the_cycle_of_the_present(tmp_path: Path) -> None:
    """The present is where the second processor has not executed yet, and the first one has."""
    with client_of(tmp_path, TWO, "--cpus", "2") as client:
        client.ask(f"Z0,{TWO_AT['second']:x},4")
        for _ in range(3):
            assert client.ask("vCont;c").startswith("T05thread:2;")
        client.ask("Hg1")
        here = client.register(PC)
        client.ask(f"z0,{TWO_AT['second']:x},4")
        before = {TWO_AT["first"] + 4 * each for each in range(3)} - {here}
        for address in before:
            client.ask(f"Z0,{address:x},4")
        assert client.ask("bc").startswith("T05thread:1;")
        again = client.register(PC)
        assert client.ask("bc").startswith("T05thread:1;")
        assert client.ask("vCont;c").startswith("T05thread:1;")
        assert client.register(PC) == again
        assert "replaylog:end" in client.ask("vCont;c")
        client.ask("Hg1")
        assert client.register(PC) == here


@needs_gdb
def test_gdb_goes_on_from_the_present(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        CALLING,
        *("break work", "c", "stepi", "reverse-continue", "c", "echo --- present\\n"),
        *("stepi", "reverse-stepi", "stepi", "echo --- again\\n", "stepi", "delete", "c"),
    )
    in_order(
        said,
        *("Breakpoint 1, ", f"{AT['work'] + 4:#010x} in work ()", "Breakpoint 1, "),
        *("No more reverse-execution history", f"{AT['work'] + 4:#010x} in work ()", "--- present"),
        *(f"{AT['work'] + 8:#010x} in work ()", f"{AT['work'] + 4:#010x} in work ()"),
        *(f"{AT['work'] + 8:#010x} in work ()", "--- again", f"{AT['work'] + 12:#010x} in work ()"),
        "exited normally",
    )


@needs_gdb
def test_gdb_sees_what_is_watched_up_to_the_present(tmp_path: Path) -> None:
    values = ("Old value = 0", "New value = 4", "Old value = 4", "New value = 7")
    back = ("Old value = 7", "New value = 4", "Old value = 4", "New value = 0")
    said = session(
        tmp_path,
        CALLING,
        *("watch *(int *) &counter", "c", "c", "reverse-stepi", "reverse-continue", "c", "c"),
        *("echo --- present\\n", "c", "delete", "c"),
    )
    in_order(
        said,
        *(*values, *back, *values, "--- present"),
        *("Old value = 7", "New value = 9", "exited normally"),
    )
