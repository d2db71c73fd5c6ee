"""`sys161.conf`: which device sits in which LAMEbus slot, and with which arguments.

One line a slot, `SLOT DEVICE [ARGUMENT...]`, words separated by white space, `#` starts a comment
(System/161 manual, "The System/161 config file").
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from kseg.boards.system161.address_map import CONTROLLER_SLOT, SLOTS
from kseg.boards.system161.cards import CARDS, CONTROLLERS
from kseg.devices.random import RandomSource
from kseg.devices.registry import DISK, HOST_FILES, NETWORK
from kseg.errors import ConfigurationError
from kseg.machine.arguments import Arguments, c_number
from kseg.machine.board_state import SYSTEM161
from kseg.machine.configuration import Drive, Share

MOST_CHARACTERS = 1 << 18
LONGEST_LINE = 1023
MOST_WORDS = 128


class SlotConfiguration(msgspec.Struct, frozen=True):
    """One line: `arguments` as written, `place` for messages ("sys161.conf: line 3")."""

    slot: int
    device: str
    arguments: list[str]
    place: str
    given: int | None = None
    """Of a drive: the number of the disk that a user has given."""

    def line(self) -> str:
        """The line that says this."""
        return " ".join([str(self.slot), self.device, *self.arguments])

    @property
    def options(self) -> Any:
        """What the device makes of the arguments; ConfigurationError where it makes nothing."""
        return CARDS[self.device].parse_arguments(self.read_arguments())

    def read_arguments(self) -> Arguments:
        return Arguments(self.device, self.arguments, self.place)

    def with_words(self, *words: str, **others: Any) -> "SlotConfiguration":
        """The same with further arguments: the last of a name counts."""
        return msgspec.structs.replace(self, arguments=[*self.arguments, *words], **others)

    def holding(self, words: list[str], place: str, given: int) -> "SlotConfiguration":
        """A drive with another disk in it."""
        others = [word for word in self.arguments if not word.startswith("file=")]
        return msgspec.structs.replace(self, arguments=others + words, place=place, given=given)

    def seeded(self, word: str) -> "SlotConfiguration":
        """A random source with another seed."""
        return msgspec.structs.replace(self, arguments=[word])

    def overlaid(self) -> "SlotConfiguration":
        """A drive that leaves its image file alone, if it has one."""
        has_image = not {"overlay", "memory"} & set(self.arguments)
        return self.with_words("overlay") if has_image else self


class Configuration(msgspec.Struct, frozen=True):
    """A machine, in the order in which the file names its slots: devices come up in that order.

    `directory` is what relative paths in arguments are relative to.
    """

    slots: list[SlotConfiguration]
    directory: str = "."

    board = SYSTEM161

    @property
    def controller(self) -> SlotConfiguration:
        """The bus controller's line."""
        return next(slot for slot in self.slots if slot.slot == CONTROLLER_SLOT)

    def text(self) -> str:
        """A file that says this."""
        return "".join(f"{slot.line()}\n" for slot in self.slots)

    # What others want to know of it (`kseg.machine.configuration.Configuration`).

    @property
    def ram_size(self) -> int:
        size: int = self.controller.options.ram_size
        return size

    @property
    def processors(self) -> int:
        count: int = self.controller.options.processors
        return count

    def of(self, device: str) -> list[SlotConfiguration]:
        """The lines of a kind of device, by slot."""
        found = (slot for slot in self.slots if slot.device == device)
        return sorted(found, key=lambda slot: slot.slot)

    @property
    def drives(self) -> list[Drive]:
        return [
            Drive(slot.slot, slot.options.file, slot.options.overlay, slot.given)
            for slot in self.of(DISK)
        ]

    @property
    def shares(self) -> list[Share]:
        return [
            Share(slot.slot, slot.options.directory, " ".join(slot.arguments) or "dir=.")
            for slot in self.of(HOST_FILES)
        ]

    @property
    def has_network(self) -> bool:
        return bool(self.of(NETWORK))

    @property
    def autoseeded(self) -> bool:
        return any(slot.options.seed is None for slot in self.of(RandomSource.name))

    def in_directory(self, directory: str) -> "Configuration":
        return Configuration(self.slots, directory)

    def with_seed(self, seed: int) -> "Configuration":
        return self._with(
            lambda slot: slot.seeded(f"seed={seed}") if slot.device == RandomSource.name else slot
        )

    def with_overlays(self, slots: Collection[int]) -> "Configuration":
        return self._with(lambda slot: slot.overlaid() if slot.slot in slots else slot)

    def _with(self, change: Callable[[SlotConfiguration], SlotConfiguration]) -> "Configuration":
        return Configuration([change(slot) for slot in self.slots], self.directory)


def read_configuration(path: str | Path, overrides: Sequence[str] = ()) -> Configuration:
    """Read a file; `overrides` are options -C, "SLOT:ARGUMENT". ConfigurationError otherwise.

    Relative paths in it are relative to the current directory, as System/161 has it.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", errors="surrogateescape") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except OSError as error:
        raise ConfigurationError(
            f"cannot read configuration {path}: {error.strerror}; name another with -c"
        ) from None
    if len(text) > MOST_CHARACTERS:
        raise ConfigurationError(
            f"configuration {path}: more than {MOST_CHARACTERS >> 10}K; name another with -c"
        )
    return parse_configuration(text, str(path), overrides)


def parse_configuration(
    text: str, source: str = "sys161.conf", overrides: Sequence[str] = ()
) -> Configuration:
    """Parse and check a configuration; ConfigurationError says source, line and what is wrong."""
    extra = _overrides(overrides)
    slots: dict[int, SlotConfiguration] = {}
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{source}: line {number}"
        if len(line) > LONGEST_LINE:
            raise ConfigurationError(f"{place}: longer than {LONGEST_LINE} characters")
        if "\0" in line:
            raise ConfigurationError(f"{place}: holds a NUL character; is this a text file?")
        words = line.partition("#")[0].split()
        if not words:
            continue
        slot = parse_line(words, place, extra)
        if slot.slot in slots:
            raise ConfigurationError(
                f"{place}: slot {slot.slot} is already in use by {slots[slot.slot].device}"
            )
        slots[slot.slot] = slot
    for slot_number, words in extra.items():
        if slot_number not in slots:
            raise ConfigurationError(
                f"-C {slot_number}:{words[0]}: no device in slot {slot_number} of {source}"
            )
    if CONTROLLER_SLOT not in slots:
        raise ConfigurationError(
            f"{source}: no mainboard; add a line such as '31 mainboard ramsize=1M cpus=1'"
        )
    return Configuration(list(slots.values()))


def parse_line(
    words: list[str], place: str, extra: Mapping[int, list[str]] | None = None
) -> SlotConfiguration:
    """Read the words of a line; `extra` are further arguments by slot. ConfigurationError, which
    begins with `place`, otherwise."""
    if len(words) > MOST_WORDS:
        raise ConfigurationError(f"{place}: more than {MOST_WORDS} words")
    try:
        slot = c_number(words[0])
    except ValueError:
        slot = -1
    if not 0 <= slot < SLOTS:
        raise ConfigurationError(
            f"{place}: expected a slot number from 0 to {SLOTS - 1}, got {words[0]!r}"
        )
    if len(words) == 1:
        raise ConfigurationError(f"{place}: expected a device name after slot {slot}")
    name = words[1]
    if name not in CARDS:
        raise ConfigurationError(
            f"{place}: no such device {name!r}; there are {', '.join(sorted(CARDS))}"
        )
    if name in CONTROLLERS and slot != CONTROLLER_SLOT:
        raise ConfigurationError(f"{place}: {name} must go in slot {CONTROLLER_SLOT}")
    if name not in CONTROLLERS and slot == CONTROLLER_SLOT:
        raise ConfigurationError(
            f"{place}: slot {CONTROLLER_SLOT} is for the mainboard; put {name} elsewhere"
        )
    found = SlotConfiguration(slot, name, words[2:] + (extra or {}).get(slot, []), place)
    _ = found.options  # which refuses what is wrong
    return found


def _overrides(overrides: Iterable[str]) -> dict[int, list[str]]:
    extra: dict[int, list[str]] = {}
    for override in overrides:
        text, colon, argument = override.partition(":")
        try:
            slot = int(text)
        except ValueError:
            slot = -1
        if not colon or not argument or not 0 <= slot < SLOTS:
            raise ConfigurationError(
                f"-C {override}: expected SLOT:ARGUMENT with a slot from 0 to {SLOTS - 1}"
            )
        extra.setdefault(slot, []).append(argument)
    return extra
