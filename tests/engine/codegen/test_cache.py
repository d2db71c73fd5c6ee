"""The cache of generated files: nothing in it is believed, and nothing is lost without it."""

import os
import stat
from pathlib import Path

import pytest

from kseg.engine.codegen import cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    monkeypatch.setenv("KSEG_CACHE_DIR", str(path))
    return path


def test_what_is_written_can_be_read(folder: Path) -> None:
    cache.write("kind", "key", b"content")
    assert cache.read("kind", "key") == b"content"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_missing_is_none() -> None:
    assert cache.read("kind", "key") is None


def test_another_kind_or_key_is_another_file() -> None:
    cache.write("kind", "key", b"content")
    assert cache.read("kind", "other") is None
    assert cache.read("other", "key") is None


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 100])
def test_damage_is_not_believed(folder: Path, damage: bytes) -> None:
    cache.write("kind", "key", b"content")
    (folder / "kind-key").write_bytes(damage)
    assert cache.read("kind", "key") is None


def test_every_flipped_bit_is_noticed(folder: Path) -> None:
    cache.write("kind", "key", b"content")
    intact = (folder / "kind-key").read_bytes()
    for place in range(len(intact)):
        damaged = bytearray(intact)
        damaged[place] ^= 0x10
        (folder / "kind-key").write_bytes(damaged)
        assert cache.read("kind", "key") is None


def test_a_file_under_a_false_name_is_not_believed(folder: Path) -> None:
    cache.write("kind", "key", b"content")
    (folder / "kind-key").rename(folder / "kind-other")
    assert cache.read("kind", "other") is None


def test_what_others_can_write_is_not_used(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.warns(cache.CacheWarning, match="chmod 700"):
        cache.write("kind", "key", b"content")
    folder.chmod(0o700)
    cache.write("kind", "key", b"content")
    folder.chmod(0o777)
    assert cache.read("kind", "key") is None


def test_a_place_that_is_no_directory_is_a_warning(folder: Path) -> None:
    folder.write_text("")
    with pytest.warns(cache.CacheWarning, match="KSEG_CACHE_DIR"):
        cache.write("kind", "key", b"content")


def test_old_files_go(folder: Path) -> None:
    for number in range(20):
        cache.write("kind", str(number), b"content")
        os.utime(folder / f"kind-{number}", (number, number))
    assert len(list(folder.glob("kind-*"))) <= 9
    assert cache.read("kind", "19") == b"content"


def test_one_warning_a_directory_is_enough(folder: Path) -> None:
    folder.write_text("")
    with pytest.warns(cache.CacheWarning):
        assert not cache.is_usable()
    cache.write("kind", "key", b"content")  # here a warning would be an error
    cache.write("other", "key", b"content")


def test_neither_links_are_followed_nor_pipes_waited_for(folder: Path) -> None:
    cache.write("kind", "key", b"content")
    (folder / "kind-key").rename(folder / "elsewhere")
    (folder / "kind-key").symlink_to("elsewhere")
    assert cache.read("kind", "key") is None
    (folder / "kind-key").unlink()
    os.mkfifo(folder / "kind-key", 0o600)
    assert cache.read("kind", "key") is None
    cache.write("kind", "key", b"content")
    assert cache.read("kind", "key") == b"content"


def test_a_file_that_is_too_large_is_not_read(folder: Path) -> None:
    cache.write("kind", "key", b"content")
    with (folder / "kind-key").open("r+b") as file:
        file.truncate(5 << 30)
    assert cache.read("kind", "key") is None


@pytest.mark.parametrize("name", ["x" * 300, "/".join(["y" * 200] * 30), "file", "file/below"])
@pytest.mark.filterwarnings("ignore::kseg.engine.codegen.cache.CacheWarning")
def test_places_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KSEG_CACHE_DIR", str(tmp_path / name))
    cache.write("kind", "key", b"content")
    assert cache.read("kind", "key") is None
    assert not cache.exists("kind", "key")
    assert cache.entries() == []
    assert not cache.is_usable()


def test_a_relative_place_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KSEG_CACHE_DIR", "cache")
    cache.write("kind", "key", b"content")
    assert cache.read("kind", "key") == b"content"
    assert cache.directory() == tmp_path / "cache"
