import errno
import os
from pathlib import Path
from typing import Any

import pytest

from kseg.devices.disk import Disk
from kseg.errors import DiskImageError, DoomReached, GuestFatal
from kseg.machine import disk_image
from kseg.machine.disk_image import DiskImage
from tests.devices.testbed import Bench

SECTORS, STATUS, SECTOR, RPM = 0, 4, 8, 12
SIZE = 8192


def make(*words: str, **options: Any) -> Bench:
    return Bench(Disk, *(words or ("memory", "sectors=8192")), **options)


def transfer(bench: Bench, command: int, sector: int) -> int:
    """Run an operation to its end; the time it took."""
    bench.write(SECTOR, sector)
    bench.write(STATUS, command)
    assert not bench.interrupt
    return bench.until(lambda: bench.interrupt)


def test_what_is_written_can_be_read() -> None:
    bench = make()
    assert (bench.read(SECTORS), bench.read(RPM)) == (8192, 3600)
    bench.memory.write(bench.buffer, bytes(range(256)) * 2)
    transfer(bench, 3, 100)
    assert bench.read(STATUS) == 6
    bench.write(STATUS, 0)
    assert not bench.interrupt
    bench.memory.write(bench.buffer, bytes(512))
    transfer(bench, 1, 100)
    assert bench.read(STATUS) == 4
    assert bench.memory.read(bench.buffer, 512) == bytes(range(256)) * 2
    assert (bench.activity.disk_reads, bench.activity.disk_writes) == (1, 1)


def test_the_first_seek_crosses_the_platter_and_the_next_does_not() -> None:
    bench = make()
    first = transfer(bench, 1, 0)
    assert 63_581_713 < first < 63_581_713 + 2 * 16_666_666
    assert transfer(bench, 1, 1) < 16_666_666 + 500
    # Both have passed under the heads by now.
    assert transfer(bench, 1, 0) == 500


def test_sectors_that_do_not_exist_fail_at_once() -> None:
    bench = make()
    bench.write(SECTOR, 8192)
    bench.write(STATUS, 1)
    assert (bench.read(STATUS), bench.interrupt) == (12, True)
    bench.write(STATUS, 3)
    assert bench.read(STATUS) == 14


@pytest.mark.parametrize("value", [2, 4, 5, 7, 8, 0xFFFFFFFF])
def test_other_commands_are_fatal(value: int) -> None:
    with pytest.raises(GuestFatal, match=f"disk: Invalid write {value} to status register"):
        make().write(STATUS, value)


def test_an_abort_stops_the_operation_but_not_the_heads() -> None:
    bench = make()
    bench.write(SECTOR, 0)
    bench.write(STATUS, 1)
    bench.write(STATUS, 0)
    bench.advance(1_000_000_000)
    assert (bench.read(STATUS), bench.interrupt, bench.activity.disk_reads) == (0, False, 0)
    assert transfer(bench, 1, 0) < 16_666_666 + 500


def test_the_doom_counter_ticks_before_the_write() -> None:
    bench = make()
    bench.write(SECTOR, 0)
    bench.write(STATUS, 3)
    bench.write(STATUS, 0)
    bench.write(STATUS, 1)
    assert bench.control.asked == ["tick"]
    bench.control.doom = 1
    with pytest.raises(DoomReached):
        bench.write(STATUS, 3)
    exempt = make("memory", "sectors=8192", "nodoom")
    exempt.write(STATUS, 3)
    assert exempt.control.asked == []


def test_a_failing_host_is_a_media_error(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make()

    def fail(*_arguments: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(bench.device._disk, "read", fail)
    monkeypatch.setattr(bench.device._disk, "write", fail)
    transfer(bench, 1, 0)
    assert bench.read(STATUS) == 20
    bench.write(STATUS, 0)
    transfer(bench, 3, 0)
    assert bench.read(STATUS) == 22
    assert "Input/output error" in bench.messages[0]


def test_files(tmp_path: Path) -> None:
    disk_image.create(tmp_path / "d", SIZE * 512)
    bench = make("file=d", "sectors=9000", directory=tmp_path)
    assert "using the image's 8192" in bench.messages[0]
    bench.memory.write(bench.buffer, b"!" * 512)
    transfer(bench, 3, 7)
    bench.device.close()
    with DiskImage(tmp_path / "d") as image:
        assert image.read(7) == b"!" * 512
    private = make("file=d", "overlay", directory=tmp_path)
    private.memory.write(private.buffer, b"?" * 512)
    transfer(private, 3, 7)
    saved = private.device.save()
    private.device.close()
    with DiskImage(tmp_path / "d") as image:
        assert image.read(7) == b"!" * 512
    other = make("file=d", "overlay", directory=tmp_path)
    other.device.load(saved)
    transfer(other, 1, 7)
    assert other.memory.read(other.buffer, 4) == b"????"
    other.device.close()


def test_a_missing_image_is_created_when_its_size_is_given(tmp_path: Path) -> None:
    with pytest.raises(DiskImageError, match="No such file"):
        make("file=new", directory=tmp_path)
    make("file=new", "size=4M", directory=tmp_path).device.close()
    assert (tmp_path / "new").stat().st_size == (4 << 20) + 512


def test_images_that_cannot_be_laid_out_are_released(tmp_path: Path) -> None:
    for sectors in (128, 7900):
        disk_image.create(tmp_path / "d", sectors * 512, force=True)
        with pytest.raises(DiskImageError, match="make it 4M or more"):
            make("file=d", directory=tmp_path)
    (tmp_path / "d").write_bytes(disk_image.HEADER)
    with pytest.raises(DiskImageError, match="no drive takes a disk of 0 sectors"):
        make("file=d", directory=tmp_path)
    disk_image.create(tmp_path / "d", 4 << 20, force=True)


def test_what_it_does_can_be_traced() -> None:
    bench = make(slot=2)
    told: list[tuple[str, int, str]] = []
    bench.control.device_trace = lambda *event: told.append(event)
    transfer(bench, 1, 100)
    bench.write(STATUS, 0)
    bench.write(SECTOR, 1 << 20)
    bench.write(STATUS, 3)
    assert {(kind, slot) for kind, slot, _ in told} == {("disk", 2)}
    texts = [text for _, _, text in told]
    assert texts[0] == "read starts"
    assert texts[1].startswith("seeking to track ")
    assert texts[2].startswith("rotdelay ")
    assert texts[3:] == ["read sector 100", "idle", "write starts", "Invalid sector"]
