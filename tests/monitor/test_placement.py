"""One guest under a chosen monitor, or under none."""

import re
from pathlib import Path
from typing import Any

import pytest

from kseg import Machine
from kseg.errors import ConfigurationError
from kseg.isa.assembler import assemble
from kseg.memory.paged import PagedMemory
from kseg.monitor import BARE, CHOICES, HYBRID, TRAP_AND_EMULATE
from kseg.monitor.hypervisor.virtual_processor import VirtualProcessor
from kseg.monitor.hypervisor.world import ExitKind
from kseg.monitor.placement import LonePlacement, Placement, alone
from tests.monitor.hypervisor.watched import exits, kernel_source, record_of

MONITORS = (TRAP_AND_EMULATE, HYBRID)
WINDOW = 0x40000000


def placement(monitor: str, **options: Any) -> Placement:
    return alone("reference", monitor, **options)


@pytest.fixture
def window_kernel(tmp_path: Path) -> Path:
    path = tmp_path / "kernel"
    path.write_bytes(assemble(kernel_source("nop"), WINDOW).to_elf())
    return path


def test_a_kernel_in_the_window_needs_a_monitor(window_kernel: Path) -> None:
    text = (
        "the kernel is linked at 0x40000000, for a monitor that runs it in user mode;"
        " choose one: --monitor trap-and-emulate"
    )
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        Machine(window_kernel)
    with pytest.raises(ConfigurationError, match="0x40000000"):
        placement(BARE, window=WINDOW)


@pytest.mark.parametrize("monitor", MONITORS)
def test_with_a_monitor_it_runs(window_kernel: Path, monitor: str) -> None:
    with Machine(window_kernel, monitor=monitor, engine="reference") as machine:
        machine.run(cycles=100)
        assert machine.board.processors[0].pc >> 12 == WINDOW >> 12
        assert machine.board.processors[0].kernel_cycles == 100


@pytest.mark.parametrize("monitor", MONITORS)
def test_a_guest_of_a_monitor_has_one_processor(monitor: str) -> None:
    text = f"monitor {monitor}: a guest has one processor, not 2; use --cpus 1, or the bare machine"
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        Machine("cms", "halt", cpus=2, monitor=monitor)


def test_the_bare_machine_has_as_many_as_there_are() -> None:
    with Machine("cms", "halt", cpus=2) as machine:
        assert len(machine.engine.processors) == 2


def test_an_unknown_monitor_is_named() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Machine("cms", monitor="xen")
    assert "'xen'" in str(raised.value)
    assert all(name in str(raised.value) for name in CHOICES)


@pytest.mark.parametrize("monitor", MONITORS)
def test_memory_is_the_hardwares(monitor: str) -> None:
    made = placement(monitor)
    memory = made.memory("mips161", "big", 64 << 10)
    assert isinstance(memory, PagedMemory)
    assert isinstance(made, LonePlacement)
    assert memory.hardware is made.hypervisor.memory
    assert memory.ram.size == 64 << 10
    # Nothing is promised to another guest, and the guest never waits for a frame.
    assert made.hypervisor.allocator.available == 0
    assert all(memory.is_writable(page) for page in range(16))


def test_the_bare_machines_memory_is_its_own() -> None:
    memory = placement(BARE).memory("mips161", "big", 64 << 10)
    assert not isinstance(memory, PagedMemory)


@pytest.mark.parametrize(("monitor", "hybrid"), [(TRAP_AND_EMULATE, 0), (HYBRID, 1)])
def test_the_monitor_is_the_one_that_was_chosen(monitor: str, hybrid: int) -> None:
    with Machine("cms", "halt", monitor=monitor, engine="reference") as machine:
        assert isinstance(machine.engine, VirtualProcessor)
        assert record_of(machine).hybrid == hybrid
        machine.run(cycles=1_000)
        # The kernel lies in kseg0, where a hybrid monitor does not even try to run it.
        assert (exits(machine).get(ExitKind.KERNEL_SEGMENT_FETCH, 0) == 0) == bool(hybrid)
        assert record_of(machine).direct_cycles == 0


@pytest.mark.parametrize("rewriting", [False, True])
def test_rewriting_is_a_choice(window_kernel: Path, rewriting: bool) -> None:
    with Machine(
        window_kernel, monitor=TRAP_AND_EMULATE, rewriting=rewriting, engine="interpreter"
    ) as machine:
        engine: Any = machine.engine
        assert engine.hypervisor.world.rewrites == rewriting
