"""What a timeline says of a run is what happened in it."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg import Machine
from kseg.api.replay import Replay
from kseg.api.timeline import LANES, MOST_STRETCHES, Timeline, timeline
from tests.cli.command import kseg
from tests.cli.kernels import TIMER, kernel


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("timeline") / "log"
    with Machine("cms", input="fault; ls\rswitches 20; halt\r", epoch=0) as machine:
        recording = machine.record(path)
        machine.run(cycles=2_000_000)
        recording.mark("half way")
        machine.run()
    return path


@given(
    st.lists(st.tuples(st.integers(0, 10**12), st.integers(1, 9)), max_size=50),
    st.integers(1, 300),
)
def test_nothing_is_lost_when_stretches_grow(events: list[tuple[int, int]], columns: int) -> None:
    found = Timeline()
    for time, amount in events:
        found.count("disk", time, amount)
    found.time = max((time for time, _ in events), default=0)
    counts = found.lanes["disk"]
    assert sum(counts) == sum(amount for _, amount in events)
    assert len(counts) <= MOST_STRETCHES
    expected: Counter[int] = Counter()
    for time, amount in events:
        expected[time // found.stretch] += amount
    assert {n: amount for n, amount in enumerate(counts) if amount} == expected
    assert sum(found.columns("disk", columns)) == sum(counts)


def test_a_run(log: Path) -> None:
    with Machine("cms", input="fault; ls\rswitches 20; halt\r", epoch=0) as machine:
        kinds: Counter[str] = Counter()
        with machine.trace("exception", "interrupt", "address-space") as trace:
            machine.run()
            for event in trace.take():
                kinds[event.kind] += 1
        output, cycles = machine.console.output, machine.cycles
        idle = machine.board.clock.idle_cycles
    found = timeline(Replay(log))
    totals = {name: sum(counts) for name, counts in found.lanes.items()}
    assert sum(found.exceptions.values()) == kinds["exception"]
    assert (
        totals["system calls"] + totals["TLB exceptions"] + totals["other exceptions"]
        == kinds["exception"]
    )
    assert totals["interrupts"] == kinds["interrupt"]
    assert totals["context switches"] >= kinds["address-space"] > 20
    assert totals["console output"] == len(output)
    assert totals["console input"] == len("fault; ls\rswitches 20; halt\r")
    assert totals["executing"] == pytest.approx((cycles - idle) / 1000, abs=60)
    assert found.cycle == cycles
    said = [(each.kind, each.text) for each in found.moments]
    for expected in (
        ("keyframe", "keyframe 0"),
        ("marker", "half way"),
        ("input", "fault; ls"),
        ("output", "switches 20: done"),
    ):
        assert expected in said
    assert [each.cycle for each in found.moments] == sorted(each.cycle for each in found.moments)


def test_kernel_threads_are_told_by_their_stacks(tmp_path: Path) -> None:
    """Interrupts come alternately on two stacks: a kernel with two threads, and no user mode."""
    (tmp_path / "guest.elf").write_bytes(
        kernel(f"""
        li      t0, {TIMER:#x}
        li      t1, 1
        sw      t1, 0x08(t0)
        li      t1, 1000
        sw      t1, 0x10(t0)
        li      t2, 0x80040000
        li      t3, 0x80042000
        move    sp, t2
        li      t1, 0x80000080
        la      t4, handler
        lw      t5, 0(t4)
        sw      t5, 0(t1)
        lw      t5, 4(t4)
        sw      t5, 4(t1)
        lw      t5, 8(t4)
        sw      t5, 8(t1)
        li      t1, 0x401
        mtc0    t1, c0_status
loop:   b       loop
        nop
handler: la     k0, there
        jr      k0
        nop
there:  lw      k0, 0x0c(t0)
        xor     sp, sp, t2
        xor     sp, sp, t3
        mfc0    k0, c0_epc
        jr      k0
        rfe
        """)
    )
    with Machine(tmp_path / "guest.elf", epoch=0) as machine:
        machine.record(tmp_path / "log")
        machine.run(cycles=500_000)
    found = timeline(Replay(tmp_path / "log"))
    interrupts = sum(found.lanes["interrupts"])
    assert interrupts > 10
    assert interrupts - 2 <= sum(found.lanes["context switches"]) <= 2 * interrupts


def test_the_command(log: Path) -> None:
    shown = kseg("timeline", "--width", "40", "--list", log)
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.split("\n")
    assert all(line.startswith(lane) for line, lane in zip(lines[1:10], LANES, strict=True))
    assert "half way" in shown.stdout
    data = json.loads(kseg("timeline", "--json", log).stdout)
    assert data["lanes"].keys() == set(LANES)
    assert data["exceptions"]["system call"] == sum(data["lanes"]["system calls"])


def test_wrong_logs(log: Path, tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(log.read_bytes()[:-100])
    cut = kseg("timeline", tmp_path / "cut")
    assert (cut.returncode, "cut short" in cut.stderr) == (0, True)
    (tmp_path / "none").write_bytes(b"no log")
    none = kseg("timeline", tmp_path / "none")
    assert (none.returncode, none.stderr) == (
        2,
        f"kseg: log {tmp_path / 'none'}: not a log of kseg\n",
    )
