"""The chart of a recorded run, on terminals of all widths."""

import os

import pytest

from kseg.api.timeline import Timeline
from kseg.cli.commands import timeline as command
from kseg.cli.commands.timeline import LABEL, TOTAL, chart


def made_up() -> Timeline:
    found = Timeline(cycle=123456789, time=4938271560)
    found.lanes["executing"] = [5, 0, 90, 1000] * 20
    found.stretch = found.time // 80
    found.exceptions.update({"Int": 1234, "Sys": 56, "TLBS": 8, "TLBL": 7})
    return found


@pytest.mark.parametrize("columns", [40, 49, 80, 132])
def test_it_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        command.shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24))
    )
    width = command._width()
    assert LABEL + width + TOTAL + 2 <= columns
    lines = list(chart(made_up(), width))
    assert max(map(len, lines)) <= columns
    text = " ".join(lines)
    assert "exceptions: Int 1234, Sys 56, TLBS 8, TLBL 7" in text
    assert "4.938272 s, 123456789 cycles; a column is" in text


def test_times_are_written_where_there_is_room_for_them() -> None:
    assert command._axis(4.0, 8).split("|") == ["", "0      "]
    assert command._axis(4.0, 20).split() == ["|0", "|2", "s"]
    assert command._axis(4.0, 40) == "|0        |1 s      |2 s      |3 s      "
