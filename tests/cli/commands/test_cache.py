"""`kseg cache`."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from kseg.cli.tree import kseg as commands
from kseg.engine.codegen import cache as kept
from kseg.engine.codegen import shipped
from kseg.platform import host
from kseg.version import __version__


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    monkeypatch.setenv("KSEG_CACHE_DIR", str(path))
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "package")
    return path


def test_an_empty_cache(folder: Path) -> None:
    result = CliRunner().invoke(commands, ["cache", "info"])
    assert result.exit_code == 0
    assert str(folder) in result.output
    assert "0  bytes in 0 files" in result.output
    assert CliRunner().invoke(commands, ["cache", "clear"]).output == "removed 0 files\n"


def test_what_came_with_kseg_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    monkeypatch.delenv("KSEG_READY_MADE", raising=False)
    (package / host.PROCESSOR).mkdir(parents=True)
    (package / shipped.IDENTITY).write_text(f"{__version__} 0123456789abcdef\n")
    (package / host.PROCESSOR / "dispatcher").write_bytes(bytes(1234))
    first = CliRunner().invoke(commands, ["cache", "info"]).output.partition("\n")[0]
    assert first == f"      1234  bytes came with kseg, in {package / host.PROCESSOR}"


def test_what_is_kept_is_shown_and_removed(folder: Path) -> None:
    kept.write("interpreter-mips161-big", "key", b"code")
    (folder / "notes").write_text("somebody else's")
    shown = CliRunner().invoke(commands, ["cache", "info"]).output
    assert "interpreter-mips161-big-key" in shown
    assert "36  bytes in 1 file\n" in shown
    assert CliRunner().invoke(commands, ["cache", "clear"]).output == "removed 1 file\n"
    assert [path.name for path in folder.iterdir()] == ["notes"]


def test_all_kinds_are_shown_and_removed_also_those_never_finished(folder: Path) -> None:
    kinds = (
        *("account", "burst-loop", "device-Card-Lines", "devices-system161", "dispatcher"),
        *("interpreter-mips161-big", "stencils-mips161-big", "translations"),
    )
    for kind in kinds:
        kept.write(kind, "key", b"code")
    (folder / ".new-half").write_bytes(b"half")
    (folder / "translations-gone").symlink_to("nothing")
    shown = CliRunner().invoke(commands, ["cache", "info"]).output
    for kind in kinds:
        assert f"{kind}-key" in shown
    assert "in 10 files" in shown
    assert CliRunner().invoke(commands, ["cache", "clear"]).output == "removed 10 files\n"
    assert list(folder.iterdir()) == []


def test_what_is_not_ksegs_is_neither_counted_nor_removed(folder: Path, tmp_path: Path) -> None:
    kept.write("translations", "0123456789abcdef01234567-80000", b"code")
    others = [
        "translations-de.po",
        "interpreter-notes",
        "stencils-of-leaves",
        ".new-Ideas.txt",
        "dispatcher-",
    ]
    for name in others:
        (folder / name).write_text("somebody else's, and longer than a digest is")
    (folder / "translations-fr").mkdir()
    (tmp_path / "precious").write_text("")
    (folder / "translations-es").symlink_to(tmp_path / "precious")
    assert "in 1 file\n" in CliRunner().invoke(commands, ["cache", "info"]).output
    for number in range(12):
        kept.write("stencils", f"{number:032x}", b"code")  # The oldest of these go, no others.
    assert CliRunner().invoke(commands, ["cache", "clear"]).output == "removed 9 files\n"
    left = {path.name for path in folder.iterdir()}
    assert left == {*others, "translations-fr", "translations-es"}


def test_a_damaged_file_of_ksegs_is_removed(folder: Path) -> None:
    folder.mkdir()
    (folder / ("interpreter-mips161-big-" + "0" * 32)).write_bytes(b"x")
    assert CliRunner().invoke(commands, ["cache", "clear"]).output == "removed 1 file\n"
