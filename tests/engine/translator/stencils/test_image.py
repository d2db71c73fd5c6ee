"""Stencils as a file keeps them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kseg.engine.codegen import cache, targets
from kseg.engine.translator import stencils
from kseg.engine.translator.stencils import image
from kseg.engine.translator.stencils.stencil import StencilImage
from kseg.platform import host
from kseg.platform.code import NativeCodeError

pytestmark = pytest.mark.skipif(not targets.native().has_stencils, reason="stencils are for x86-64")

SMALL = StencilImage({}, {})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and stencils that are quickly made."""
    monkeypatch.setenv("KSEG_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("KSEG_READY_MADE", "0")
    monkeypatch.setattr(image, "make", lambda _profile, _order, _target: SMALL)
    return tmp_path


def kept(folder: Path) -> Path:
    """The one file in the cache."""
    (path,) = folder.iterdir()
    return path


def test_what_was_made_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image.load("mips161", "big")
    assert kept(folder).name.startswith("stencils-mips161-big-")
    assert cache.entries() == [kept(folder)]
    monkeypatch.delattr(image, "make")
    assert image.load("mips161", "big") == SMALL


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:40] + b"?" + b[41:]])
def test_a_damaged_file_is_made_again(folder: Path, damage: object) -> None:
    image.load("mips161", "big")
    path = kept(folder)
    intact = path.read_bytes()
    path.write_bytes(damage(intact))  # type: ignore[operator]
    assert image.load("mips161", "big") == SMALL
    assert path.read_bytes() == intact


@pytest.mark.parametrize("error", [ImportError, NativeCodeError])
def test_without_llvm_there_are_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(_profile: str, _order: str, _target: object) -> StencilImage:
        raise error

    monkeypatch.setattr(image, "make", fail)
    assert image.load("mips161", "big") is None
    assert not list(folder.iterdir())


def test_other_hosts_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "PROCESSOR", "aarch64")
    assert stencils.load("mips161", "big") is None


def test_stencils_that_are_not_there_yet_are_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KSEG_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("KSEG_READY_MADE", "0")
    monkeypatch.setattr(stencils, "_found", {})
    assert stencils.load("mips161", "big", or_make=False) is None
    made = stencils.load("mips161", "big")
    assert stencils.load("mips161", "big", or_make=False) is made


def test_a_start_that_finds_them_does_without_llvm(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from kseg.engine.translator import stencils\n"
        "assert stencils.load('mips161', 'big') is not None\n"
        "sys.exit('llvmlite' in sys.modules)\n"
    )
    environment = os.environ | {"KSEG_CACHE_DIR": str(tmp_path), "KSEG_READY_MADE": "0"}
    run = [sys.executable, "-c", program]
    assert subprocess.run(run, env=environment, check=False).returncode == 1
    assert subprocess.run(run, env=environment, check=False).returncode == 0
