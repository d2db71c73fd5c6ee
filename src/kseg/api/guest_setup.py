"""What a guest of a host is, and where it begins: with a kernel, or from a snapshot."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kseg import checks
from kseg import monitor as monitors
from kseg.api.assembly import Setup, Source
from kseg.api.booting import Boot
from kseg.api.host_disks import Partitions
from kseg.api.options import (
    Execution,
    GuestOptions,
    RestoredGuestOptions,
    Running,
    check_names,
    group,
)
from kseg.boards import board_named
from kseg.errors import ConfigurationError
from kseg.machine.configuration import Configuration

if TYPE_CHECKING:
    from kseg.machine.board import Board
    from kseg.machine.disk_partition import PartitionedDisk

MONITORS = (monitors.HYBRID, monitors.TRAP_AND_EMULATE)


class Hardware(NamedTuple):
    """What a host's guests run on: the board that has its processor, and its engine's name."""

    kind: "type[Board]"
    engine: str


def booted(
    hardware: Hardware,
    disk: "PartitionedDisk",
    kernel: str | Path,
    arguments: str | Sequence[str],
    options: Mapping[str, Any],
) -> tuple[Setup, Source]:
    """A guest about to boot: see `Host.add`. `disk` is what partitions are taken from."""
    check_names(options, GuestOptions)
    boot = Boot(kernel, arguments, {"board": hardware.kind.name, **options})
    partitions = Partitions(boot.hardware.disks, disk)
    configuration = boot.configuration(disks=partitions.disks)
    if isinstance(boot.hardware.config, str | Path):
        # Guests have their files in directories of their own.
        configuration = configuration.in_directory(str(Path(boot.hardware.config).parent))
    window = boot.window()
    execution = _execution(hardware, configuration, options.get("monitor"), window)
    setup = Setup(boot.kernel, configuration, execution, group(Running, options), window)
    return setup, partitions.before(boot.source(), configuration)


def restored(
    hardware: Hardware, path: str | Path, options: Mapping[str, Any]
) -> tuple[Setup, Source]:
    """A guest that goes on from a snapshot: see `Host.restore`."""
    from kseg.api.snapshots import Restored

    check_names(options, RestoredGuestOptions)
    saved = Restored(checks.path("path", path), options)
    setup, monitor = saved.setup, options.get("monitor")
    if monitor is None and setup.execution.monitor != monitors.BARE:
        monitor = setup.execution.monitor
    execution = _execution(hardware, setup.configuration, monitor, setup.window)
    return (
        Setup(setup.kernel, setup.configuration, execution, window=setup.window),
        saved.source(),
    )


def _execution(
    hardware: Hardware, configuration: Configuration, monitor: str | None, window: int | None
) -> Execution:
    own, kind = hardware.kind, board_named(configuration.board)
    if (kind.profile_of(configuration), kind.byte_order, kind.time_model.nanoseconds_per_cycle) != (
        own.profile,
        own.byte_order,
        own.time_model.nanoseconds_per_cycle,
    ):
        raise ConfigurationError(f"machine {kind.name}: its processor is not that of the host")
    if monitor is None:
        monitor = monitors.HYBRID if window is None else monitors.TRAP_AND_EMULATE
    if monitor not in MONITORS:
        raise ConfigurationError(
            f"monitor {checks.shown(monitor)}: beside others a guest has one of"
            f" {', '.join(MONITORS)}"
        )
    return Execution(engine=hardware.engine, monitor=monitor)
