"""The input log in memory: what came into a machine, as plain data, enough to let it come in again.

There are three kinds. An `Input` comes asynchronously, and is stamped with the moment at
which it was delivered. An `Answer` is what the machine asked for and was told, such as what a file
of the host's holds: it needs no stamp, for the machine asks again. A `Sector` is what a disk image
held where the machine read it first.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from kseg.machine.disk_image import SECTOR_SIZE
from kseg.machine.event_queue import Count

MOST_INPUT, MOST_ANSWER = 1 << 16, 4 << 20
"""Bytes of a packet, or of what a host's file system says."""
Channel = Annotated[str, msgspec.Meta(max_length=64)]


class Input(msgspec.Struct, frozen=True, tag="input"):
    """`data` came in on `channel` when the engine's cycle counter showed `cycle` and virtual time
    was `time` ns."""

    cycle: Count
    time: Count
    channel: Channel
    data: Annotated[bytes, msgspec.Meta(max_length=MOST_INPUT)]


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """The next thing that was said to a question on `channel`."""

    channel: Channel
    data: Annotated[bytes, msgspec.Meta(max_length=MOST_ANSWER)]


class Sector(msgspec.Struct, frozen=True, tag="sector"):
    """What sector `number` of the image in the drive in `slot` held before anything was written to
    it: SECTOR_SIZE bytes."""

    slot: Annotated[int, msgspec.Meta(ge=0, le=31)]
    number: Count
    data: Annotated[bytes, msgspec.Meta(min_length=SECTOR_SIZE, max_length=SECTOR_SIZE)]


Item = Input | Answer | Sector


class Position(msgspec.Struct, frozen=True):
    """How far into a history a machine is: inputs that it was given, answers by channel."""

    inputs: int = 0
    answers: Mapping[str, int] = {}


class InputHistory:
    """All that came in, in order. It grows while a recorder adds to it, and any number of machines
    may be replaying it meanwhile."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self.inputs: list[Input] = []
        self.answers: dict[str, list[bytes]] = {}
        self.sectors: dict[int, dict[int, bytes]] = {}
        """By slot and number."""
        self._last = b""
        for item in items:
            self.add(item)

    def add(self, item: Item) -> None:
        """The next item that came in."""
        if isinstance(item, Input):
            self.inputs.append(item)
        elif isinstance(item, Answer):
            self.answers.setdefault(item.channel, []).append(self._shared(item.data))
        else:
            known = self.sectors.setdefault(item.slot, {})
            known.setdefault(item.number, self._shared(item.data))

    def _shared(self, data: bytes) -> bytes:
        """The same object as the bytes before, if they are equal: disks are mostly zero."""
        if data != self._last:
            self._last = data
        return self._last

    def knows(self, item: Item) -> bool:
        """Whether what an item has to say takes no memory beside that of the last one."""
        return isinstance(item, Answer | Sector) and item.data == self._last

    def copy(self) -> "InputHistory":
        """The same, which goes on by itself."""
        other = InputHistory()
        other.inputs = list(self.inputs)
        other.answers = {channel: list(told) for channel, told in self.answers.items()}
        other.sectors = {slot: dict(known) for slot, known in self.sectors.items()}
        return other

    @property
    def end(self) -> Position:
        """Behind all that is here."""
        return Position(
            len(self.inputs), {channel: len(told) for channel, told in self.answers.items()}
        )
