"""Logs that are damaged, foreign or hostile: one line that says so, and nothing worse."""

import os
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg.api.replay import Replay
from kseg.errors import KsegError, LogError
from kseg.history import log, log_reader
from kseg.history.files import SnapshotFile, open_snapshot
from kseg.history.log_reader import read_log
from tests.history.logs import Frame, entries, frame, frames, recorded, together
from tests.history.machines import packed_again
from tests.history.test_format import strangely_changed

thorough = settings(
    max_examples=int(os.environ.get("KSEG_FUZZ_EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("logs") / "good.log"
    with recorded(found) as machine:
        machine.run(cycles=600_000)
        machine.recording.mark("half")  # type: ignore[union-attr]
        machine.memory.set_word(0x90000, 1)
        machine.run(cycles=600_000)
    return found


@pytest.fixture(scope="module")
def good(path: Path) -> list[Frame]:
    return frames(path)


def problem(path: Path, data: bytes) -> str | None:
    """What is said about a log with these bytes, read and replayed; None when nothing is."""
    path.write_bytes(data)
    try:
        with Replay(path) as replay:
            machine = replay.machine
            machine.run(cycles=2_000_000)
            return replay.log.problem or None
    except KsegError as error:
        text = str(error)
    assert "\n" not in text
    return text


def test_a_sound_log(path: Path, good: list[Frame], tmp_path: Path) -> None:
    found = read_log(path)
    assert found.problem == ""
    assert [each.text for each in found.markers] == ["half"]
    assert len(found.keyframes) == 2
    assert found.keyframe_before(0) is found.keyframes[0]
    assert found.keyframe_before(599_999) is found.keyframes[0]
    assert found.keyframe_before(600_000) is found.keyframes[1]
    assert found.end is not None
    assert found.end.cycle == found.last_cycle == 1_200_000
    assert problem(tmp_path / "again", together(good)) is None


def test_what_is_wrong_is_said(path: Path, tmp_path: Path) -> None:
    good = path.read_bytes()
    for data, text in [
        (b"", "not a log of kseg"),
        (b"KSEGSNAP" + good[8:], "not a log of kseg"),
        (good[:8] + b"\x07" + good[9:], "the log is version 7, this kseg reads 1"),
        (good[:16], "ends before it says how the machine began"),
        (good[:40], "the recording was cut short"),
        (good[:-1], "the recording was cut short"),
        (good + b"I", "goes on|cut short"),
        (good[:200] + b"\xff" + good[201:], "damaged at byte 16"),
        (good[:16] + b"Q" + good[17:], "damaged at byte 16"),
        (good[:-3] + b"\xff\xff\xff", "damaged at byte"),
    ]:
        found = problem(tmp_path / "bad", data)
        assert found is not None
        assert any(each in found for each in text.split("|")), found


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing", Path("/dev/zero"), "a\0b"):
        with pytest.raises(LogError):
            read_log(path)


@settings(thorough, max_examples=30)
@given(st.data())
def test_a_log_that_was_cut_replays_up_to_there(
    path: Path, tmp_path: Path, data: st.DataObject
) -> None:
    good = path.read_bytes()
    length = data.draw(st.integers(0, len(good) - 1))
    found = problem(tmp_path / "cut", good[:length])
    if length >= len(together(frames(path)[:1])):
        assert found == "the recording was cut short"
    else:
        assert found is not None


@thorough
@given(st.data())
def test_mutated_logs(path: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Each byte is guarded."""
    changed = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(changed) - 1))
    change = data.draw(st.integers(1, 255))
    changed[place] ^= change
    found = problem(tmp_path / "mutated", bytes(changed))
    assert found is not None or 12 <= place < 16


@thorough
@given(st.binary(max_size=300), st.sampled_from([b"I", b"K", b"X"]))
def test_frames_of_random_bytes(
    good: list[Frame], tmp_path: Path, data: bytes, kind: bytes
) -> None:
    assert problem(tmp_path / "random", together(good[:1]) + frame(kind, data))
    assert problem(tmp_path / "random", together([]) + frame(kind, data))


@thorough
@given(st.integers(0, 1 << 32))
def test_entries_that_lie(good: list[Frame], tmp_path: Path, seed: int) -> None:
    """Their checks are right. What is replayed all the same must run, if strangely."""
    rng = random.Random(seed)
    changed: list[Any] = list(good)
    place = rng.choice([n for n, (kind, _) in enumerate(changed) if kind == log.ENTRIES])
    changed[place] = (log.ENTRIES, strangely_changed(changed[place][1], rng))
    try:
        data = together(changed)
    except (TypeError, ValueError, OverflowError):
        return
    problem(tmp_path / "lying", data)


@thorough
@given(st.integers(0, 1 << 32))
def test_frames_in_another_order(good: list[Frame], tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    changed = list(good)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(changed))
        if rng.random() < 0.3:
            changed.insert(rng.randrange(len(changed)), changed[place])
        elif rng.random() < 0.5 and len(changed) > 1:
            del changed[place]
        else:
            rng.shuffle(changed)
    if changed != good:
        problem(tmp_path / "shuffled", together(changed))


def keyframe(good: list[Frame], tmp_path: Path) -> SnapshotFile:
    """The first keyframe, as a snapshot."""
    (tmp_path / "keyframe").write_bytes(good[0][1])
    return open_snapshot(tmp_path / "keyframe")


@thorough
@given(st.integers(0, 1 << 32))
def test_keyframes_that_lie(good: list[Frame], tmp_path: Path, seed: int) -> None:
    import msgspec

    rng = random.Random(seed)
    file = keyframe(good, tmp_path)
    raw = msgspec.msgpack.decode(msgspec.msgpack.encode(file.header))
    changed = strangely_changed(raw, rng)
    try:
        data = packed_again(file, changed)
    except (TypeError, ValueError, OverflowError):
        return
    problem(tmp_path / "lying", together([(log.KEYFRAME, data), *good[1:]]))


def test_a_keyframe_opens_no_file(good: list[Frame], tmp_path: Path) -> None:
    """Whatever its configuration names, also where the log says nothing of what is in it."""
    import msgspec

    file = keyframe(good, tmp_path)
    raw = msgspec.msgpack.decode(msgspec.msgpack.encode(file.header))
    text = raw["board"]["configuration"]
    secret = tmp_path / "secret"
    for named in (f"2 disk file={secret} size=5M rpm=3600", f"3 emufs dir={tmp_path}/missing"):
        raw["board"]["configuration"] = f"{text}\n{named}"
        data = packed_again(file, raw)
        assert problem(tmp_path / "lying", together([(log.KEYFRAME, data)]))
        assert not secret.exists()


def test_absurd_contents(good: list[Frame], tmp_path: Path) -> None:
    first = good[0]
    begin = together([first])

    def said(*found: Any) -> str:
        text = problem(tmp_path / "absurd", begin + entries(list(found)))
        assert text is not None
        return text

    typed = {"type": "input", "cycle": 5, "time": 5, "channel": "console", "data": b"x"}
    sector = {"type": "sector", "slot": 0, "number": 0, "data": bytes(512)}
    ended = {"type": "end", "cycle": 9, "time": 9, "reason": "", "exit_code": 0}
    assert "goes back in time after cycle 5" in said(typed, {**typed, "cycle": 4})
    for wrong in (
        {**typed, "cycle": -1},
        {**typed, "time": 1 << 63},
        {**typed, "data": "x"},
        {**typed, "type": "unknown"},
        {**sector, "data": b"short"},
        {**sector, "slot": 32},
        {**ended, "exit_code": 256},
        {**ended, "reason": "x" * 5000},
        {"type": "digest", "cycle": 1, "processors": 7},
        {"type": "marker", "cycle": 1, "time": 1},
        5,
    ):
        assert "entries cannot be read" in said(wrong)
    assert problem(tmp_path / "absurd", begin + entries([ended]) + entries([ended])) == (
        "the log goes on after its end"
    )
    # What is not asked for, and channels and slots that do not exist, do no harm.
    harmless = [
        {**typed, "channel": "nowhere"},
        {**typed, "data": b""},
        {**typed, "data": bytes(5000)},
        {"type": "answer", "channel": "emufs@9", "data": b"\xff"},
        {**sector, "slot": 31, "number": 1 << 60},
    ]
    assert problem(tmp_path / "absurd", begin + entries([*harmless, ended])) is None


def test_times_that_never_come_are_soon_over(good: list[Frame], tmp_path: Path) -> None:
    far = 1 << 60
    typed = {"type": "input", "cycle": 5, "time": far, "channel": "console", "data": b"x"}
    data = together([good[0]]) + entries([typed])
    assert problem(tmp_path / "far", data) is not None
    data = together([good[0]]) + entries([{**typed, "cycle": far}])
    assert problem(tmp_path / "far", data) is not None


def test_bombs(good: list[Frame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MOST_ENTRIES", 1 << 20)
    monkeypatch.setattr(log_reader, "MOST_DATA", 1 << 20)
    begin = together([good[0]])
    zeros = zstandard.ZstdCompressor(write_content_size=True).compress(bytes(1 << 28))
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 28))
    marker = {"type": "marker", "cycle": 1, "time": 1, "text": ""}
    many = entries([marker] * 5000)
    nested = frame(log.ENTRIES, zstandard.compress(b"\x91" * 500_000))
    huge = log.KEYFRAME + bytes(7) + (1 << 40).to_bytes(8, "little") + bytes(16)
    for data, text in [
        (frame(log.ENTRIES, zeros), "more entries in a frame than any"),
        (frame(log.ENTRIES, unsized), "more entries in a frame than any"),
        (nested, "entries cannot be read"),
        (many * 20, "larger than any that can be replayed"),
        (huge, "cut short"),
    ]:
        (tmp_path / "bomb").write_bytes(begin + data)
        tracemalloc.start()
        try:
            assert text in read_log(tmp_path / "bomb").problem
            assert tracemalloc.get_traced_memory()[1] < 24 << 20
        finally:
            tracemalloc.stop()


def test_a_frame_as_large_as_a_sparse_file(good: list[Frame], tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    for kind in (log.ENTRIES, log.KEYFRAME):
        size = 200 << 20
        path.write_bytes(together([good[0]]) + kind + bytes(7) + size.to_bytes(8, "little"))
        os.truncate(path, path.stat().st_size + 16 + size)
        tracemalloc.start()
        try:
            assert read_log(path).problem
            assert tracemalloc.get_traced_memory()[1] < 24 << 20
        finally:
            tracemalloc.stop()
