"""What a board is built from: the options that users have, and the configuration they come to.

Every board has its own configurations, and says here what others want to know of one: what it has
of the host's, and what has to be changed where a machine is repeated or copied.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import msgspec

from kseg import checks
from kseg.errors import ConfigurationError
from kseg.machine.arguments import Argument, Arguments, size_in_bytes

MOST_BYTES = 1 << 32
LEAST_SEED, MOST_SEED = -(1 << 63), (1 << 64) - 1

PAGE_SIZE = 4096
DEFAULT_RAM = 4 << 20
MOST_RAM = 0x1FC00000
"""Where an R3000 begins after a reset."""


class DiskSize(int):
    """Bytes of a disk in memory, where there is no image file."""


class BoardOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a user wants of a machine; what is None or empty stays as the configuration has it.
    ArgumentError or another ConfigurationError for what makes no sense on any board."""

    cpus: int | None = None
    ram: int | None = None
    """Bytes, or a text such as "8M"."""
    disks: Sequence[str | Path | DiskSize] = ()
    """For the drives that there are, in order, then for new ones."""
    scratch_disk: bool = False
    """Whether there is to be a disk in memory where there is none at all."""
    share: Path | None = None
    """A directory of the host's for the guest."""
    overlay: bool = False
    """Whether what is written to disk images stays in memory."""
    devices: Mapping[int, Any] | None = None
    """Further devices by slot: classes, or texts as in the configuration."""
    seed: int | str | None = None
    """Of the random source; "auto": the host's choice."""
    fpu: str | None = None
    """The floating-point unit, where a board has some to choose from."""

    def __post_init__(self) -> None:
        sizes = isinstance(self.disks, list) and any(isinstance(d, DiskSize) for d in self.disks)
        checks.settle(
            self,
            cpus=None if self.cpus is None else checks.whole("cpus", self.cpus, 1),
            ram=None if self.ram is None else size_of("ram", self.ram),
            disks=self.disks if sizes else checks.paths("disks", self.disks),
            share=None if self.share is None else checks.path("share", self.share),
            overlay=checks.flag("overlay", self.overlay),
            seed=None if self.seed is None else _seed(self.seed),
            fpu=None if self.fpu is None else checks.text("fpu", self.fpu),
        )
        checks.mapping("devices", self.devices or {})


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


class Drive(msgspec.Struct, frozen=True):
    """A disk drive: the image file that it has, if any; `given` is the number of the disk in
    `BoardOptions.disks` that it has got."""

    slot: int
    file: str | None
    overlaid: bool = False
    given: int | None = None


class Share(msgspec.Struct, frozen=True):
    """A directory of the host's that a guest can reach; `text` is what the configuration says."""

    slot: int
    directory: str
    text: str = ""


class Configuration(Protocol):
    """A board's configuration, as others see it."""

    @property
    def board(self) -> str:
        """The board's name."""
        ...

    @property
    def directory(self) -> str:
        """What relative paths are relative to."""
        ...

    @property
    def ram_size(self) -> int:
        """Bytes."""
        ...

    @property
    def processors(self) -> int:
        """How many there are."""
        ...

    @property
    def drives(self) -> Sequence[Drive]:
        """By slot."""
        ...

    @property
    def shares(self) -> Sequence[Share]: ...

    @property
    def has_network(self) -> bool:
        """Whether it has network cards, which reach for hubs of the host's."""
        ...

    @property
    def autoseeded(self) -> bool:
        """Whether its random source asks the host for a seed."""
        ...

    def text(self) -> str:
        """A text from which the board's `read_configuration` makes the same."""
        ...

    def in_directory(self, directory: str) -> Self:
        """The same, with other paths."""
        ...

    def with_seed(self, seed: int) -> Self:
        """The same with a seed for the random source, if it has one."""
        ...

    def with_overlays(self, slots: Collection[int]) -> Self:
        """The same, but what is written to image files in these drives stays in memory."""
        ...


class PlainConfiguration(msgspec.Struct, frozen=True):
    """That of a board with nothing to choose but its RAM, the number of its processors, and which
    floating-point unit they have, if there are several."""

    board: str
    ram_size: int = DEFAULT_RAM
    processors: int = 1
    directory: str = "."
    fpu: str = ""

    drives = shares = ()
    has_network = autoseeded = False

    @classmethod
    def read(
        cls,
        board: str,
        text: str,
        source: str,
        usual_ram: int = DEFAULT_RAM,
        units: Collection[str] = (),
    ) -> Self:
        """What `text` says; ConfigurationError, which begins with `source`, otherwise. RAM has
        `usual_ram` bytes where nothing is said of it, and the floating-point unit is the first of
        `units`."""
        declared = [
            Argument("ram", "size", "memory", usual_ram, PAGE_SIZE, MOST_RAM),
            Argument("cpus", "number", "processors", 1, 1, 1),
        ]
        if units:
            declared.append(Argument("fpu", "text", "floating-point unit", next(iter(units))))
        said = Arguments(board, text.split(), source).read(declared)
        if units and said["fpu"] not in units:
            raise ConfigurationError(f"{source}: fpu={said['fpu']}: there are {', '.join(units)}")
        if said["ram"] % PAGE_SIZE:
            raise ConfigurationError(f"{source}: ram: not a multiple of {PAGE_SIZE} bytes")
        return cls(board, said["ram"], said["cpus"], fpu=said.get("fpu", ""))

    def text(self) -> str:
        unit = f" fpu={self.fpu}" if self.fpu else ""
        return f"ram={self.ram_size} cpus={self.processors}{unit}\n"

    def in_directory(self, directory: str) -> Self:
        return msgspec.structs.replace(self, directory=directory)

    def with_seed(self, seed: int) -> Self:  # noqa: ARG002
        return self

    def with_overlays(self, slots: Collection[int]) -> Self:  # noqa: ARG002
        return self
