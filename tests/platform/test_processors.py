"""The host's processors."""

import os
from pathlib import Path

import pytest

from kseg.platform import host, processors

X86 = "vendor_id\t: Genuine\nmodel name\t: A Xeon\nflags\t\t: sse avx\n"
ARM = "processor\t: 0\nBogoMIPS\t: 50\nFeatures\t: fp asimd\nCPU part\t: 0xd0c\n"


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> object:
    """Lets the system say something of its processors."""

    def say(text: str | None) -> None:
        def read(_path: Path) -> str:
            if text is None:
                raise FileNotFoundError
            return f"{text}\n{text}another"

        monkeypatch.setattr(Path, "read_text", read)
        processors.identity.cache_clear()

    yield say
    processors.identity.cache_clear()


@pytest.mark.parametrize(
    ("text", "model", "identity"),
    [
        (X86, "A Xeon", "vendor_id\t: Genuine\nmodel name\t: A Xeon\nflags\t\t: sse avx"),
        (ARM, host.PROCESSOR, "Features\t: fp asimd\nCPU part\t: 0xd0c"),
        (None, host.PROCESSOR, host.PROCESSOR),
    ],
)
def test_what_they_are(says: object, text: str | None, model: str, identity: str) -> None:
    says(text)  # type: ignore[operator]
    assert processors.model() == model
    assert processors.identity() == identity


def test_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processors.usable() == len(os.sched_getaffinity(0))
    assert processors.load() >= 0
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.delattr(os, "getloadavg")
    assert processors.usable() == os.cpu_count()
    assert processors.load() == 0
