"""Machines that talk to each other through a hub: kseg's, and hub161 and System/161 where the
environment's HUB161 and SYS161 name them or they are in PATH."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kseg import Host, Machine
from kseg.api.replay import Replay
from kseg.boards.system161.hub_server import Hub
from tests.cli import kernels
from tests.cli.command import COMMAND, environment, kseg

NIC = 0xBFE00000 + 27 * 0x10000


def talking(target: int, text: str) -> bytes:
    """A kernel that says `text` to another address until it hears something, prints what that was,
    says it twice more for cards that came late, and switches off."""
    return kernels.kernel(f"""
        li      s0, {NIC:#x}
        li      s1, {kernels.SERIAL:#x}
        li      t0, {8 + len(text)} << 16 | {target}
        li      t1, {NIC + 0x9000:#x}
        sw      t0, 4(t1)
        la      t2, text
1:      lw      t0, 0(t2)
        addiu   t2, t2, 4
        sw      t0, 8(t1)
        bnez    t0, 1b
        addiu   t1, t1, 4
        li      s2, 3
again:  jal     send
        nop
        li      s3, 200000
1:      lw      t0, 0(s0)
        addiu   s3, s3, -1
        bnez    t0, heard
        nop
        bgtz    s3, 1b
        nop
        b       again
        nop
heard:  li      t1, {NIC + 0x8000:#x}
        lw      t2, 4(t1)
        srl     t2, t2, 16
        addiu   t2, t2, -8
2:      lbu     t3, 8(t1)
        sw      zero, 4(s1)
        sw      t3, 0(s1)
3:      lw      t3, 4(s1)
        nop
        beqz    t3, 3b
        addiu   t4, t2, -1
        move    t2, t4
        bgtz    t2, 2b
        addiu   t1, t1, 1
        jal     send
        nop
        jal     send
        nop
        {kernels.POWER_OFF}
send:   li      t0, 2
        sw      t0, 8(s0)
1:      lw      t0, 4(s0)
        nop
        beqz    t0, 1b
        nop
        jr      ra
        sw      zero, 4(s0)
        .align  2
text:   .asciiz "{text}"
        .word   0
    """)


def configuration(address: int) -> str:
    return f"0 serial\n27 nic hwaddr={address}\n28 random\n31 mainboard ramsize=512K cpus=1\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with two machines."""
    for own, other, text in ((1, 2, "from one"), (2, 1, "from two")):
        (tmp_path / f"{own}.conf").write_text(configuration(own))
        (tmp_path / f"kernel{own}").write_bytes(talking(other, text))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def hub(place: Path) -> Iterator[Hub]:
    hub = Hub(place / ".sockets" / "hub", lambda _text: None)
    thread = threading.Thread(target=hub.serve)
    thread.start()
    yield hub
    hub.close()
    thread.join()


def program(name: str) -> str:
    found = os.environ.get(name.upper()) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not in PATH, and {name.upper()} does not name it")
    return found


def started(stack: ExitStack, place: Path, *command: str) -> "subprocess.Popen[str]":
    process = stack.enter_context(
        subprocess.Popen(
            command,
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="latin-1",
            env=environment(),
        )
    )
    stack.callback(process.kill)
    return process


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_machines(place: Path, hub: Hub) -> None:
    del hub
    with (
        Machine("kernel1", config="1.conf") as one,
        Machine("kernel2", config="2.conf") as two,
    ):
        thread = threading.Thread(target=one.run)
        thread.start()
        two.run()
        thread.join()
        assert (one.console.output, two.console.output) == ("from two", "from one")
        assert one.statistics.devices.packets_received >= 1
        assert one.messages == ["nic: slot 27: carrier detected"]
        (card,) = one.network_cards
        assert card.carrier
    assert [each.name for each in (place / ".sockets").iterdir()] == ["hub"]


def test_what_came_in_comes_again(place: Path, hub: Hub) -> None:
    with Machine("kernel1", config="1.conf") as one, Machine("kernel2", config="2.conf") as two:
        one.record(place / "log")
        thread = threading.Thread(target=two.run)
        thread.start()
        one.run()
        thread.join()
        cycles = one.cycles
    hub.close()
    replay = Replay(place / "log")
    with replay.machine as again:
        again.run()
        assert (again.cycles, again.console.output) == (cycles, "from two")


def test_guests_of_a_host(place: Path, hub: Hub) -> None:
    del place, hub
    with Host() as host:
        one = host.add("one", "kernel1", config="1.conf")
        two = host.add("two", "kernel2", config="2.conf")
        host.run(seconds=60)
        assert (one.console.output, two.console.output) == ("from two", "from one")


def test_guests_with_one_address(place: Path) -> None:
    from kseg.errors import KsegError

    with Host() as host:
        host.add("one", "kernel1", config="1.conf")
        with pytest.raises(KsegError, match=r"guest two: .* another hwaddr="):
            host.add("two", "kernel1", config="1.conf")
        host.add("three", "kernel2", config="2.conf")
    assert not list((place / ".sockets").iterdir())


def test_without_a_hub(place: Path) -> None:
    result = kseg("run", "-c", "1.conf", "--max-cycles", "2000000", "kernel1", cwd=place)
    assert result.returncode == 4
    assert "kseg: nic: slot 27: sendto: No such file or directory\n" in result.stderr


def test_a_clone_has_no_network(place: Path, hub: Hub) -> None:
    del place, hub
    with Machine("kernel1", config="1.conf") as one:
        one.run(cycles=100_000)
        with one.fork() as clone:
            clone.run(cycles=1_000_000)
            assert not clone.network_cards[0].carrier


@pytest.mark.parametrize("other", ["kseg", "sys161"])
@pytest.mark.parametrize("hub", ["kseg", "hub161"])
def test_processes(place: Path, hub: str, other: str) -> None:
    (place / ".sockets").mkdir(mode=0o700)
    serve = [*COMMAND, "hub"] if hub == "kseg" else [program("hub161")]
    second = [*COMMAND, "sys161", "-X"] if other == "kseg" else [program("sys161"), "-X"]
    with ExitStack() as stack:
        started(stack, place, *serve)
        wait_for(place / ".sockets" / "hub")
        one = started(stack, place, *COMMAND, "run", "-c", "1.conf", "kernel1")
        two = started(stack, place, *second, "-c", "2.conf", "kernel2")
        assert two.communicate(timeout=50)[0] == "from one\n"
        said, messages = one.communicate(timeout=50)
        assert said == "from two"
        assert messages == "kseg: nic: slot 27: carrier detected\n"


def test_kseg_hub_ends_in_good_order(place: Path) -> None:
    with ExitStack() as stack:
        process = started(stack, place, sys.executable, "-m", "kseg", "hub")
        assert process.stderr is not None
        assert process.stderr.readline() == "kseg hub: listening on .sockets/hub\n"
        process.terminate()
        assert process.communicate(timeout=20)[1] == ""
        assert process.returncode == -15
    assert not (place / ".sockets" / "hub").exists()


def test_a_place_where_no_hub_can_be(place: Path) -> None:
    (place / "file").write_text("")
    result = kseg("hub", "file", cwd=place)
    assert (result.returncode, result.stderr) == (2, "kseg: hub file: Address already in use\n")


@pytest.mark.parametrize("trust", [False, True])
def test_a_machine_from_a_snapshot(place: Path, hub: Hub, trust: bool) -> None:
    del hub
    with Machine("kernel1", config="1.conf") as one:
        one.run(cycles=100_000)
        one.save(place / "snapshot")
    with Machine.from_snapshot(place / "snapshot", trust=trust) as again:
        assert again.network_cards[0].carrier == trust
        again.run(cycles=100_000)


def test_a_card_that_is_asked_for(place: Path, hub: Hub) -> None:
    del place, hub
    with Machine("cms", devices={27: "nic hwaddr=3"}) as machine:
        assert machine.network_cards[0].carrier
    with Machine("cms", devices={27: "nic hwaddr=3"}, network=False) as machine:
        assert not machine.network_cards[0].carrier


def test_a_signal_leaves_no_socket(place: Path) -> None:
    with ExitStack() as stack:
        process = started(stack, place, *COMMAND, "run", "-c", "1.conf", "kernel1")
        assert process.stderr is not None
        assert "sendto" in process.stderr.readline()
        assert (place / ".sockets" / "net-0001").is_socket()
        process.terminate()
        process.communicate(timeout=20)
        assert process.returncode == -15
    assert not (place / ".sockets" / "net-0001").exists()
