"""Which machine a guest gets: a configuration file with changes, or a sensible default."""

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kseg.api import checks
from kseg.boards.system161.configuration import (
    CONTROLLER_SLOT,
    Configuration,
    SlotConfiguration,
    parse_line,
    read_configuration,
)
from kseg.errors import ConfigurationError
from kseg.machine.arguments import size_in_bytes

if TYPE_CHECKING:
    from kseg.devices import Device

DEFAULT_RAM = "4M"
DEFAULT_DISK = "5M"
FIRST_DISK_SLOT, LAST_DISK_SLOT = 2, 27
MOST_BYTES = 1 << 32
LEAST_SEED, MOST_SEED = -(1 << 63), (1 << 64) - 1


def default_configuration() -> Configuration:
    """One processor, 4M of RAM, console, random source, timer, trace device; nothing of the
    host's."""
    place = "default machine"
    return Configuration(
        [
            SlotConfiguration(0, "serial", [], place),
            SlotConfiguration(28, "random", [], place),
            SlotConfiguration(29, "timer", [], place),
            SlotConfiguration(30, "trace", [], place),
            SlotConfiguration(
                CONTROLLER_SLOT, "mainboard", [f"ramsize={DEFAULT_RAM}", "cpus=1"], place
            ),
        ]
    )


def configure(
    configuration: str | Path | Configuration | None = None,
    *,
    cpus: int | None = None,
    ram: str | int | None = None,
    disks: Sequence[str | Path] | str | Path = (),
    scratch_disk: bool = False,
    share: str | Path | None = None,
    seed: int | str | None = None,
    overlay: bool = False,
    devices: "Mapping[int, str | type[Device]] | None" = None,
) -> Configuration:
    """A configuration with changes; ConfigurationError when they cannot be made.

    `configuration` is a file's path, one that has been read, or None for the default machine.
    `ram` is in bytes, or a text such as "8M". `disks` are image files, for the disks that the
    configuration has in the order of their slots, then for new ones; `scratch_disk` adds one
    in memory where there is none at all. `share` is a directory that the guest sees through the
    emulator file system. `seed` is that of the random source, "auto" for one of the host's. With
    `overlay`, what is written to disks stays in memory. `devices` are further cards by slot: a
    class, or a name and arguments as in the file.
    """
    if configuration is None:
        machine = default_configuration()
    elif isinstance(configuration, Configuration):
        machine = configuration
    else:
        machine = read_configuration(checks.path("config", configuration))
    slots = list(machine.slots)
    if cpus is not None:
        _change(slots, "mainboard", f"cpus={checks.whole('cpus', cpus, 1)}", "cpus")
    if ram is not None:
        _change(slots, "mainboard", f"ramsize={size_of('ram', ram)}", "ram")
    if seed is not None:
        _change(slots, "random", _seed(seed), "seed")
    if share is not None:
        _share(slots, checks.path("share", share))
    _give_disks(slots, checks.paths("disks", disks))
    if scratch_disk and not any(slot.device == "disk" for slot in slots):
        words = ["memory", f"size={DEFAULT_DISK}", "rpm=7200"]
        _add(slots, "disk", words, "default disk", FIRST_DISK_SLOT)
    if devices is not None:
        _plug(slots, devices)
    if overlay:
        slots = [_overlaid(slot) if slot.device == "disk" else slot for slot in slots]
    _check(slots)
    return Configuration(slots, machine.directory)


def _plug(slots: list[SlotConfiguration], devices: "Mapping[int, str | type[Device]]") -> None:
    from kseg.devices import Device, register

    for slot, card in checks.mapping("devices", devices).items():
        checks.whole("devices: slot", slot, 0, CONTROLLER_SLOT - 1)
        if isinstance(card, type) and issubclass(card, Device):
            words = [register(card).name]
        elif isinstance(card, str):
            words = card.split()
        else:
            raise checks.wrong(f"devices: slot {slot}:", card, "a class of devices or a text")
        taken = next((other for other in slots if other.slot == slot), None)
        if taken is not None:
            raise ConfigurationError(
                f"devices: slot {slot} is already in use by {taken.device}; take another"
            )
        slots.append(parse_line([str(slot), *words], "devices"))


def _overlaid(slot: SlotConfiguration) -> SlotConfiguration:
    if {"overlay", "memory"} & set(slot.arguments):
        return slot
    return _with(slot, "overlay", slot.place)


def size_of(name: str, size: str | int) -> int:
    """Bytes: a number, or a text such as "8M"; ConfigurationError otherwise."""
    if not isinstance(size, str):
        return checks.whole(name, size, 1, MOST_BYTES)
    try:
        return size_in_bytes(size)
    except ValueError as error:
        raise ConfigurationError(f"{name} {size[:80]}: {error}") from None


def _seed(seed: int | str) -> str:
    """An argument of the random source."""
    if seed == "auto":
        return "autoseed"
    if isinstance(seed, str):
        return f"seed={checks.text('seed', seed)}"
    return f"seed={checks.whole('seed', seed, LEAST_SEED, MOST_SEED)}"


def _share(slots: list[SlotConfiguration], directory: Path) -> None:
    try:
        text = "" if stat.S_ISDIR(directory.stat().st_mode) else "not a directory"
    except OSError as error:
        text = (error.strerror or str(error)).lower()
    if text:
        text = text.replace("no such file or directory", "no such directory")
        raise ConfigurationError(f"share {directory}: {text}; name one that exists")
    words = [f"dir={directory.absolute()}"]
    if any(slot.device == "emufs" for slot in slots):
        _change(slots, "emufs", words[0], "share")
    else:
        _add(slots, "emufs", words, "share", 1)


def _give_disks(slots: list[SlotConfiguration], disks: Sequence[str | Path]) -> None:
    present = sorted(slot.slot for slot in slots if slot.device == "disk")
    for number, disk in enumerate(disks):
        # Absolute, because the configuration's own directory is none of the caller's business.
        word = f"file={Path(disk).absolute()}"
        if number < len(present):
            index = next(i for i, slot in enumerate(slots) if slot.slot == present[number])
            slots[index] = _with(slots[index], word, f"disk {disk}")
        else:
            _add(slots, "disk", [word, "rpm=7200"], f"disk {disk}", FIRST_DISK_SLOT)


def _with(slot: SlotConfiguration, word: str, place: str) -> SlotConfiguration:
    return SlotConfiguration(slot.slot, slot.device, [*slot.arguments, word], place)


def _change(slots: list[SlotConfiguration], device: str, word: str, place: str) -> None:
    """Append an argument to the one `device`: the last of a name counts."""
    for index, slot in enumerate(slots):
        if slot.device == device:
            slots[index] = _with(slot, word, place)
            return
    raise ConfigurationError(f"{place}: the machine has no {device}")


def _add(
    slots: list[SlotConfiguration], device: str, words: list[str], place: str, first: int
) -> None:
    taken = {slot.slot for slot in slots}
    free = next((n for n in range(first, LAST_DISK_SLOT + 1) if n not in taken), None)
    if free is None:
        raise ConfigurationError(f"{place}: no slot is free for another {device}")
    slots.append(SlotConfiguration(free, device, words, place))


def _check(slots: list[SlotConfiguration]) -> None:
    from kseg.devices.registry import DEVICES

    for slot in slots:
        DEVICES[slot.device].parse_arguments(slot.read_arguments())
