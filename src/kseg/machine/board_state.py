"""A board's state, declared: what stands here is saved, loaded, compared, digested, and kept in
snapshots.

A field is added in one line, to `OwnState` if it is a value of the board's, to `PartStates` if the
board has something of that name that saves and loads itself. What only one kind of board has
belongs into one of its devices.
"""

from typing import Annotated, Any

import msgspec

from kseg.machine.clock import ClockState
from kseg.machine.event_queue import Count
from kseg.machine.preemption import Preemption
from kseg.machine.random_generator import RandomState
from kseg.machine.state import Since
from kseg.machine.statistics import DeviceActivity
from kseg.memory.contents import RegionContents

MOST_PROCESSORS = 32
MOST_PREEMPTIONS = 1 << 16
"""That a board can have to come."""
SYSTEM161 = "system161"
"""The board of states that do not say whose they are."""

Slot = Annotated[int, msgspec.Meta(ge=0, le=31)]
Text = Annotated[str, msgspec.Meta(max_length=1 << 16)]
"""A path, or the name of something."""


class OwnState(msgspec.Struct):
    """What a board has beside its parts, with the values at power-on."""

    powered_off: Annotated[bool, Since(4)] = False
    debugger_requested: Annotated[bool, Since(4)] = False
    """Whether the guest ever asked for a debugger; then the exit code is 1."""
    doom: Count = 0
    """Writes to disks after which the power fails; 0 is never."""
    preemptions: Annotated[
        list[Preemption], msgspec.Meta(max_length=MOST_PREEMPTIONS), Since(3)
    ] = []
    """Those to come, in order."""


class PartStates(OwnState, kw_only=True):
    """What its parts save."""

    clock: ClockState
    random: RandomState
    activity: DeviceActivity


class BoardState(PartStates, kw_only=True):
    """A whole machine between two instructions, as plain data.

    `version` says which fields there were when it was saved (`kseg.machine.state`), `configuration`
    is the text of the configuration that it belongs to.
    """

    version: int
    configuration: Annotated[str, msgspec.Meta(max_length=1 << 20)]
    regions: Annotated[dict[Text, RegionContents], msgspec.Meta(max_length=256)]
    processors: Annotated[
        list[
            Annotated[
                dict[Text, int | Annotated[list[int], msgspec.Meta(max_length=64)]],
                msgspec.Meta(max_length=128),
            ]
        ],
        msgspec.Meta(max_length=MOST_PROCESSORS),
    ]
    devices: dict[Slot, Any]
    board: Annotated[str, msgspec.Meta(max_length=64)] = SYSTEM161

    def __repr__(self) -> str:
        pages = sum(len(contents.pages) for contents in self.regions.values())
        return (
            f"<BoardState of {self.board}: {len(self.processors)} CPU, {pages} pages,"
            f" {len(self.devices)} devices>"
        )


OWN = OwnState.__struct_fields__
PARTS = tuple(name for name in PartStates.__struct_fields__ if name not in OWN)
