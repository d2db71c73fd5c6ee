"""A guest that runs while a debugger comes and goes."""

import os
import random
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from kseg import Machine
from kseg.engine.contract import Watchpoint
from kseg.gdb.packets import PACKET_SIZE, packet
from kseg.monitor.stop import StopReason
from tests.cli.command import kseg
from tests.cli.kernels import CONTROL, TIMER, TRACE, kernel
from tests.gdb.running import SECONDS, Client, debugged, listening
from tests.unwind.programs import CALLING, SPINNING, TWO, symbols

AT, TWO_AT = symbols(CALLING), symbols(TWO)
T0, T1, S0, S1, PC, TARGET = 8, 9, 16, 17, 37, 81
LOOP_END = AT["loop"] + 12


def switched_off(process: "subprocess.Popen[str]") -> int:
    return process.wait(SECONDS)


def test_a_breakpoint_and_the_end(tmp_path: Path) -> None:
    with debugged(tmp_path, CALLING, "--wait") as (process, address):
        path = Path(address)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with Client(address) as client:
            assert client.ask("?") == "T05thread:1;"
            assert client.cycles() == 0
            assert client.ask(f"Z0,{AT['work']:x},4") == "OK"
            for _ in range(3):
                assert client.ask("vCont;c") == "T05thread:1;"
                assert client.register(PC) == AT["work"]
            # It is the guest's own instruction that is there.
            assert client.ask(f"m{AT['work']:x},2") == "3c08"
            assert client.ask("c") == "W00"
        assert switched_off(process) == 0
        assert not path.exists()


def test_single_steps_are_single_instructions(tmp_path: Path) -> None:
    with debugged(tmp_path, CALLING, "--wait") as (_, address), Client(address) as client:
        assert client.ask(f"Z1,{LOOP_END:x},4") == "OK"
        assert client.ask("c") == "T05thread:1;"
        found = []
        for _ in range(3):
            before = client.cycles()
            assert client.ask("s") == "T05thread:1;"
            assert client.cycles() == before + 1
            found.append((client.register(PC), client.register(TARGET)))
        assert found == [(LOOP_END + 4, AT["loop"]), (AT["loop"], 0), (AT["loop"] + 4, AT["work"])]


def test_gdbs_way_to_step_out_of_a_delay_slot(tmp_path: Path) -> None:
    """It sets a breakpoint behind the slot."""
    with debugged(tmp_path, CALLING, "--wait") as (_, address), Client(address) as client:
        slot = AT["loop"] + 4
        assert client.ask(f"Z0,{slot:x},4") == "OK"
        assert client.ask("c") == "T05thread:1;"
        assert client.register(PC) == slot
        assert client.ask(f"z0,{slot:x},4") == "OK"
        assert client.ask(f"Z0,{slot + 4:x},4") == "OK"
        assert client.ask("c") == "T05thread:1;"
        assert client.register(PC) == AT["work"]


def test_watchpoints(tmp_path: Path) -> None:
    counter = AT["counter"]
    with debugged(tmp_path, CALLING, "--wait") as (_, address), Client(address) as client:
        assert client.ask(f"Z2,{counter:x},4") == "OK"
        assert client.ask("c") == f"T05thread:1;watch:{counter:08x};"
        assert (client.register(PC), client.register(TARGET)) == (
            AT["work"] + 20,
            AT["loop"] + 8,
        )
        assert client.ask(f"m{counter:x},4") == "00000000"
        assert client.ask(f"z2,{counter:x},4") == "OK"
        assert client.ask(f"Z3,{counter + 3:x},1") == "OK"
        assert client.ask("c") == f"T05thread:1;rwatch:{counter + 3:08x};"
        assert client.register(PC) == AT["work"] + 4
        assert client.ask(f"m{counter:x},4") == "00000004"
        assert client.ask(f"Z4,{counter:x},4") == "OK"
        assert client.ask("c") == f"T05thread:1;awatch:{counter:08x};"


def test_a_running_guest_is_interrupted(tmp_path: Path) -> None:
    with debugged(tmp_path, SPINNING) as (process, address), Client(address) as client:
        before = client.register(T0)
        for _ in range(2):
            client.send("vCont;c")
            time.sleep(0.05)
            client.interrupt()
            assert client.receive() == "T02thread:1;"
            assert client.register(T0) != before
        client.send("k")
        assert switched_off(process) == 0


def test_an_interrupt_of_a_guest_that_stands_is_for_its_next_run(tmp_path: Path) -> None:
    with debugged(tmp_path, SPINNING, "--wait") as (_, address), Client(address) as client:
        client.ask("qSupported:swbreak+;hwbreak+")
        for resume in ("vCont;c", "c", "vCont;s:1", "s", "bc", "bs"):
            before = client.cycles()
            for _ in range(3):
                client.interrupt()
            assert client.ask(resume) == "T02thread:1;", resume
            assert client.cycles() == before, "nothing has been executed"
            assert client.ask("vCont;s:1") == "T05thread:1;", "it was one interrupt"


def test_an_interrupt_is_of_the_debugger_that_sent_it(tmp_path: Path) -> None:
    with debugged(tmp_path, SPINNING, "--wait") as (_, address):
        with Client(address) as client:
            client.interrupt()
            assert client.ask("D") == "OK"
        with Client(address) as client:
            client.ask("?")
            assert client.ask("s") == "T05thread:1;"


def test_a_flood_takes_no_room(tmp_path: Path) -> None:
    """Of interrupts, and of packets, while the guest stands, and while it runs."""
    with debugged(tmp_path, SPINNING, "--wait") as (process, address), Client(address) as client:
        before = resident(process.pid)
        for resume in ("", "vCont;c"):
            if resume:
                client.send(resume)
            client.stream.sendall(b"\x03" * 2_000_000 + packet(b"?") * 500)
            for _ in range(500 + bool(resume)):
                assert client.receive().startswith("T0")
        assert resident(process.pid) < before + (16 << 20)


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_who_vanishes_leaves_the_guest_running(tmp_path: Path) -> None:
    spin = symbols(SPINNING)["spin"]
    with debugged(tmp_path, SPINNING) as (process, address):
        before = -1
        for leave in ("", "D", "c"):
            with Client(address) as client:
                assert client.cycles() > before
                assert client.ask(f"Z0,{spin:x},4") == "OK"
                assert client.ask("c") == "T05thread:1;"
                assert client.register(PC) == spin
                before = client.cycles()
                if leave == "D":
                    assert client.ask("D") == "OK"
                elif leave:
                    client.send(leave)
            time.sleep(0.1)
        with Client(address) as client:
            assert client.cycles() > before + 1000
            assert client.ask("vKill;1") == "OK"
        assert switched_off(process) == 0


def test_there_is_one_debugger_at_a_time(tmp_path: Path) -> None:
    with debugged(tmp_path, SPINNING) as (_, address), Client(address) as client:
        other = Client(address)
        assert other.ask("qSupported").startswith("E.another debugger is connected")
        other.close()
        assert client.ask("?") == "T05thread:1;"


def test_two_processors(tmp_path: Path) -> None:
    with (
        debugged(tmp_path, TWO, "--cpus", "2", "--wait") as (_, address),
        Client(address) as client,
    ):
        assert client.ask(f"Z0,{TWO_AT['second'] + 4:x},4") == "OK"
        assert client.ask("c") == "T05thread:2;"
        assert client.register(PC) == TWO_AT["second"] + 4
        assert (client.register(S0), client.register(S1)) == (0, 1)
        assert client.ask("Hg1") == "OK"
        assert client.register(S1) == 0
        assert client.ask("vCont;s:1;c") == "T05thread:1;"
        # Each thread is stepped, and the other one moves as far.
        assert client.ask(f"z0,{TWO_AT['second'] + 4:x},4") == "OK"
        for thread in (2, 1):
            before = client.cycles()
            client.ask(f"vCont;s:{thread}")
            assert client.cycles() - before <= 1


def test_a_step_over_wait_takes_as_long_as_that(tmp_path: Path) -> None:
    source = ticking_source()
    after = symbols(source)["after"]
    with debugged(tmp_path, source, "--wait") as (_, address), Client(address) as client:
        assert client.ask(f"Z0,{after - 4:x},4") == "OK"
        assert client.ask("c") == "T05thread:1;"
        assert client.ask("s") == "T05thread:1;"
        assert client.register(PC) == after, "WAIT has been executed"
        before = client.cycles()
        assert client.ask("s") == "T05thread:1;"
        assert client.register(PC) == after + 4
        assert client.cycles() - before > 10_000
        assert client.ask("c") == "T05thread:1;"


def ticking_source() -> str:
    return f"""
        li      t0, {TIMER:#x}
        li      t1, 1
        sw      t1, 0x08(t0)
        li      t1, 10000
        sw      t1, 0x10(t0)
1:      wait
after:  lw      t1, 0x0c(t0)
        b       1b
        nop
    """


def test_what_the_hardware_does_not_survive_can_be_looked_at(tmp_path: Path) -> None:
    source = f"li t0, {CONTROL + 8:#x}\n li t1, 1\n sw t1, 0(t0)\n1: b 1b\n nop"
    with debugged(tmp_path, source, "--wait") as (process, address), Client(address) as client:
        assert client.ask("c") == "T06thread:1;"
        assert client.register(T1) == 1
        assert client.ask("c") == "W01"
        assert switched_off(process) == 1


def test_an_exception_without_a_handler_can_be_looked_at(tmp_path: Path) -> None:
    with debugged(tmp_path, "break\n nop", "--wait") as (process, address):
        with Client(address) as client:
            assert client.ask("c") == "T06thread:1;"
            assert client.ask("c") == "W01"
        assert switched_off(process) == 1


def test_a_guest_can_ask_for_its_debugger(tmp_path: Path) -> None:
    source = f"li t0, {TRACE:#x}\n sw zero, 0x10(t0)\n1: b 1b\n nop"
    with debugged(tmp_path, source, "--wait") as (_, address), Client(address) as client:
        assert client.ask("c") == "T05thread:1;"
        client.send("c")
        client.interrupt()
        assert client.receive() == "T02thread:1;"


@pytest.mark.parametrize("engine", ["interpreter", "translator"])
def test_a_guest_cannot_tell(engine: str) -> None:
    """Stopped a thousand times, it prints the same in the same cycles."""

    def run(stops: bool) -> tuple[bytes, int, int]:
        count = 0
        with Machine("cms", "primes 20; syscalls; misses 50; halt", engine=engine, epoch=0) as vm:
            if stops:
                vm.engine.set_breakpoints([0x80000000, 0x80000080, 0x80000100])
                vm.engine.set_watchpoints([Watchpoint(0x7FFF0000, 0x7FFFFFFF, True, True)])
            while (stop := vm.run()).exit_code is None:
                assert stop.reason in (StopReason.BREAKPOINT, StopReason.WATCHPOINT)
                count += 1
            return vm.console.output.encode(), vm.cycles, count

    plain, debugged_ = run(stops=False), run(stops=True)
    assert plain[:2] == debugged_[:2]
    assert debugged_[2] > 50


def test_tcp_is_for_this_host(tmp_path: Path) -> None:
    with debugged(tmp_path, SPINNING, address=":0") as (_, address):
        assert address.startswith("127.0.0.1:")
        with Client(address) as client:
            assert client.ask("?") == "T05thread:1;"


def test_garbage_does_no_harm(tmp_path: Path) -> None:
    rng = random.Random(0)
    with debugged(tmp_path, SPINNING) as (process, address):
        for size in (1, 100, 10_000, 4 * PACKET_SIZE):
            stream = socket.socket(socket.AF_UNIX)
            stream.connect(address)
            noise = rng.randbytes(size).replace(b"k", b"g").replace(b"v", b"m")
            try:
                stream.sendall(b"+" + noise + b"$" + b"m" * size)
            finally:
                stream.close()
            time.sleep(0.05)
        for _ in range(100):
            client = Client(address)
            try:
                client.hello()
                assert client.ask("?").startswith("T")
                break
            except (EOFError, ConnectionError):
                time.sleep(0.1)  # the last one is not quite gone
            finally:
                client.close()
        else:
            pytest.fail("nobody answers")
        assert process.poll() is None


def test_packets_at_random_do_no_harm(tmp_path: Path) -> None:
    rng = random.Random(2)
    parts = (
        "vCont", ";c", ";s", ":1", ":2", ":p1.1", "D", ";1", ";", "Hg", "Hc", "T", "1", "-1", "Z0",
        "Z2", "z0", ",80001000", ",4", "vAttach", "!", "?", "g", "G", "p", "P25", "=", "80001000",
        "m", "M80001000,4", ":00", "X", "qSupported:multiprocess+;swbreak+", "qXfer", ":threads",
        ":exec-file", ":read:", ":0,ff", "qRcmd,", "7265736574", "696e666f20746c62", "c", "s",
    )  # fmt: skip
    with debugged(tmp_path, SPINNING) as (process, address):
        for _ in range(3):
            with Client(address) as client:
                for _ in range(150):
                    client.send("".join(rng.choices(parts, k=rng.randrange(1, 6))))
                    client.interrupt()
                client.send("?" * rng.choice((PACKET_SIZE, 3 * PACKET_SIZE)))
                client.stream.shutdown(socket.SHUT_WR)
                while client.stream.recv(65536):
                    pass
            time.sleep(0.1)
        with Client(address) as client:
            assert client.ask("?").startswith("T05")
            # While one is there, another one is turned away, and does not disturb.
            other = Client(address)
            assert other.ask("QStartNoAckMode").startswith("E.another debugger")
            other.close()
            assert client.command("reset").startswith("reset;")
            assert client.register(PC) == symbols(SPINNING)["spin"]
        assert process.poll() is None


def test_a_machine_from_a_snapshot_cannot_be_reset(tmp_path: Path) -> None:
    path, saved = tmp_path / "guest.elf", tmp_path / "saved"
    path.write_bytes(kernel(SPINNING))
    assert kseg("run", "--save-at", f"1000:{saved}", "--max-cycles", "2000", path).returncode == 4
    address = str(tmp_path / "socket")
    with (
        listening("run", "--gdb", address, "--wait", "--from", str(saved)),
        Client(address) as client,
    ):
        assert client.command("reset").startswith("the machine comes from a snapshot")
        assert client.cycles() == 1000


def test_an_extended_debugger_stays(tmp_path: Path) -> None:
    with debugged(tmp_path, SPINNING) as (process, address), Client(address) as client:
        assert client.ask("!") == "OK"
        before = client.cycles()
        assert client.ask("D") == "OK"
        time.sleep(0.05)
        assert client.ask("vAttach;2") == "E01"
        assert client.ask("vAttach;1") == "T05thread:1;"
        assert client.cycles() > before
        assert client.ask("vKill;1") == "OK"
        assert process.wait(SECONDS) == 0


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with debugged(tmp_path, SPINNING) as (_, address), Client(address):
        done = kseg("run", "--gdb", address, tmp_path / "guest.elf")
        assert done.returncode == 2
        assert done.stderr.startswith("kseg: --gdb ")


def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "guest.elf"
    path.write_bytes(kernel(SPINNING))
    for options in (
        ["--wait"],
        ["--gdb", "/nonexistent/socket"],
        ["--gdb", "127.0.0.1:99999"],
        ["--gdb", tmp_path],
    ):
        done = kseg("run", *options, path)
        assert done.returncode == 2
        assert "kseg: " in done.stderr
        assert "Traceback" not in done.stderr
