"""The README's pictures show what kseg does today."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from kseg.compare.ways import WAYS
from tests.documents import DOCUMENTS

FOLDER = DOCUMENTS / "pictures"
STALE = "run: python docs/pictures/make.py"


@pytest.fixture(scope="module")
def make() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        patch.delitem(sys.modules, "make", raising=False)
        import make

        yield make
        del sys.modules["make"]


def test_the_session(make: ModuleType) -> None:
    kept = "".join(make.texts(make.SESSION.read_text(encoding="utf-8"))).split()
    assert kept == make.session().split(), STALE


def test_the_comparison(make: ModuleType) -> None:
    """It has every way, and says that all did the same."""
    shown = make.texts(make.COMPARISON.read_text(encoding="utf-8"))
    assert make.COMPARED[0] in shown[0]
    assert [way for way in WAYS if way not in str(shown)] == [], STALE
    assert "DIFFERENT" not in str(shown)


def test_the_readme_shows_them() -> None:
    readme = (DOCUMENTS.parent / "README.md").read_text(encoding="utf-8")
    for picture in FOLDER.glob("*.svg"):
        assert f"](docs/pictures/{picture.name})" in readme
    assert Path(FOLDER, "session.svg").exists()
