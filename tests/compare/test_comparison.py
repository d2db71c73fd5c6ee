"""Guests in several ways: what is the same, what does not apply, what is cut short."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from kseg import Machine
from kseg.api.guests import find_guest
from kseg.compare import comparison as module
from kseg.compare.comparison import Comparison, compare
from kseg.compare.exits import record_work
from kseg.compare.run import Run
from kseg.compare.stopwatch import TickRate, ticks
from kseg.compare.ways import WAYS
from kseg.compare.workload import Workload
from kseg.errors import KsegError
from kseg.monitor.hypervisor.world import ExitKind, GuestRecord

FAST = ("interpreter", "translator", "trap-and-emulate", "rewriting", "hybrid")


def measured(
    workload: Workload, ways: Sequence[str] = ("interpreter", "hybrid"), limit: float = 60
) -> Comparison:
    return compare(
        workload,
        [WAYS[name] for name in ways],
        rounds=2,
        limit=limit,
        finished=lambda _machine: lambda: False,
        say=lambda _text: None,
    )


@pytest.mark.parametrize("kernel", ["cms", "cms-kuseg"])
def test_all_ways_do_the_same(kernel: str) -> None:
    done = measured(Workload(kernel, "syscalls 20; echo x > f; cat f; spawn 1; halt"), FAST)
    assert done.differences == []
    assert all(each.finished and not each.reason for each in done.results)
    assert all(len(each.seconds) == 2 for each in done.results)
    runs = {each.name: each.run for each in done.results}
    assert [each.kernel for each in done.results[:3]] == ["cms", "cms", kernel]
    for name, run in runs.items():
        assert run is not None
        assert run.output == runs["interpreter"].output  # type: ignore[union-attr]
        assert run.work.direct_cycles + run.work.emulated_cycles == run.executed_cycles
        assert bool(run.work.exits) == (not WAYS[name].is_bare)
        assert run.devices is not None
        assert run.devices.count > 0
        assert run.devices.nanoseconds is not None
    base = done.baseline
    assert base is not None
    assert base.way.is_bare
    assert done.slowdown(base) == 1


def test_input_and_disks_are_the_same_for_all(tmp_path: Path) -> None:
    shared, disk = tmp_path / "shared", tmp_path / "disk.img"
    shared.mkdir()
    (shared / "f").write_text("shared\n")
    with Machine("cms", "halt") as machine:
        size = machine.memory.size
    config = tmp_path / "conf"
    config.write_text(
        "0 serial\n1 emufs\n2 disk file=disk.img sectors=10240 rpm=7200\n28 random autoseed\n"
        f"29 timer\n31 mainboard ramsize={size} cpus=1\n".replace("disk.img", str(disk))
    )
    workload = Workload(
        "cms", config=str(config), share=str(shared),
        input=b"format a:\ryes\recho x > host:g\rcat host:f\rcat host:g\rhalt\r",
    )  # fmt: skip
    done = measured(workload)
    assert done.differences == []
    assert done.results[0].run is not None
    assert b"shared" in done.results[0].run.output
    assert [path.name for path in shared.iterdir()] == ["f"]
    assert not disk.exists()


def test_a_kernel_for_monitors_only(tmp_path: Path) -> None:
    shutil.copy(find_guest("cms-kuseg").path, tmp_path / "kernel")
    workload = Workload(str(tmp_path / "kernel"), "halt")
    done = measured(workload, ("interpreter", "trap-and-emulate", "hybrid"))
    assert done.results[0].reason == "the kernel is linked at 0x40000000, which needs a monitor"
    assert done.slowdown(done.results[0]) is None
    assert done.baseline in done.results[1:]
    with pytest.raises(KsegError, match="needs a monitor"):
        measured(workload, ("interpreter",))


def test_a_machine_that_a_monitor_does_not_have() -> None:
    done = measured(Workload("cms", "halt", cpus=2))
    assert done.results[0].finished
    assert "one processor, not 2" in done.results[1].reason


def test_what_takes_too_long_is_cut_short() -> None:
    done = measured(Workload("cms", "limit 0; hog"), limit=0.05)
    for result in done.results:
        assert result.run is not None
        assert not result.finished
        assert result.run.seconds > 0
        assert result.seconds == []
        assert done.slowdown(result) is None
    assert done.baseline is None
    assert done.differences == []


def test_one_cut_short_is_at_least_so_much_slower() -> None:
    done = measured(Workload("cms", "halt"), ("reference", "interpreter"), limit=0.2)
    slow, fast = done.results
    assert slow.run is not None
    assert fast.finished
    assert not slow.finished
    assert done.slowdown(slow) == slow.run.seconds / done.median(fast)
    share = done.share_done(slow)
    assert share is not None
    assert 0 < share < 1
    assert done.differences == []


def test_a_difference_is_noted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def differs(run: Run, standard: Run) -> str | None:
        return "all of it" if bool(run.work.exits) != bool(standard.work.exits) else None

    monkeypatch.setattr(module, "difference", differs)
    done = measured(Workload("cms", "halt"))
    assert [str(each) for each in done.differences] == [
        "hybrid differs from interpreter: all of it"
    ]


def test_nothing_to_run() -> None:
    with pytest.raises(KsegError, match="no such file"):
        Workload("no/such/kernel")
    with pytest.raises(KsegError, match="no such directory"):
        Workload("cms", share="no/such/directory")


def test_ticks_become_nanoseconds_where_they_are_known() -> None:
    record = GuestRecord(direct_cycles=5, emulated_cycles=3, rewritten=1)
    record.exits[ExitKind.PRIVILEGED], record.ticks[ExitKind.PRIVILEGED] = 4, 1000
    record.exits[ExitKind.ANSWER] = 2
    work = record_work(record, 0.5)
    assert (work.direct_cycles, work.emulated_cycles, work.rewritten) == (5, 3, 1)
    assert work.exit_count == 6
    assert list(work.exits) == ["privileged", "answer"]
    assert work.exits["privileged"].nanoseconds == 125
    assert work.exits["answer"].nanoseconds is None
    assert record_work(record).exits["privileged"].nanoseconds is None


def test_the_cycle_counter() -> None:
    rate = TickRate()
    first = ticks()
    length = rate.nanoseconds_per_tick()
    assert (first is None) == (length is None)
    assert length is None or length > 0
