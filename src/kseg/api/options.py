"""What machines are made with: options in groups, each of them checked where it is made.

A program that makes a machine, boots it from a snapshot or adds it to a host says what differs from
the usual as keywords, or as a dictionary of them (`MachineOptions` and the like tell editors and
type checkers which there are). The same words mean the same everywhere. Here they become the groups
that the parts of a machine are made from.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import msgspec

from kseg import checks
from kseg import engine as engines
from kseg import monitor as monitors
from kseg.boards import DEFAULT, board_named
from kseg.errors import ConfigurationError
from kseg.isa.values import WORD
from kseg.machine.clock import SECOND, TimeModel
from kseg.machine.configuration import BoardOptions
from kseg.monitor.pace import PACES

if TYPE_CHECKING:
    from kseg.devices import Device
    from kseg.machine.configuration import Configuration

MOST_SHARE = 1_000_000
"""Percent: enough for a compiler that is started at once."""
MOST_QUANTUM = 1 << 32

Names = str | Path | Sequence[str | Path]
"""A path, or several."""


# What users say.


class HostFileOptions(TypedDict, total=False):
    """What a machine has of the host's."""

    disks: Names
    """Image files, for the drives in the order of their slots, then for new ones."""
    share: str | Path | None
    """A directory that the guest can reach through the emulator file system."""
    overlay: bool
    """Leave disk images alone: what is written to them stays in the machine's memory."""


class HardwareOptions(HostFileOptions, total=False):
    """What the machine is: a configuration, with changes."""

    board: str
    """One of `kseg.boards.BOARDS` (docs/own-boards.md); "system161" is the usual one."""
    config: "str | Path | Configuration | None"
    """The path of a `sys161.conf`. Without one there are 4 MiB, one processor, console, timer,
    random source and, for a bundled guest, an empty disk in memory."""
    cpus: int | None
    ram: str | int | None
    """In bytes, or as a text such as "8M"."""
    devices: "Mapping[int, str | type[Device]] | None"
    """Further cards by slot: classes of your own, or texts as in `sys161.conf`."""
    seed: int | str | None
    """Of the random source; "auto" for a new one."""
    fpu: str | None
    """The floating-point unit of a board that has some to choose from: of a decstation "complete",
    the usual one, "r3010" or "none" (docs/decstation.md)."""
    epoch: int | None
    """The calendar time at power-on, in seconds since 1970 (None: the host's)."""
    doom: int
    """The number of disk writes at which the power fails (0: never)."""
    network: bool
    """Whether network cards reach the hubs that the configuration names."""


class EngineOptions(TypedDict, total=False):
    """What executes the guest's code."""

    engine: str
    """One of `kseg.engine.CHOICES`; "auto", the usual one, is the fastest that this host has."""
    monitor: str | None
    """One of `kseg.monitor.CHOICES`: "bare" is the machine itself. None is the usual one: the bare
    machine, or where a state is taken up, what that was saved under."""
    rewriting: bool
    """Whether a monitor may rewrite instructions that trap often."""
    compiler_share: int
    """The processor time that the translator's compiler may take, in percent of what the process
    uses itself (10; 0: there is none)."""


class RunningOptions(TypedDict, total=False):
    """How it runs."""

    pace: str
    """"fast" skips idle time; "real" lets an idle virtual second last a second, "system161" only
    where the guest waits for nothing but its clocks."""
    progress_timeout: int
    """The virtual seconds without a user-mode instruction after which a warning comes, and twice
    which the machine stops (0: never)."""
    stop_for_debugger: bool
    """Whether it stops where the guest asks for a debugger."""


class RestoreOptions(HostFileOptions, EngineOptions, RunningOptions, total=False):
    """The keywords of `Machine.from_snapshot`."""

    trust: bool
    """Whether files and directories that the snapshot names are opened, where none are given."""


class MachineOptions(HardwareOptions, EngineOptions, RunningOptions, total=False):
    """The keywords of `Machine`."""

    quantum: int
    """The length of a processor's turn in cycles, where several run: 1 is what System/161 does, a
    thousand and more let each run translated code."""
    input: str | bytes
    """Typed as the guest takes it."""


class ShareOptions(TypedDict, total=False):
    """What a guest gets of its host's processor, in instructions a virtual second: a number, or a
    text such as "5M" or "20%" of the machine."""

    weight: int
    """Its part, beside the others' weights, of what is left after reservations (100)."""
    cap: int | str | None
    """The most it can have."""
    reservation: int | str
    """What it has before the others."""


class GuestOptions(HardwareOptions, ShareOptions, total=False):
    """The keywords of `Host.add`."""

    monitor: str | None
    """"hybrid" or "trap-and-emulate"; None: the latter for a kernel that is linked for it."""
    progress_timeout: int
    """As `RunningOptions` has it."""
    input: str | bytes
    """Typed as the guest takes it."""


class RestoredGuestOptions(HostFileOptions, ShareOptions, total=False):
    """The keywords of `Host.restore`."""

    monitor: str | None
    """As `GuestOptions` has it; None: what the state was saved under."""
    trust: bool
    """As `RestoreOptions` has it."""


# What becomes of it.


class Hardware(BoardOptions, frozen=True, kw_only=True):
    """What the machine is, from `HardwareOptions`."""

    board: str = DEFAULT
    config: "Path | Configuration | None" = None
    epoch: int | None = None
    doom: int = 0
    network: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        config, epoch = self.config, self.epoch
        if config is not None and not hasattr(config, "in_directory"):
            config = checks.path("config", config)
        checks.settle(
            self,
            board=checks.text("board", getattr(config, "board", self.board)),
            config=config,
            epoch=None if epoch is None else checks.whole("epoch", epoch, 0, WORD),
            doom=checks.whole("doom", self.doom),
            network=checks.flag("network", self.network),
        )

    def configuration(self, **others: Any) -> "Configuration":
        """The machine's configuration, with other `BoardOptions` instead of some;
        ConfigurationError where there can be none."""
        wanted = msgspec.structs.replace(self, **others)
        return board_named(self.board).configure(self.config, wanted)


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """What executes the guest's code, from `EngineOptions` and `quantum`."""

    engine: str = engines.AUTOMATIC
    monitor: str = monitors.BARE
    rewriting: bool = True
    compiler_share: int = engines.COMPILER_SHARE
    quantum: int = 1

    def __post_init__(self) -> None:
        quantum = checks.whole("quantum", self.quantum, most=MOST_QUANTUM)
        if quantum < 1:
            raise ConfigurationError(f"quantum {quantum}: a turn has at least one cycle")
        checks.settle(
            self,
            engine=choice("engine", self.engine, engines.CHOICES),
            monitor=choice("monitor", self.monitor, monitors.CHOICES),
            rewriting=checks.flag("rewriting", self.rewriting),
            compiler_share=checks.whole("compiler_share", self.compiler_share, most=MOST_SHARE),
            quantum=quantum,
        )


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """How it runs, from `RunningOptions`."""

    pace: str = "fast"
    progress_timeout: int = 0
    stop_for_debugger: bool = False

    def __post_init__(self) -> None:
        checks.settle(
            self,
            pace=choice("pace", self.pace, PACES),
            progress_timeout=checks.whole("progress_timeout", self.progress_timeout),
            stop_for_debugger=checks.flag("stop_for_debugger", self.stop_for_debugger),
        )


Group = TypeVar("Group", bound=msgspec.Struct)


def group(kind: type[Group], options: Mapping[str, Any], **usual: Any) -> Group:
    """A group of what `options` say of it; where they say nothing, or None, what is `usual`."""
    given = {
        name: options[name] for name in kind.__struct_fields__ if options.get(name) is not None
    }
    return kind(**{**usual, **given})


def check_names(options: Mapping[str, Any], known: type) -> None:
    """Raise ArgumentError unless `known`, a TypedDict, has all of them."""
    names: Mapping[str, Any] = known.__annotations__
    for name in options:
        if name not in names:
            raise checks.ArgumentError(f"no option {name!r}{_nearest(name, sorted(names))}")


def _nearest(name: str, names: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"


def choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """One of some names; ConfigurationError otherwise."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigurationError(
            f"{name} {checks.shown(value)}: no such {name}; there are {', '.join(choices)}"
        )
    return value


def boot_string(arguments: Any) -> str:
    """One text, or several joined by blanks."""
    if isinstance(arguments, str):
        return checks.text("arguments", arguments)
    words = checks.several("arguments", arguments, "text, or a list of texts")
    return " ".join(checks.text("arguments", word) for word in words)


def limit_of(cycles: Any, seconds: Any, model: TimeModel) -> int | None:
    """So many cycles of a board's at the most; None without a limit."""
    limits = []
    if cycles is not None:
        limits.append(checks.cycles_of("cycles", cycles))
    if seconds is not None:
        nanoseconds = int(checks.seconds("seconds", seconds) * SECOND)
        limits.append(nanoseconds // model.nanoseconds_per_cycle)
    return min(limits, default=None)
