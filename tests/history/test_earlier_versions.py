"""What earlier versions of kseg have saved and recorded can still be read, and is checked as it
was."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from kseg import Machine, Replay, StopReason
from kseg.devices.timer import Timer, TimerState
from kseg.history.digest import processors_digest, whole_digest
from kseg.machine.disk_image import create
from kseg.machine.saving import state_version
from kseg.machine.state import Since, as_of
from tests.machine.boards import make_board

DATA = Path(__file__).parent / "data"
BEFORE = 3
"""The version of the states in these files."""


@pytest.mark.parametrize(
    ("name", "reason", "digests", "printed"),
    [
        ("cards.log", StopReason.POWER_OFF, 33, "abcq"),
        ("processors.log", StopReason.LOG_END, 9, "racelab 1.0"),
    ],
)
def test_a_log_is_repeated_and_held_against_its_digests(
    name: str, reason: StopReason, digests: int, printed: str
) -> None:
    with Replay(DATA / name, engine="interpreter") as replay:
        assert replay.machine.run().reason == reason
        assert replay.verifier.checked == digests
        assert replay.machine.console.output.startswith(printed)


def test_a_snapshot_is_gone_on_from() -> None:
    with Machine.from_snapshot(DATA / "cms.kseg", engine="interpreter") as machine:
        assert [each.at for each in machine.preemptions] == [300_000]
        assert machine.board.name == "system161"
        assert machine.run().reason == StopReason.POWER_OFF
        assert machine.console.output.endswith("hello\n")


def test_every_card_goes_on(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    create(image, 4 << 20)
    with image.open("r+b") as file:
        file.seek(6 * 512)  # sector 5, after the header
        file.write(b"five" * 128)
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "to").write_text("hi")
    given = {"disks": [image], "share": tmp_path / "share", "overlay": True}
    with Machine.from_snapshot(DATA / "cards.kseg", engine="interpreter", **given) as machine:
        machine.console.send("q")
        assert machine.run().reason == StopReason.POWER_OFF
        done = machine.statistics.devices
        assert (done.disk_reads, done.disk_writes, done.packets_sent) == (1, 1, 1)


def test_digests_have_what_there_was_then() -> None:
    with make_board("0 serial", "29 timer") as board:
        then, now = whole_digest(board, BEFORE), whole_digest(board)
        assert (then, processors_digest(board, BEFORE)) != (now, processors_digest(board))
        board.state.debugger_requested = True
        board.processors[0].user_exceptions = 5
        assert whole_digest(board, BEFORE) == then
        assert whole_digest(board) != now
        board.state.doom = 7
        assert whole_digest(board, BEFORE) != then


class LaterState(TimerState):
    """A timer's with a field that came later: one line."""

    laps: Annotated[int, Since(9)] = 3


def test_a_field_is_added_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with make_board("29 timer") as board:
        before, digest = board.save(), whole_digest(board)
        monkeypatch.setattr(Timer, "State", LaterState)
        with make_board("29 timer") as later:
            assert state_version(later) == 9
            later.load(msgspec.structs.replace(before, devices=msgspec.to_builtins(before.devices)))
            state = later.save()
            assert state.devices[29].laps == 3
            assert "laps" not in as_of(state.devices[29], 8)
            assert whole_digest(later, before.version) == digest
            assert whole_digest(later) != digest
            later.reset()
            assert later.save().devices[29].laps == 3
