"""kseg on an AArch64 host: a part of the suite is run there.

`KSEG_AARCH64_PYTHON` names a Python for Linux on AArch64, a machine's own or one under qemu-user,
which has kseg's dependencies, pytest and hypothesis. It takes some minutes under qemu-user; what
can be found out without such a host is in tests/engine/codegen/test_targets.py.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

import kseg

PYTHON = os.environ.get("KSEG_AARCH64_PYTHON", "")
ROOT = Path(__file__).parents[2]
SOURCES = Path(kseg.__file__).parents[1]
LIMIT = 1800
"""Seconds for a part of the suite."""

PARTS = {
    "platform": [
        "tests/platform/test_code.py",
        "tests/platform/test_memory.py",
        "tests/platform/test_sharing.py",
        "tests/memory",
        "tests/engine/codegen",
    ],
    "reference": ["tests/engine/test_choice.py", "tests/engine/test_single_steps.py"],
    "interpreter": [
        "tests/engine/interpreter/test_engine.py",
        "tests/engine/test_lockstep.py",
        "tests/engine/test_debugging.py",
    ],
    "translator": [
        "tests/engine/translator/test_engine.py",
        "tests/engine/translator/test_lockstep.py",
        "tests/engine/translator/test_installation.py",
    ],
}
NOT_THERE = {
    "capstone": "tests/engine/codegen/test_targets.py",
}
"""Tests that need another package, which is no matter of the host."""


def run(
    cache: Path, program: str, *arguments: str, limit: float = 600
) -> subprocess.CompletedProcess[str]:
    """What a Python program does there; this very kseg can be imported.

    Nothing else that is installed here can be: beside kseg are packages for this host.
    """
    alone = cache / "sources"
    if not alone.exists():
        alone.mkdir()
        (alone / "kseg").symlink_to(SOURCES / "kseg")
    begin = f"import sys; sys.path[:0] = [{str(alone)!r}, {str(ROOT)!r}]\n"
    environment = {**os.environ, "KSEG_CACHE_DIR": str(cache), "KSEG_LOCKSTEP_EXAMPLES": "2"}
    return subprocess.run(
        [PYTHON, "-c", begin + program, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Native code for that host, made once; skips the test where there is none."""
    if not PYTHON:
        pytest.skip("KSEG_AARCH64_PYTHON does not name a Python for AArch64 (docs/hosts.md)")
    return tmp_path_factory.mktemp("cache")


def test_the_parts_are_there() -> None:
    for paths in (*PARTS.values(), NOT_THERE.values()):
        assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.slow
def test_it_is_the_host_that_is_meant(cache: Path) -> None:
    done = run(cache, "from kseg.platform import host; print(host.SYSTEM, host.PROCESSOR)")
    assert done.stdout == "linux aarch64\n", done.stderr


@pytest.mark.slow
def test_the_default_engine_boots_cms(cache: Path) -> None:
    program = "sys.argv[0] = 'kseg'; from kseg.cli import main; main()"
    done = run(cache, program, "run", "--stats", "-", "cms", "primes 3; halt")
    assert (done.returncode, done.stderr) == (0, "")
    output, _, statistics = done.stdout.partition("{")
    assert output.endswith("2\n3\n")
    assert json.loads("{" + statistics)["engine"]["name"] == "translator"


@pytest.mark.slow
def test_hot_code_becomes_native(cache: Path) -> None:
    program = """
import time
from kseg import Machine
with Machine("cms", compiler_share=1000) as machine:
    machine.console.expect("cms> ")
    machine.console.sendline("hog")
    for _ in range(200):
        machine.run(cycles=5_000_000)
        if machine.engine.statistics.translated_cycles:
            break
        time.sleep(0.1)
    print(machine.engine.statistics)
    assert machine.engine.statistics.translated_cycles
"""
    done = run(cache, program)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_the_suite_passes(part: str, cache: Path) -> None:
    missing = run(cache, "import pytest, hypothesis").stderr
    if missing:
        pytest.skip(f"{PYTHON}: {missing.splitlines()[-1]}")
    ignored = [
        f"--ignore={path}"
        for package, path in NOT_THERE.items()
        if run(cache, f"import {package}").returncode
    ]
    program = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    options = ["-q", "-o", "addopts=", "-p", "no:cacheprovider", *ignored]
    done = run(cache, program, *options, *PARTS[part], limit=LIMIT)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
