"""Snapshots and logs that say what no machine can be: refused with a line, or as good as any."""

import tracemalloc
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg import Machine, Replay
from kseg.errors import KsegError, StateError
from kseg.history import log
from kseg.history.files import SnapshotFile
from kseg.history.log_reader import LEAST_DATA, RATIO
from tests.history import greedy
from tests.history.logs import DIGESTS, frames, recorded, together
from tests.history.machines import busy, packed_again, saved
from tests.history.mutations import mutations, replaced

OPTIONS: dict[str, Any] = {"seed": 5, "epoch": 0, "ram": "1M", "engine": "interpreter"}


def plain(file: SnapshotFile) -> Any:
    """A header as dictionaries and lists."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(file.header), strict=False)


@cache
def snapshot() -> tuple[TemporaryDirectory[str], SnapshotFile, Any, list[Any]]:
    directory = TemporaryDirectory()
    share = Path(directory.name) / "share"
    share.mkdir()
    with busy(300_000, share=share) as machine:
        file = saved(machine, Path(directory.name) / "good")
    header = plain(file)
    return directory, file, header, mutations(header)


class Bench:
    """A machine that becomes what a file says, if it can be."""

    def __init__(self) -> None:
        self.place = Path(snapshot()[0].name)
        self.machine = Machine("cms", share=self.place / "share", **OPTIONS)

    def load(self, data: bytes) -> bool:
        (self.place / "bad").write_bytes(data)
        try:
            self.machine.load(self.place / "bad")
        except StateError:
            return False
        return True

    def try_out(self, record: bool) -> None:
        """What could be loaded runs, is saved, recorded and loaded again."""
        machine = self.machine
        machine.run(cycles=20_000)
        machine.save(self.place / "again")
        machine.load(self.place / "again")
        machine.statistics.lines()
        if record:
            path = self.place / "log"
            path.unlink(missing_ok=True)
            with machine.record(path):
                machine.run(cycles=20_000)
            with Replay(path, engine="interpreter") as replay:
                replay.machine.run()


@pytest.fixture(scope="module")
def testbed() -> Iterator[Bench]:
    found = Bench()
    yield found
    found.machine.close()


@settings(max_examples=50)
@given(data=st.data())
def test_a_snapshot_with_one_wrong_value(testbed: Bench, data: st.DataObject) -> None:
    _, file, header, wrong = snapshot()
    place, new = wrong[data.draw(st.integers(0, len(wrong) - 1))]
    if testbed.load(packed_again(file, replaced(header, place, new))):
        testbed.try_out(record=data.draw(st.integers(0, 7)) == 0)


REFUSED: list[tuple[tuple[Any, ...], Any]] = [
    (("board", "clock", "elapsed"), 1 << 62),
    (("board", "clock", "burst"), 1 << 40),
    (("board", "clock", "cycles_to_poll"), 50_001),
    (("board", "clock", "idle_remainder"), 40),
    (("board", "clock", "idle_cycles"), 1 << 50),
    (("board", "clock", "base"), (1 << 60) + 1),
    (("board", "clock", "events", 0, "name"), "other"),
    (("board", "clock", "events", 0, "argument"), -1),
    (("board", "processors", 0, "kernel_cycles"), (1 << 64) - 1),
    (("board", "processors", 0, "sync_count"), (1 << 64) - 1),
    (("board", "processors", 0, "exceptions", 0), (1 << 64) - 1),
    (("board", "processors", 0, "user_stalls"), 1 << 40),
    (("board", "processors", 0, "interrupt_lines"), 1),
    (("board", "processors", 0, "timer_line"), 0x400),
    (("board", "processors", 0, "status"), 0x30000),
    (("board", "activity", "disk_reads"), (1 << 64) - 1),
    (("board", "doom"), -1),
    (("board", "preemptions"), [{"at": 5, "processor": 1}]),
    (("board", "devices", 0, "held"), (1 << 64) - 1),
    (("board", "devices", 0, "waiting"), bytes(512)),
    (("board", "devices", 1, "handles"), [{"number": n, "path": [b"f"]} for n in range(65)]),
    (("board", "devices", 1, "handles"), [{"number": 1, "path": [b"f\0g"]}]),
    (("board", "devices", 1, "handles"), [{"number": 1, "path": [b".."]}]),
    (("board", "devices", 1, "handles"), [{"number": 1, "path": [b"a/b"]}]),
    (("board", "devices", 1, "handles"), [{"number": 1, "path": []}] * 2),
    (("board", "devices", 31, "processors", 0, "slots"), 1 << 32),
    (("board", "disks", 2, "sectors"), 1 << 40),
    (("origin", "kernel"), "a\0b"),
    (("origin", "directory"), "a\0b"),
    (("origin", "created"), 1 << 63),
    (("origin", "quantum"), 0),
]


@pytest.mark.parametrize(("place", "new"), REFUSED, ids=lambda each: str(each)[:60])
def test_values_that_no_machine_has(testbed: Bench, place: Any, new: Any) -> None:
    _, file, header, _ = snapshot()
    assert not testbed.load(packed_again(file, replaced(header, place, new)))


def test_one_page_in_all_places(testbed: Bench) -> None:
    """Digests are different; lists say no more than fits into memory."""
    _, file, header, _ = snapshot()
    twice = replaced(header, ("digests",), header["digests"][:32] * 2 + header["digests"][64:])
    assert not testbed.load(packed_again(file, twice))
    numbers = list(range(1 << 18))
    for region in ("regions", "disks"):
        name = next(iter(header["board"][region]))
        where = ("board", region, name)
        more = replaced(header, (*where, "pages"), numbers)
        more = replaced(more, (*where, "places"), [0] * len(numbers))
        if region == "disks":
            more = replaced(more, (*where, "masks"), b"\xff" * len(numbers))
        assert not testbed.load(packed_again(file, more))


@pytest.mark.parametrize("kind", greedy.KINDS)
def test_memory_is_not_taken_before_it_is_counted(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    greedy.make(kind, path)
    size = path.stat().st_size
    tracemalloc.start()
    try:
        said = greedy.read(kind, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    most = RATIO * size + LEAST_DATA + 4 * log.MOST_ENTRIES
    if kind in greedy.SNAPSHOTS:
        most = 30 * size + (8 << 20)
    assert peak < most, said


@cache
def recording() -> tuple[TemporaryDirectory[str], list[Any], list[Any]]:
    directory = TemporaryDirectory()
    share = Path(directory.name) / "share"
    share.mkdir()
    path = Path(directory.name) / "log"
    with recorded(path, DIGESTS, share=share) as machine:
        machine.run(cycles=200_000)
    found = frames(path)
    plain = [body for kind, body in found if kind == log.ENTRIES]
    return directory, found, mutations(plain)


@settings(max_examples=40)
@given(data=st.data())
def test_a_log_with_one_wrong_value(data: st.DataObject) -> None:
    directory, found, wrong = recording()
    place, new = wrong[data.draw(st.integers(0, len(wrong) - 1))]
    plain = replaced([body for kind, body in found if kind == log.ENTRIES], place, new)
    if not isinstance(plain, list):
        return
    rest = iter(plain)
    path = Path(directory.name) / "bad"
    path.write_bytes(
        together([(k, next(rest, []) if k == log.ENTRIES else body) for k, body in found])
    )
    try:
        with Replay(path, engine="interpreter") as replay:
            replay.machine.run(cycles=200_000)
            again = Path(directory.name) / "again"
            again.unlink(missing_ok=True)
            replay.machine.fork().close()
    except KsegError:
        return
