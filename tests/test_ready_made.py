"""What a wheel carries: made by its build hook, the same as would be compiled, and all that a first
start needs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import kseg
from kseg import ready_made
from kseg.engine.codegen import shipped, targets
from kseg.platform import host

ROOT = Path(__file__).parents[1]
NAMES = [code.name for code in ready_made.CODE]
FIRST_START = """
import sys
sys.path.insert(0, sys.argv[1])
from kseg import Machine
with Machine("cms", "halt", monitor=sys.argv[2]) as machine:
    machine.run()
assert "kseg.engine.interpreter.image" in sys.modules
sys.exit("llvmlite" in sys.modules)
"""


@pytest.mark.slow
def test_a_file_is_what_is_compiled_for_this_host(tmp_path: Path) -> None:
    """Of the smallest piece: each of the targets has its own."""
    for target in targets.NAMES:
        ready_made.write(tmp_path, target, "dispatcher")
    (code,) = (each for each in ready_made.CODE if each.name == "dispatcher")
    made = code.make(targets.native())
    written = {name: (tmp_path / name / "dispatcher").read_bytes() for name in targets.NAMES}
    assert written[host.PROCESSOR].endswith(made)
    assert len(set(written.values())) == len(targets.NAMES)
    ready_made.write_identity(tmp_path)
    assert (tmp_path / shipped.IDENTITY).read_text().split() == [
        kseg.__version__,
        ready_made.identity(),
    ]


def test_stencils_are_made_where_there_are_any() -> None:
    wanted = ready_made.wanted()
    assert ("x86_64", "stencils-mips161-big") in wanted
    assert ("aarch64", "stencils-mips161-big") not in wanted
    assert {name for target, name in wanted if target == "x86_64"} == set(NAMES)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what `pip install .` installs."""
    folder = tmp_path_factory.mktemp("wheel")
    if not (ROOT / "hatch_build.py").exists():
        pytest.skip("there are no sources to make a wheel from")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode and "No matching distribution" in built.stderr:
        pytest.skip("what builds a wheel cannot be had")
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    assert file.stem.endswith("-py3-none-any")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@pytest.mark.slow
def test_a_wheel_has_all_of_it_for_every_target(wheel: Path) -> None:
    folder = wheel / "kseg" / "ready_made"
    found = {(path.parent.name, path.name) for path in folder.glob("*/*") if path.is_file()}
    assert found == set(ready_made.wanted())
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 2 << 20


@pytest.mark.slow
@pytest.mark.parametrize("monitor", ["bare", "trap-and-emulate"])
def test_a_first_start_compiles_nothing(wheel: Path, tmp_path: Path, monitor: str) -> None:
    cache = tmp_path / "cache"
    environment = {**os.environ, "KSEG_CACHE_DIR": str(cache)}
    environment.pop("KSEG_READY_MADE", None)
    command = [sys.executable, "-W", "error", "-c", FIRST_START, str(wheel), monitor]
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    assert not cache.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_code_is_what_would_be_compiled(
    wheel: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", wheel / "kseg" / "ready_made")
    monkeypatch.delenv("KSEG_READY_MADE", raising=False)
    if (host.PROCESSOR, name) not in ready_made.wanted():
        pytest.skip("this kind of processor has none")
    (code,) = (code for code in ready_made.CODE if code.name == name)
    assert shipped.read(name) == code.make(targets.native())
