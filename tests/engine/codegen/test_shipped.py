"""Machine code that came with the package: found without a look at the sources, never believed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kseg.engine.codegen import cache, generated, shipped, targets
from kseg.engine.codegen.generated import Generated
from kseg.platform import host
from kseg.version import __version__

IDENTITY = "0123456789abcdef"
NAME = "dispatcher"


def made(_target: object) -> bytes:
    """What would have to be compiled."""
    return b"newly made"


CODE = Generated(NAME, made)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with one piece of ready-made code, and an empty cache."""
    folder = tmp_path / "package"
    (folder / host.PROCESSOR).mkdir(parents=True)
    (folder / shipped.IDENTITY).write_text(f"{__version__} {IDENTITY}\n")
    file = folder / host.PROCESSOR / NAME
    file.write_bytes(shipped.pack(host.PROCESSOR, NAME, IDENTITY, b"ready-made"))
    monkeypatch.setattr(shipped, "FOLDER", folder)
    monkeypatch.setenv("KSEG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("KSEG_READY_MADE", raising=False)
    shipped._warn.cache_clear()
    return folder


def test_it_is_found_and_nothing_is_made_or_kept(package: Path) -> None:
    assert CODE.exists()
    assert CODE.load() == b"ready-made"
    assert shipped.entries() == [package / host.PROCESSOR / NAME]
    assert not cache.directory().exists()


def test_no_start_looks_at_the_sources(
    package: Path,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(generated, "_own_sources")
    monkeypatch.delattr(generated, "_state")
    assert CODE.load() == b"ready-made"
    assert generated.key([Path(generated.__file__)]) == generated.key()


@pytest.mark.parametrize("identity", ["", "that of a package"])
def test_sources_that_are_not_kseg_s_are_looked_at(
    identity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's device is edited; kseg itself is installed, or a checkout."""
    monkeypatch.setattr(shipped, "identity", lambda: identity)
    source = tmp_path / "device.py"
    source.write_text("one")
    before = generated.key([source])
    source.write_text("another")
    assert len({before, generated.key([source]), generated.key()}) == 3


def test_what_is_not_there_is_made_and_kept_without_a_word(
    package: Path,  # noqa: ARG001
) -> None:
    other = Generated("interpreter-lsi-little", made)
    assert not other.exists()
    assert other.find() is None
    assert other.load() == b"newly made"
    assert len(cache.entries()) == 1
    assert other.exists()


def damage(package: Path) -> str:
    file = package / host.PROCESSOR / NAME
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    return "is damaged"


def truncate(package: Path) -> str:
    (package / host.PROCESSOR / NAME).write_bytes(b"x")
    return "is damaged"


def another_package(package: Path) -> str:
    (package / shipped.IDENTITY).write_text(f"{__version__} fedcba9876543210\n")
    return "is damaged"


def another_processor(package: Path) -> str:
    other = next(name for name in targets.NAMES if name != host.PROCESSOR)
    packed = shipped.pack(other, NAME, IDENTITY, b"ready-made")
    (package / host.PROCESSOR / NAME).write_bytes(packed)
    return "is damaged"


def another_version(package: Path) -> str:
    (package / shipped.IDENTITY).write_text(f"0.0.1 {IDENTITY}\n")
    return r"is for kseg 0\.0\.1"


def no_identity(package: Path) -> str:
    (package / shipped.IDENTITY).write_bytes(b"\xff")
    return "is not as it was made"


def unreadable(package: Path) -> str:
    file = package / host.PROCESSOR / NAME
    file.unlink()
    file.mkdir()
    return "cannot be read"


@pytest.mark.parametrize(
    "harm",
    [
        damage,
        truncate,
        another_package,
        another_processor,
        another_version,
        no_identity,
        unreadable,
    ],
)
def test_what_is_wrong_with_it_is_told_once_and_it_is_made(
    package: Path, harm: Callable[[Path], str]
) -> None:
    said = harm(package)
    with pytest.warns(shipped.PackageWarning, match=said):
        assert CODE.load() == b"newly made"
    assert CODE.load() == b"newly made"


def test_the_user_can_do_without(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KSEG_READY_MADE", "0")
    assert CODE.load() == b"newly made"
    assert shipped.entries() == []
    assert package.exists()


def test_reading_it_needs_no_cache(package: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from kseg.engine.codegen import generated, shipped\n"
        f"shipped.FOLDER = Path({str(package)!r})\n"
        f"assert generated.Generated({NAME!r}, None).load() == b'ready-made'\n"
        "print(*sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert not {b"kseg.engine.codegen.cache", b"llvmlite"} & set(ran.stdout.split())
