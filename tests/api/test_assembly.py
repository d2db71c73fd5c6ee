"""Machines are put together in one place: all of them work, or nothing is left open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kseg.api.assembly
from kseg import Host, KsegError, Machine, Replay
from kseg.machine.disk_image import DiskImage, create

SIZE = 4 << 20
PARTS = ("RunLoop", "Console", "PacedInput", "board_named", "alone")
"""What `kseg.api.assembly` makes, from the last to the first."""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    create(path, SIZE)
    return path


def is_free(image: Path) -> bool:
    """Whether the image's lock is free."""
    try:
        DiskImage(image).close()
    except KsegError:
        return False
    return True


class Failure(Exception):
    """What goes wrong in these tests."""


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets the making of a part fail."""

    def fail(*_arguments: object, **_keywords: object) -> Any:
        raise Failure

    return lambda part: monkeypatch.setattr(kseg.api.assembly, part, fail)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("monitor", ["bare", "hybrid"])
def test_a_machine_that_cannot_be_made_leaves_nothing_open(
    image: Path, failing: Callable[[str], None], part: str, monitor: str
) -> None:
    failing(part)
    with pytest.raises(Failure):
        Machine("cms", disks=image, engine="reference", monitor=monitor)
    assert is_free(image)


def test_neither_does_a_kernel_that_does_not_fit(image: Path) -> None:
    with pytest.raises(KsegError):
        Machine("cms", disks=image, engine="reference", ram="8K")
    assert is_free(image)


@pytest.mark.parametrize("part", PARTS[:-1])
def test_a_guest_that_cannot_be_made_leaves_nothing_on_its_host(
    image: Path, failing: Callable[[str], None], part: str
) -> None:
    with Host(ram="4M", engine="reference") as host:
        failing(part)
        with pytest.raises(Failure):
            host.add("a", "cms", ram="3M", disks=image)
        assert is_free(image)
        assert host.hypervisor.allocator.committed == 0
        assert (host.guests, host.hypervisor.guests) == ({}, [])


def test_what_has_failed_once_can_be_tried_again(image: Path) -> None:
    with Host(ram="4M", engine="reference") as host:
        with pytest.raises(KsegError, match="one processor"):
            host.add("a", "cms", ram="3M", disks=image, cpus=2)
        guest = host.add("a", "cms", ram="3M", disks=image)
        assert guest.console.expect("cms> ").index == 0


def test_a_clone_that_cannot_be_made_leaves_its_parent_alone() -> None:
    with Machine("cms", "echo a; halt", engine="reference") as machine:
        machine.run(cycles=10_000)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kseg.api.assembly, "RunLoop", None)
            with pytest.raises(TypeError):
                machine.fork()
        with machine.fork() as clone:
            assert (clone.run().reason, clone.cycles) == (machine.run().reason, machine.cycles)


def test_all_have_the_same_parts(tmp_path: Path) -> None:
    """However a machine was made: it runs, and looks alike."""
    with Machine("cms", "echo hello; halt", engine="interpreter", epoch=0) as machine:
        machine.run(cycles=20_000)
        machine.save(tmp_path / "saved")
        with machine.record(tmp_path / "log"), machine.fork() as clone:
            machine.run()
            clone.run()
        with (
            Machine.from_snapshot(tmp_path / "saved", engine="interpreter") as restored,
            Replay(tmp_path / "log", engine="interpreter") as replay,
            Host(engine="interpreter") as host,
        ):
            guest = host.restore("a", tmp_path / "saved")
            for each in (restored, replay.machine, host):
                each.run()
            for other in (clone, restored, replay.machine, guest):
                assert other.cycles == machine.cycles
                assert other.console.output.endswith("hello\n")
                assert other.setup.kernel == machine.setup.kernel


class TestOptions:
    def test_an_unknown_one_is_named_with_its_nearest(self) -> None:
        with pytest.raises(TypeError, match=r"no option 'cpu'; did you mean cpus\?"):
            Machine("cms", cpu=2)  # type: ignore[call-arg]
        with pytest.raises(ValueError, match="no option 'qqq'; there are board, compiler_share,"):
            Machine("cms", qqq=2)  # type: ignore[call-arg]

    def test_each_way_to_make_a_machine_has_its_own(self, tmp_path: Path) -> None:
        with pytest.raises(KsegError, match="no option 'quantum'"):
            Machine.from_snapshot(tmp_path, quantum=1)  # type: ignore[call-arg]
        with pytest.raises(KsegError, match="no option 'disks'"):
            Replay(tmp_path, disks=[])  # type: ignore[call-arg]
        with Host() as host, pytest.raises(KsegError, match="guest a: no option 'engine'"):
            host.add("a", "cms", engine="auto")  # type: ignore[call-arg]

    def test_none_is_the_usual(self) -> None:
        with Machine("cms", "halt", monitor=None, epoch=None, cpus=None, config=None) as machine:
            assert machine.setup.execution.monitor == "bare"
