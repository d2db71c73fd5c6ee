"""What a start imports: modules are most of what it costs (docs/decisions/start-up.md)."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import environment

PROGRAM = """
import sys
# Where it is installed, msgspec imports it, and with it inspect and much else.
sys.modules["typing_extensions"] = None
sys.argv[:1] = ["kseg"]
from kseg.cli import main
try:
    main()
finally:
    sys.stdout = sys.stderr
    print("MODULES", *(name for name, module in sys.modules.items() if module))
"""

NOT_NEEDED = """
    ast asyncio click concurrent dataclasses elftools hashlib inspect json linecache llvmlite
    logging multiprocessing platformdirs random rich select selectors shutil socket ssl subprocess
    tempfile tokenize traceback zstandard
    kseg.analysis kseg.api.host kseg.api.replay kseg.compare kseg.exploration kseg.gdb
    kseg.isa.assembler kseg.isa.instructions kseg.kernels kseg.monitor.hypervisor kseg.profile
    kseg.symbols kseg.unwind kseg.engine.reference kseg.engine.codegen.typed.compiler
    kseg.engine.translator.tiering
""".split()
"""For a guest that boots and switches off, with all that comes below these."""

MOST = 175
"""Modules of kseg's own that such a run may import."""


def imported(*words: str, cwd: Path) -> list[str]:
    """The modules that a command line has imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, cwd=cwd,
        env=environment(), stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    return done.stderr.rpartition("MODULES ")[2].split()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the command lines name; native code is in the cache."""
    path = tmp_path_factory.mktemp("start")
    (path / "sys161.conf").write_text("28 random\n29 serial\n31 mainboard ramsize=4M cpus=1\n")
    imported("run", "--save-at", "20000:it.kseg", "cms", "halt", cwd=path)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["run", "cms", "halt"],
        ["run", "--engine", "interpreter", "--cpus", "2", "cms", "halt"],
        ["run", "--config", "sys161.conf", "cms", "halt"],
    ],
)
def test_a_run_imports_what_it_uses(words: list[str], prepared: Path) -> None:
    found = imported(*words, cwd=prepared)
    needless = [
        name for name in found for each in NOT_NEEDED if name == each or name.startswith(each + ".")
    ]
    assert not needless
    own = [name for name in found if name.partition(".")[0] == "kseg"]
    assert len(own) <= MOST


def test_neither_click_nor_llvm_for_system161_s_line_and_snapshots(prepared: Path) -> None:
    for words in (["sys161", "-X", "cms", "halt"], ["run", "--from", "it.kseg"]):
        found = set(imported(*words, cwd=prepared))
        assert not found & {"click", "rich", "llvmlite", "dataclasses", "elftools", "platformdirs"}
