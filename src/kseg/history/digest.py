"""Digests of a machine's state: a replay is compared with the recorded run by them.

They are of what is declared (`kseg.machine.board_state`), as far as it was there in the version of
the state with which a log begins: so logs of earlier versions can be checked.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from kseg.engine.state import FIELDS
from kseg.history.snapshot import disk_contents
from kseg.machine.board import Board
from kseg.machine.board_state import OWN, PARTS, BoardState
from kseg.machine.disk_image import DiskContents
from kseg.machine.processor_state import save_processor
from kseg.machine.state import NEWEST, as_of, fields_since
from kseg.platform.digests import blake2b

DIGEST_SIZE = 8
"""Bytes: these tell accidents from each other, and are no proof against forgery."""

_NOTHING = DiskContents(0, {})


def processors_digest(board: Board, version: int = NEWEST) -> bytes:
    """Of the processors, and of time: cheap, and off soon after anything else is."""
    processors = _processors(map(save_processor, board.processors), version)
    times = as_of((board.clock.save(), board.random.save()), version)
    found = msgspec.msgpack.encode((processors, *times, board.state.powered_off))
    return blake2b(found, digest_size=DIGEST_SIZE).digest()


def whole_digest(board: Board, version: int = NEWEST) -> bytes:
    """Of everything a guest can see, but for what its disks hold."""
    state = board.save()
    found = blake2b(digest_size=DIGEST_SIZE)
    for name, contents in state.regions.items():
        found.update(name.encode())
        for number, page in sorted(contents.pages.items()):
            found.update(number.to_bytes(4, "little"))
            found.update(page)
    devices = {
        slot: device
        if disk_contents(device) is None
        else msgspec.structs.replace(device, contents=_NOTHING)
        for slot, device in sorted(state.devices.items())
    }
    since = fields_since(BoardState)
    others = [getattr(state, name) for name in (*PARTS, *OWN) if since[name] <= version]
    rest = (_processors(state.processors, version), *as_of((devices, others), version))
    found.update(msgspec.msgpack.encode(rest))
    return found.digest()


def _processors(saved: Iterable[dict[str, Any]], version: int) -> list[dict[str, Any]]:
    newer = {field.name for field in FIELDS if field.since > version}
    return [{name: each[name] for name in each if name not in newer} for each in saved]
