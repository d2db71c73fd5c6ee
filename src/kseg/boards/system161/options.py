"""Which System/161 a user gets: a configuration file with changes, or a sensible default."""

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kseg import checks
from kseg.boards.system161.address_map import CONTROLLER_SLOT
from kseg.boards.system161.configuration import (
    Configuration,
    SlotConfiguration,
    parse_line,
    read_configuration,
)
from kseg.devices.device import Device
from kseg.devices.random import RandomSource
from kseg.devices.registry import DISK, HOST_FILES, register
from kseg.errors import ConfigurationError
from kseg.machine.configuration import BoardOptions, DiskSize

DEFAULT_RAM = "4M"
DEFAULT_DISK = "5M"
FIRST_DISK_SLOT, LAST_DISK_SLOT = 2, 27


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


def configure(given: Any, options: BoardOptions) -> Configuration:
    """A configuration with changes; ConfigurationError when they cannot be made.

    `given` is a file's path, a configuration that has been read, or None for the default machine.
    """
    if given is None:
        machine = default_configuration()
    elif isinstance(given, Configuration):
        machine = given
    else:
        machine = read_configuration(given)
    slots = list(machine.slots)
    if options.fpu is not None:
        raise ConfigurationError("fpu: the board system161 has no floating-point unit")
    if options.cpus is not None:
        _change(slots, "mainboard", f"cpus={options.cpus}", "cpus")
    if options.ram is not None:
        _change(slots, "mainboard", f"ramsize={options.ram}", "ram")
    if options.seed is not None:
        _seed(slots, options.seed)
    if options.share is not None:
        _share(slots, options.share)
    _give_disks(slots, options.disks)
    if options.scratch_disk and not any(slot.device == DISK for slot in slots):
        words = ["memory", f"size={DEFAULT_DISK}", "rpm=7200"]
        _add(slots, DISK, words, "default disk", FIRST_DISK_SLOT)
    if options.devices is not None:
        _plug(slots, options.devices)
    if options.overlay:
        slots = [slot.overlaid() if slot.device == DISK else slot for slot in slots]
    for slot in slots:
        _ = slot.options  # which refuses what is wrong
    return Configuration(slots, machine.directory)


def _plug(slots: list[SlotConfiguration], devices: Mapping[int, Any]) -> None:
    for slot, card in devices.items():
        checks.whole("devices: slot", slot, 0, CONTROLLER_SLOT - 1)
        if isinstance(card, str):
            words = card.split()
        elif isinstance(card, type) and issubclass(card, Device):
            words = [register(card).name]
        else:
            raise checks.wrong(f"devices: slot {slot}:", card, "a class of devices or a text")
        taken = next((other for other in slots if other.slot == slot), None)
        if taken is not None:
            raise ConfigurationError(
                f"devices: slot {slot} is already in use by {taken.device}; take another"
            )
        slots.append(parse_line([str(slot), *words], "devices"))


def _seed(slots: list[SlotConfiguration], seed: int | str) -> None:
    word = "autoseed" if seed == "auto" else f"seed={seed}"
    index = _index_of(slots, RandomSource.name, "seed")
    slots[index] = slots[index].seeded(word)


def _share(slots: list[SlotConfiguration], directory: Path) -> None:
    try:
        text = "" if stat.S_ISDIR(directory.stat().st_mode) else "not a directory"
    except OSError as error:
        text = (error.strerror or str(error)).lower()
    if text:
        text = text.replace("no such file or directory", "no such directory")
        raise ConfigurationError(f"share {directory}: {text}; name one that exists")
    word = f"dir={directory.absolute()}"
    if any(slot.device == HOST_FILES for slot in slots):
        _change(slots, HOST_FILES, word, "share")
    else:
        _add(slots, HOST_FILES, [word], "share", 1)


def _give_disks(slots: list[SlotConfiguration], disks: Sequence[str | Path | DiskSize]) -> None:
    present = sorted(slot.slot for slot in slots if slot.device == DISK)
    for number, disk in enumerate(disks):
        # Absolute, because the configuration's own directory is none of the caller's business.
        if isinstance(disk, DiskSize):
            words = ["memory", f"size={disk}"]
        else:
            words = [f"file={Path(disk).absolute()}"]
        place = f"disk {disk}"
        if number < len(present):
            index = next(i for i, slot in enumerate(slots) if slot.slot == present[number])
            slots[index] = slots[index].holding(words, place, number)
        else:
            _add(slots, DISK, [*words, "rpm=7200"], place, FIRST_DISK_SLOT, number)


def _index_of(slots: list[SlotConfiguration], device: str, place: str) -> int:
    for index, slot in enumerate(slots):
        if slot.device == device:
            return index
    raise ConfigurationError(f"{place}: the machine has no {device}")


def _change(slots: list[SlotConfiguration], device: str, word: str, place: str) -> None:
    """Append an argument to the one `device`: the last of a name counts."""
    index = _index_of(slots, device, place)
    slots[index] = slots[index].with_words(word, place=place)


def _add(
    slots: list[SlotConfiguration],
    device: str,
    words: list[str],
    place: str,
    first: int,
    given: int | None = None,
) -> None:
    taken = {slot.slot for slot in slots}
    free = next((n for n in range(first, LAST_DISK_SLOT + 1) if n not in taken), None)
    if free is None:
        raise ConfigurationError(f"{place}: no slot is free for another {device}")
    slots.append(SlotConfiguration(free, device, words, place, given))
