"""When the recorder is due, what it writes then, and what of it is in the file."""

from pathlib import Path

from kseg import Machine
from kseg.api.recording import Recording
from kseg.history.log import ENTRIES, KEYFRAME, Digest
from kseg.history.log_reader import read_log
from kseg.history.recorder import Intervals
from tests.history.logs import frames, recorded
from tests.history.machines import busy


def test_stretches_grow_until_they_take_long_enough(tmp_path: Path) -> None:
    never = Intervals(shortest=1000, longest=64_000, soon=1 << 62, late=1 << 62)
    with recorded(tmp_path / "log", never) as machine:
        machine.run(cycles=200_000)
    cycles = [each.cycle for each in read_log(tmp_path / "log").checks]
    assert cycles[:7] == [1000, 3000, 7000, 15_000, 31_000, 63_000, 127_000]
    assert cycles[7] == 191_000


def test_stretches_shrink_when_they_take_too_long(tmp_path: Path) -> None:
    always = Intervals(shortest=1000, longest=64_000, soon=0, late=0)
    with recorded(tmp_path / "log", always) as machine:
        machine.run(cycles=5000)
    cycles = [each.cycle for each in read_log(tmp_path / "log").checks]
    assert cycles[:4] == [1000, 2000, 3000, 4000]


def test_digests_of_all_and_keyframes_come_more_rarely(tmp_path: Path) -> None:
    rarely = Intervals(shortest=10_000, longest=10_000)
    with recorded(tmp_path / "log", rarely) as machine:
        machine.run(cycles=100_000)
    found = read_log(tmp_path / "log")
    digests = [each for each in found.checks if isinstance(each, Digest)]
    assert [each.whole is not None for each in digests[:-1]] == [False] * (len(digests) - 1)
    # The last one is for a replay to the end.
    assert digests[-1].whole is not None
    assert len(found.keyframes) == 1


def test_keyframes_hold_what_has_changed(tmp_path: Path) -> None:
    each = Intervals(shortest=10_000, longest=10_000, keyframe=0)
    with recorded(tmp_path / "log", each) as machine:
        machine.memory.write(0x40000, bytes(range(256)) * 256)
        machine.run(cycles=300_000)
    found = read_log(tmp_path / "log")
    bases = [keyframe.snapshot.header.base is None for keyframe in found.keyframes]
    assert bases[:10] == [True, *[False] * 7, True, False]
    stored = [keyframe.snapshot.header.stored for keyframe in found.keyframes]
    assert max(stored[3:8]) < stored[0] + 16


def test_nothing_of_the_host_is_in_a_keyframe(tmp_path: Path) -> None:
    """Nor what is still to be typed: the log says it when it is."""
    with Machine("cms", input="x" * 100_000) as machine:
        machine.record(tmp_path / "log")
        machine.board.input_port.type(b"y" * 100)
    header = read_log(tmp_path / "log").first.snapshot.header
    assert (header.origin.inputs, header.origin.disk_files) == ({}, [])
    assert header.origin.paced_input.pending == b""


def test_what_came_in_is_written_before_the_machine_sleeps(tmp_path: Path) -> None:
    with busy(0) as machine:
        recording = Recording(machine, tmp_path / "log", Intervals(shortest=1 << 40))
        machine.run(cycles=700_000)
        assert not read_log(tmp_path / "log").history.inputs
        machine.observers.before_sleep()
        assert read_log(tmp_path / "log").history.inputs
        recording.finish()


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with busy(0) as machine:
        input_port, before = machine.board.input_port, list(machine.observers)
        recording = machine.record(tmp_path / "log")
        assert len(input_port.recorders) == 1
        recording.finish()
        assert (input_port.recorders, list(machine.observers)) == ([], before)
        machine.memory.set_word(0, 1)
        recording.mark("nobody reads this")
        recording.changed()
        machine.run(cycles=1000)
    assert not read_log(tmp_path / "log").markers


def test_texts_of_any_kind(tmp_path: Path) -> None:
    with recorded(tmp_path / "log") as machine:
        assert machine.recording is not None
        machine.recording.mark("a\udcffb" + "x" * 10_000)
    (marker,) = read_log(tmp_path / "log").markers
    assert marker.text.startswith("a\\udcffbxxx")


def test_many_small_entries_do_not_exceed_a_frame(tmp_path: Path) -> None:
    with recorded(tmp_path / "log", Intervals(shortest=1 << 40)) as machine:
        assert machine.recording is not None
        for _ in range(30_000):
            machine.recording.mark("")
    found = frames(tmp_path / "log")
    assert [kind for kind, _ in found[:2]] == [KEYFRAME, ENTRIES]
    assert len(found) > 4
    entries = [entry for kind, body in found if kind == ENTRIES for entry in body]
    assert [each["type"] for each in entries].count("marker") == 30_000
