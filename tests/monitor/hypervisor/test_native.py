"""The dispatcher as native code: for every target, and what a start has to import for it."""

import subprocess
import sys

import pytest

from kseg.engine.codegen import targets
from kseg.engine.codegen.llvm import compile_module
from kseg.engine.codegen.typed.compiler import build
from kseg.monitor.hypervisor.dispatcher import supervise

PROGRAM = """
import sys
from kseg import Machine
with Machine("cms", "halt", monitor={monitor!r}, engine="interpreter") as machine:
    machine.run()
print(*sorted(sys.modules))
"""


def modules(monitor: str) -> set[str]:
    """All that a short run has imported, with a warm cache."""
    command = [sys.executable, "-c", PROGRAM.format(monitor=monitor)]
    for _ in range(2):
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize("name", targets.NAMES)
def test_the_dispatcher_stands_by_itself_on_every_target(name: str) -> None:
    assert "supervise" in compile_module(build([supervise]), targets.named(name)).symbols


@pytest.mark.slow
def test_a_warm_start_under_a_monitor_needs_no_compiler() -> None:
    found = modules("trap-and-emulate")
    assert "kseg.monitor.hypervisor.dispatcher" in found
    assert found.isdisjoint({"llvmlite", "kseg.engine.codegen.typed.compiler"})


@pytest.mark.slow
def test_a_bare_machine_needs_none_of_it() -> None:
    unneeded = ("typed.compiler", "typed.statements", "hypervisor", "llvm")
    assert not [name for name in modules("bare") if any(each in name for each in unneeded)]
