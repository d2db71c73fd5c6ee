"""Many guests under one debugger, each an inferior."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kseg import Host
from kseg.engine.contract import Watchpoint
from kseg.gdb.answers import Attach, Detach, Kill, Resume
from kseg.gdb.host_target import HostTarget
from kseg.gdb.stub import Stub
from kseg.gdb.threads import Thread
from kseg.monitor.stop import StopReason
from tests.cli.kernels import CONTROL, kernel
from tests.gdb.running import SECONDS, Client, hosted
from tests.unwind.programs import CALLING, SPINNING, symbols

AT, SPIN = symbols(CALLING), symbols(SPINNING)["spin"]
PC, T0 = 37, 8
TWO = {"calls": CALLING, "spins": SPINNING}
HELLO = "qSupported:multiprocess+;swbreak+;hwbreak+"
FATAL = f"li t0, {CONTROL + 8:#x}\n li t1, 1\n sw t1, 0(t0)\n1: b 1b\n nop"


def meet(client: Client) -> None:
    """As gdb does for `target extended-remote`."""
    assert "multiprocess+" in client.ask(HELLO)
    assert client.ask("!") == "OK"


def cycles(client: Client, number: int) -> int:
    assert client.ask(f"Hgp{number}.1") == "OK"
    return client.cycles()


def test_all_stand_when_one_does(tmp_path: Path) -> None:
    sources = {"one": SPINNING, "two": SPINNING}
    with hosted(tmp_path, sources) as (process, address), Client(address) as client:
        meet(client)
        assert client.ask("?") == "T05thread:p1.1;"
        assert client.ask("qfThreadInfo") == "mp1.1,p2.1"
        assert [cycles(client, number) for number in (1, 2)] == [0, 0]
        # What is set in process 2, the last that was asked, is not in process 1.
        assert client.ask(f"Z0,{SPIN + 4:x},4") == "OK"
        assert client.ask("vCont;c") == "T05thread:p2.1;swbreak:;"
        assert client.register(PC) == SPIN + 4
        assert client.ask("qC") == "QCp2.1"
        before = [cycles(client, number) for number in (1, 2)]
        assert before[1] == 1
        time.sleep(0.1)
        assert [cycles(client, number) for number in (1, 2)] == before
        assert client.ask(f"z0,{SPIN + 4:x},4") == "OK"
        assert client.ask("Hgp1.1") == "OK"
        assert client.ask(f"Z0,{SPIN:x},4") == "OK"
        assert client.ask("vCont;c") == "T05thread:p1.1;swbreak:;"
        assert client.register(PC) == SPIN
        client.send("k")
        assert process.wait(SECONDS) == 0


def test_who_is_not_mentioned_stands(tmp_path: Path) -> None:
    with hosted(tmp_path, TWO) as (_, address), Client(address) as client:
        meet(client)
        assert client.ask("Hgp1.1") == "OK"
        assert client.ask(f"Z0,{AT['work']:x},4") == "OK"
        assert client.ask("vCont;c:p1.-1") == "T05thread:p1.1;swbreak:;"
        assert cycles(client, 2) == 0
        before = cycles(client, 1)
        client.send("vCont;c:p2.1")
        time.sleep(0.05)
        client.interrupt()
        assert client.receive() == "T02thread:p2.1;"
        assert client.register(T0) > 0
        assert cycles(client, 1) == before
        assert client.ask("vCont;s:p1.1;c") == "T05thread:p1.1;"
        assert client.register(PC) == AT["work"] + 4


def test_ends_are_told_one_by_one(tmp_path: Path) -> None:
    sources = {"one": CALLING, "two": CALLING, "three": FATAL}
    with hosted(tmp_path, sources) as (process, address):
        with Client(address) as client:
            meet(client)
            assert client.ask("vCont;c:p3.1") == "T06thread:p3.1;"
            told = {client.ask("vCont;c:p1.1;c:p2.1")}
            # The other one may have come to its end as well, without the debugger's knowing.
            told.add(client.ask("vCont;c:p2.1" if "W00;process:1" in told else "vCont;c:p1.1"))
            assert told == {"W00;process:1", "W00;process:2"}
            assert client.ask("qfThreadInfo") == "mp3.1"
            assert client.ask("Hgp1.1") == client.ask("vCont;c:p1.1") == "E01"
            assert client.ask("vCont;c") == "W01;process:3"
        assert process.wait(SECONDS) == 1


def test_leaving_and_killing_one(tmp_path: Path) -> None:
    sources = {"one": SPINNING, "two": SPINNING, "three": SPINNING}
    with hosted(tmp_path, sources) as (process, address):
        with Client(address) as client:
            meet(client)
            assert client.ask("D;2") == "OK"
            assert client.ask("qfThreadInfo") == "mp1.1,p3.1"
            assert client.ask("Hgp2.1") == client.ask("D;2") == client.ask("vKill;2") == "E01"
            assert client.ask(f"Z0,{SPIN:x},4") == "OK"
            assert client.ask("vCont;c").startswith("T05thread:p1.1;")
            assert client.ask("vKill;1") == "OK"
            assert client.ask("vAttach;1") == client.ask("vAttach;3") == "E01"
            assert client.ask("vAttach;2") == "T05thread:p2.1;"
            before = client.register(T0), client.cycles()
            client.send("vCont;c:p2.1")
            time.sleep(0.05)
            client.interrupt()
            assert client.receive() == "T02thread:p2.1;"
            assert (client.register(T0), client.cycles()) > before
            assert "3 three: debugged" in client.command("info guests")
            # With nothing left to debug, the connection stays, and the guests run.
            assert client.ask("D;2") == client.ask("D;3") == "OK"
            assert client.ask("qfThreadInfo") == "l"
            assert client.ask("g") == client.ask("vCont;c") == "E01"
            time.sleep(0.05)
            assert client.ask("vAttach;3") == "T05thread:p3.1;"
            assert client.cycles() > 0
        # A debugger that vanishes leaves all running, and the next one finds what is left of them.
        with Client(address) as client:
            meet(client)
            assert client.ask("qfThreadInfo") == "mp2.1,p3.1"
            client.send("k")
        assert process.wait(SECONDS) == 0


def test_who_does_not_know_processes_has_the_threads_of_one(tmp_path: Path) -> None:
    with hosted(tmp_path, TWO) as (_, address), Client(address) as client:
        assert "multiprocess" not in client.ask("qSupported:swbreak+")
        assert client.ask("?") == "T05thread:1;"
        assert client.ask(f"Z0,{AT['work']:x},4") == "OK"
        assert client.ask("c") == "T05thread:1;"
        assert client.ask(f"z0,{AT['work']:x},4") == "OK"
        # The end of one is not the end: the other one runs on.
        client.send("c")
        time.sleep(0.1)
        client.interrupt()
        assert client.receive() == "T02thread:1;"


def test_one_that_waits_for_input_does_not_end_the_others(tmp_path: Path) -> None:
    sources = {"waits": "1: wait\n b 1b\n nop", "spins": SPINNING}
    with hosted(tmp_path, sources) as (process, address), Client(address) as client:
        meet(client)
        for packet in ("vCont;c:p1.1", "vCont;s:p1.1"):
            client.send(packet)
            time.sleep(0.2)
            assert process.poll() is None
            client.interrupt()
            assert client.receive() in ("T02thread:p1.1;", "T05thread:p1.1;")
        assert client.ask("vCont;s:p2.1") == "T05thread:p2.1;"


def test_garbage_does_no_harm(tmp_path: Path) -> None:
    rng = random.Random(1)
    parts = (
        "vCont", ";c", ";s", ":p1", ":p2.1", ":p-1.-1", "p9.9", "D", ";1", ";", "Hg", "Hc", "T",
        "qXfer:threads:read:", "qXfer:exec-file:read:", "1", ":0,", "ffff", "Z0", "z2", ",80001000",
        ",4", "vAttach", "qAttached:", "!", "qSupported:multiprocess+", "m", "P", "=", "Hgp2.1",
    )  # fmt: skip
    with hosted(tmp_path, TWO) as (process, address):
        for _ in range(3):
            with Client(address) as client:
                for _ in range(150):
                    client.send("".join(rng.choices(parts, k=rng.randrange(1, 6))))
                    client.interrupt()
                client.stream.shutdown(1)
                while client.stream.recv(65536):
                    pass
            time.sleep(0.1)
        with Client(address) as client:
            meet(client)
            assert client.ask("qfThreadInfo").endswith("p2.1")
        assert process.poll() is None


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    directory = tmp_path_factory.mktemp("guests")
    with Host("8M") as made:
        for name, source in TWO.items():
            (directory / name).write_bytes(kernel(source))
            made.add(name, directory / name, epoch=0)
        yield made


@pytest.fixture
def stub(host: Host) -> Stub:
    made = Stub(HostTarget(host))
    for each in made.target.inferiors:
        each.attach()
    made.answer(HELLO.encode())
    return made


def test_packets_of_processes(stub: Stub) -> None:
    one, two = stub.target.inferiors
    assert stub.answer(b"vCont;c:p1.-1") == stub.answer(b"vCont;c:p1") == Resume([one])
    assert stub.answer(b"vCont;c") == stub.answer(b"vCont;C05:p1.1;c") == Resume([one, two])
    assert stub.answer(b"vCont;c:p-1.-1") == stub.answer(b"c") == Resume([one, two])
    assert stub.answer(b"vCont;s:p2.1;c:p1.-1") == Resume([two], Thread(two, 0))
    assert stub.answer(b"D;2") == Detach([two])
    assert stub.answer(b"D") == Detach([one, two])
    assert stub.answer(b"vKill;1") == Kill([one], b"OK")
    assert stub.answer(b"qAttached:1") == b"1"
    two.detach()
    assert stub.answer(b"vAttach;2") == Attach(two)
    for wrong in (b"vAttach;", b"vAttach;9", b"D;9", b"D;x", b"vCont;c:p2.1", b"Tp2.1", b"Hgp2.1"):
        assert stub.answer(wrong) == b"E01"


def test_documents_of_guests(stub: Stub) -> None:
    threads = stub.answer(b"qXfer:threads:read::0,ffff")
    assert isinstance(threads, bytes)
    assert b'id="p2.1" core="0" name="spins CPU 0"' in threads
    for number, name in (b"1", b"calls"), (b"2", b"spins"):
        path = stub.answer(b"qXfer:exec-file:read:%b:0,ffff" % number)
        assert isinstance(path, bytes)
        assert path.endswith(b"/" + name)
    processes = stub.answer(b"qXfer:osdata:read:processes:0,ffff")
    assert isinstance(processes, bytes)
    assert b'<column name="pid">2</column>' in processes


@pytest.mark.parametrize("engine", ["interpreter", "translator"])
def test_a_guest_beside_others_cannot_tell(engine: str) -> None:
    """One of two is stopped a hundred times: both print the same in the same cycles."""

    def run(stops: bool) -> tuple[list[tuple[str, int]], int]:
        count = 0
        with Host("16M", engine) as host:
            one = host.add("one", "cms", "primes 20; syscalls; misses 50; halt", epoch=0, seed=1)
            two = host.add("two", "cms", "primes 30; halt", epoch=0, seed=1)
            if stops:
                one.engine.set_breakpoints([0x80000000, 0x80000080])
                one.engine.set_watchpoints([Watchpoint(0x7FFF0000, 0x7FFFFFFF, True, True)])
                target = HostTarget(host)
                target.inferiors[0].attached = True
            while (stop := host.run()).reason is not StopReason.POWER_OFF:
                if stop.reason is StopReason.INTERRUPTED:
                    continue  # the debugged one has come to its end
                assert stop.reason in (StopReason.BREAKPOINT, StopReason.WATCHPOINT)
                assert target.stopped(stop) is target.inferiors[0]
                count += 1
                if count % 3 == 0:
                    # The other one goes on for a while, alone.
                    target.let_run([])
                    host.run(cycles=1000)
                    target.let_run([target.inferiors[0]])
            return [(each.console.output, each.cycles) for each in (one, two)], count

    plain, debugged = run(stops=False), run(stops=True)
    assert debugged[0] == plain[0]
    assert debugged[1] > 50
