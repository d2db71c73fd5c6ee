"""Digests of a machine's state: a run that is repeated is held against the recorded one by them."""

import hashlib
from typing import Any

import msgspec

from kseg.boards.system161.board import System161
from kseg.devices.disk import DiskState
from kseg.machine.disk_image import DiskContents
from kseg.machine.processor_state import ADDED, save_processor

DIGEST_SIZE = 8
"""Bytes: these tell accidents from each other, and are no proof against forgery."""


def processors_digest(board: System161) -> bytes:
    """Of the processors, and of time: cheap, and off soon after anything else is."""
    parts = (
        [_without_added(save_processor(each)) for each in board.processors],
        board.clock.save(),
        board.random.save(),
        board.powered_off,
    )
    return hashlib.blake2b(msgspec.msgpack.encode(parts), digest_size=DIGEST_SIZE).digest()


def whole_digest(board: System161) -> bytes:
    """Of everything a guest can see, but for what its disks hold."""
    state = board.save()
    found = hashlib.blake2b(digest_size=DIGEST_SIZE)
    for name, contents in state.regions.items():
        found.update(name.encode())
        for number, page in sorted(contents.pages.items()):
            found.update(number.to_bytes(4, "little"))
            found.update(page)
    devices = {
        slot: msgspec.structs.replace(device, contents=_NOTHING)
        if isinstance(device, DiskState)
        else device
        for slot, device in sorted(state.devices.items())
    }
    others = (state.clock, state.random, state.activity, state.doom, state.preemptions)
    rest = ([_without_added(each) for each in state.processors], devices, others)
    found.update(msgspec.msgpack.encode(rest))
    return found.digest()


def _without_added(processor: dict[str, Any]) -> dict[str, Any]:
    """What a log of an earlier version has a digest of."""
    return {name: value for name, value in processor.items() if name not in ADDED}


_NOTHING = DiskContents(0, {})
