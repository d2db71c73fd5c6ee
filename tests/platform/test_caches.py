"""Where caches lie."""

from pathlib import Path

import pytest

from kseg.platform import host
from kseg.platform.caches import user_cache


@pytest.mark.parametrize(
    ("system", "chosen", "place"),
    [
        ("linux", "", "/home/me/.cache"),
        ("linux", "/else/where", "/else/where"),
        ("linux", "relative", "/home/me/.cache"),
        ("darwin", "/else/where", "/home/me/Library/Caches"),
        ("emscripten", "", "/home/me/.cache"),
    ],
)
def test_each_system_has_its_place(
    system: str, chosen: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "SYSTEM", system)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", chosen)
    assert user_cache() == Path(place)
