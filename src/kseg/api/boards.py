"""Which machine a guest gets: a board's configuration, with what the user wants of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kseg import checks
from kseg.api.options import Disks
from kseg.boards import DEFAULT, board_named
from kseg.devices import Device
from kseg.errors import ConfigurationError
from kseg.machine.arguments import size_in_bytes
from kseg.machine.configuration import BoardOptions, Configuration

MOST_BYTES = 1 << 32
LEAST_SEED, MOST_SEED = -(1 << 63), (1 << 64) - 1


def configure(
    configuration: str | Path | Configuration | None = None,
    *,
    board: str = DEFAULT,
    cpus: int | None = None,
    ram: str | int | None = None,
    disks: Disks = (),
    scratch_disk: bool = False,
    share: str | Path | None = None,
    seed: int | str | None = None,
    overlay: bool = False,
    devices: Mapping[int, str | type[Device]] | None = None,
) -> Configuration:
    """A configuration with changes; ConfigurationError when they cannot be made.

    `configuration` is a file's path, one that has been read, or None for the board's default. `ram`
    is in bytes, or a text such as "8M". `disks` are image files, or sizes in bytes of disks in
    memory, for the drives that the configuration has in the order of their slots, then for new
    ones; `scratch_disk` adds a disk in memory where there is none at all. `share` is a directory
    that the guest sees. `seed` is that of the random source, "auto" for one of the host's. With
    `overlay`, what is written to disks stays in memory. `devices` are further devices by slot: a
    class, or a name and arguments as in the file.
    """
    given: Any = configuration
    if configuration is not None and not hasattr(configuration, "in_directory"):
        given = checks.path("config", configuration)
    return board_named(getattr(given, "board", board)).configure(
        given,
        BoardOptions(
            cpus=None if cpus is None else checks.whole("cpus", cpus, 1),
            ram=None if ram is None else size_of("ram", ram),
            disks=_disks(disks),
            scratch_disk=scratch_disk,
            share=None if share is None else checks.path("share", share),
            seed=None if seed is None else _seed(seed),
            overlay=overlay,
            devices=None if devices is None else _devices(devices),
        ),
    )


def _disks(disks: Any) -> Sequence[str | Path | int]:
    """Paths, and sizes of partitions among them."""
    if isinstance(disks, list) and any(isinstance(disk, int) for disk in disks):
        return disks
    return checks.paths("disks", disks)


def _devices(devices: Any) -> Mapping[int, Any]:
    for slot, card in checks.mapping("devices", devices).items():
        if not isinstance(card, str) and not (isinstance(card, type) and issubclass(card, Device)):
            raise checks.wrong(f"devices: slot {slot}:", card, "a class of devices or a text")
    found: Mapping[int, Any] = devices
    return found


def size_of(name: str, size: str | int) -> int:
    """Bytes: a number, or a text such as "8M"; ConfigurationError otherwise."""
    if not isinstance(size, str):
        return checks.whole(name, size, 1, MOST_BYTES)
    try:
        return size_in_bytes(size)
    except ValueError as error:
        raise ConfigurationError(f"{name} {size[:80]}: {error}") from None


def _seed(seed: Any) -> int | str:
    if isinstance(seed, str):
        return checks.text("seed", seed)
    return checks.whole("seed", seed, LEAST_SEED, MOST_SEED)
