"""The made-up board of docs/own-boards.md: a folder and a line, and everything works."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kseg import Host, Machine, Preemption, Replay, StopReason, boards
from kseg.engine import ENGINES
from kseg.errors import ConfigurationError, StateError
from kseg.gdb.documents import memory_map
from kseg.history.files import open_snapshot
from kseg.isa.assembler import assemble
from tests.documents import DOCUMENTS

PROGRAM = """
        .set    noreorder
vector: j       handler                 # where user programs' TLB misses would come
        nop
        .org    0x80
        j       handler
        nop
        .org    0x100
__start:
        li      s0, 0xb0000000          # the line
        li      s1, 0xb0010000          # the ticker
        li      t0, 5000
        sw      t0, 0(s1)
        li      t0, 0xc01               # both lines, handlers in RAM
        mtc0    t0, $12
        nop
idle:   wait
        b       idle
        nop
handler:
        mfc0    k0, $13
        nop
        andi    k1, k0, 0x400
        beqz    k1, tick
        nop
        lw      k1, 0(s0)               # a key: its echo
        nop
        sw      k1, 0(s0)
        addiu   k1, k1, -'q'
        bnez    k1, back
        nop
        sw      zero, 8(s1)
        b       back
        nop
tick:   sw      zero, 4(s1)
        addiu   s2, s2, 1
        li      k1, '.'
        sw      k1, 0(s0)
back:   mfc0    k0, $14
        nop
        jr      k0
        rfe
"""
TYPED = "abq"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The board in its folder, known by one line, and a kernel for it."""
    page = (DOCUMENTS / "own-boards.md").read_text(encoding="utf-8")
    listing = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "board.py").write_text(listing)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(boards.BOARDS, "toy", "toy.board:Toy")
    kernel = tmp_path / "kernel"
    kernel.write_bytes(assemble(PROGRAM, 0x80000000).to_elf())
    yield kernel
    for name in [name for name in sys.modules if name.split(".")[0] == "toy"]:
        del sys.modules[name]


def toy(kernel: Path, **options: Any) -> Machine:
    chosen = {"board": "toy", "ram": "64K", "epoch": 0, "engine": "interpreter", **options}
    return Machine(kernel, **chosen)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("monitor", ["bare", "hybrid"])
def test_every_engine_does_the_same(kernel: Path, engine: str, monitor: str) -> None:
    with toy(kernel, engine=engine, monitor=monitor) as machine:
        assert machine.run(seconds=0.012).reason == StopReason.CYCLE_LIMIT
        assert machine.cycles == 240_000  # of 50 ns
        machine.console.send(TYPED)
        assert machine.run().reason == StopReason.POWER_OFF
        assert machine.processors[0].registers["s2"] == machine.console.output.count(".")
        assert (machine.cycles, machine.console.output) == (360_017, "...abq")


def test_it_is_saved_and_goes_on(kernel: Path, tmp_path: Path) -> None:
    with toy(kernel) as machine, machine.fork() as clone:
        machine.run(seconds=0.03)
        machine.save(tmp_path / "saved")
        clone.run(seconds=0.03)
        assert open_snapshot(tmp_path / "saved").header.board.board == "toy"
        with Machine.from_snapshot(tmp_path / "saved", engine="reference") as again:
            for each in (machine, clone, again):
                each.console.send(TYPED)
                assert each.run().reason == StopReason.POWER_OFF
            assert machine.save() == clone.save() == again.save()
        with Machine("cms") as other, pytest.raises(StateError, match=r"toy, not system161"):
            other.load(machine.save())


def test_it_is_recorded_and_repeated(kernel: Path, tmp_path: Path) -> None:
    with toy(kernel) as machine:
        recording = machine.record(tmp_path / "log")
        machine.run(seconds=0.02)
        machine.console.send(TYPED)
        machine.run()
        recording.finish()
        printed, cycles = machine.console.output, machine.cycles
    with Replay(tmp_path / "log", engine="reference") as replay:
        assert replay.machine.run().reason == StopReason.POWER_OFF
        assert replay.verifier.checked
        assert (replay.machine.console.output, replay.machine.cycles) == (printed, cycles)
    with Replay(tmp_path / "log") as replay, replay.travel() as travel:
        travel.go_to(cycles)
        travel.go_to(200_000)
        assert travel.machine.cycles == 200_000


def test_it_is_seen_by_debuggers_and_profilers(kernel: Path) -> None:
    with toy(kernel) as machine:
        assert '<memory type="ram" start="0xb0000000" length="0x100"/>' in memory_map(machine)
        assert '<memory type="ram" start="0x80000000" length="0x10000"/>' in memory_map(machine)
        profile = machine.profile(hz=10_000, seconds=0.01)
        assert sum(profile.waiting.values()) + sum(profile.addresses.values()) == 100
        with machine.trace("line") as trace:
            machine.run(seconds=0.01)
            assert any("slot 1: interrupt request on" in event.text for event in trace.take())
        assert machine.memory.word(0x10010000) == 5000


def test_its_timer_can_be_ahead_of_its_time(kernel: Path) -> None:
    with toy(kernel) as machine:
        machine.preemptions = [Preemption(6)]
        machine.run(cycles=1000)
        assert machine.console.output == "."
        assert [each.processor for each in machine.board.struck] == [0]


def test_guests_of_a_host(kernel: Path) -> None:
    with Host(board="toy", engine="interpreter") as host:
        assert host.cycles_per_second == 20_000_000
        guest = host.add("one", kernel, ram="64K", monitor="hybrid", input=TYPED)
        assert host.run().reason == StopReason.POWER_OFF
        assert "q" in guest.console.output
        with pytest.raises(ConfigurationError, match="machine system161: its processor is not"):
            host.add("two", "cms", board="system161")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cpus": 2}, "machine toy: toy: cpus=2: expected a number from 1 to 1"),
        ({"ram": "1000"}, "machine toy: toy: ram=1000: expected"),
        ({"disks": "x"}, "disks: the board toy has no place for that"),
        ({"config": "x"}, "config x: the board toy has none in files"),
        ({"board": "other"}, "machine other: no such board; there are system161, decstation, toy"),
    ],
)
def test_what_it_has_not_is_said(kernel: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        toy(kernel, **options)
