"""Asciicasts: what asciinema's documentation says of versions 2 and 3."""

import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from kseg.cli.console.cast import MOST_GATHERED, Cast, Session
from kseg.errors import KsegError

MS = 1_000_000


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def cast(path: Path, version: str = "2", began: int = 0) -> Cast:
    return Cast(path, version, began=began, created=1_700_000_000, title="cms echo")


def test_headers(tmp_path: Path) -> None:
    for version in ("2", "3"):
        cast(tmp_path / version, version).finish(0)
    common = {"timestamp": 1_700_000_000, "title": "cms echo"}
    assert lines(tmp_path / "2") == [{"version": 2, "width": 80, "height": 24, **common}]
    assert lines(tmp_path / "3") == [{"version": 3, "term": {"cols": 80, "rows": 24}, **common}]


@pytest.mark.parametrize("version", ["2", "3"])
def test_events(tmp_path: Path, version: str) -> None:
    """Output that comes close together is one event; times are absolute, or intervals."""
    written = cast(tmp_path / "x", version, began=10 * MS)
    session = Session(written, [(300 * MS, b"a"), (310 * MS, "a mark"), (900 * MS, b"never")])
    for number, byte in enumerate(b"one\ntwo\r\n"):
        session.printed(110 * MS + number * MS, bytes([byte]))
    session.printed(310 * MS, b"three")
    session.finish(510 * MS, 7)
    events = lines(tmp_path / "x")[1:]
    if version == "3":
        assert events.pop() == [0.2, "x", "7"]
        times = list(accumulate(time for time, _, _ in events))
        events = [[round(at, 6), *rest] for at, (_, *rest) in zip(times, events, strict=True)]
    assert events == [
        [0.1, "o", "one\r\ntwo\r\n"],
        [0.29, "i", "a"],
        [0.3, "m", "a mark"],
        [0.3, "o", "three"],
    ]


def test_characters_in_pieces(tmp_path: Path) -> None:
    """Of more than one byte, wherever they are cut; and bytes that are none."""
    written = cast(tmp_path / "x")
    euro, wrong = "\N{EURO SIGN}", "\N{REPLACEMENT CHARACTER}"
    printed = f"a{euro}b".encode() + b"\xff" + euro.encode()[:2]
    for number, byte in enumerate(printed):
        written.printed(number * 20 * MS, bytes([byte]))
    written.finish(999 * MS)
    events = lines(tmp_path / "x")[1:]
    assert "".join(text for _, _, text in events) == f"a{euro}b{wrong}{wrong}"
    assert [time for time, _, _ in events] == sorted(time for time, _, _ in events)


def test_endless_output_is_cut(tmp_path: Path) -> None:
    written = cast(tmp_path / "x")
    for _ in range(3 * MOST_GATHERED):
        written.printed(5, b"\x1b")
    written.finish(6)
    assert [len(text) for _, _, text in lines(tmp_path / "x")[1:]] == [MOST_GATHERED] * 3


def test_a_host_that_refuses(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "x", "a\0b"):
        with pytest.raises(KsegError, match="give a file that can be written"):
            cast(Path(path))
    full = cast(Path("/dev/full"))
    full.printed(1, b"x" * 100_000)
    with pytest.raises(KsegError, match="No space left"):
        full.finish(2)
