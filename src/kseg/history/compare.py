"""In what two snapshots differ, from their headers alone: pages are compared by digest."""

from typing import Any

import msgspec

from kseg.history.format import page_digests
from kseg.history.state import Header, StoredDisk, StoredPages
from kseg.machine.board_state import OWN, PARTS

MOST_RUNS = 8
"""Runs of pages that are named."""


def differences(one: Header, other: Header) -> list[str]:
    """A line for each part of the machine that differs; nothing about when, where and by which
    kseg the snapshots were made."""
    lines = []
    if one.origin.kernel != other.origin.kernel:
        lines.append(f"kernel: {one.origin.kernel}, {other.origin.kernel}")
    if one.board.board != other.board.board:
        lines.append(f"board: {one.board.board}, {other.board.board}")
    if one.board.configuration != other.board.configuration:
        lines.append("configuration: differs")
    if one.origin.cycle != other.origin.cycle:
        lines.append(f"cycle: {one.origin.cycle}, {other.origin.cycle}")
    pairs = zip(one.board.processors, other.board.processors, strict=False)
    for number, (mine, theirs) in enumerate(pairs):
        lines += _fields(f"processor {number}", mine, theirs)
    lines += _pages("memory", _regions(one), _regions(other))
    lines += _pages("disk in slot", _disks(one), _disks(other))
    for slot in sorted(one.board.devices.keys() | other.board.devices.keys()):
        states = (_plain(each.board.devices.get(slot)) for each in (one, other))
        lines += _either(f"device in slot {slot}", *states)
    for name in (*PARTS, *OWN):
        parts = [msgspec.to_builtins(getattr(each.board, name)) for each in (one, other)]
        lines += _either(name.replace("_", " "), *parts)
    for name in ("paced_input", "inputs", "disk_files"):
        if getattr(one.origin, name) != getattr(other.origin, name):
            lines.append(f"{name.replace('_', ' ')}: differs")
    return lines


def _plain(state: Any) -> Any:
    """A device's state, of a machine or out of a file, as names and values."""
    try:
        if isinstance(state, msgspec.Raw):
            return msgspec.msgpack.decode(state)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return bytes(state)
    return msgspec.to_builtins(state, builtin_types=(bytes,), str_keys=False)


def _either(what: str, one: Any, other: Any) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        return _fields(what, one, other)
    return [] if one == other else [f"{what}: {_number(one)}, {_number(other)}"]


def _fields(what: str, one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    lines = []
    for name in one.keys() | other.keys():
        mine, theirs = one.get(name), other.get(name)
        if mine == theirs:
            continue
        if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
            for place, (left, right) in enumerate(zip(mine, theirs, strict=True)):
                if left != right:
                    lines.append(f"{what}: {name}[{place}] {_number(left)}, {_number(right)}")
        else:
            lines.append(f"{what}: {name} {_number(mine)}, {_number(theirs)}")
    return sorted(lines)


def _number(value: Any) -> str:
    return f"{value:#x}" if isinstance(value, int) and value > 9 else str(value)[:60]


Contents = dict[str, tuple[int, dict[int, object]]]
"""By name: the size, and what each page is, by number."""


def _regions(header: Header) -> Contents:
    return {name: (p.size, _places(header, p)) for name, p in header.board.regions.items()}


def _disks(header: Header) -> Contents:
    return {
        str(slot): (disk.sectors, _places(header, disk))
        for slot, disk in header.board.disks.items()
    }


def _places(header: Header, stored: StoredPages | StoredDisk) -> dict[int, object]:
    digests = page_digests(header)
    found: dict[int, object] = {}
    for index, (page, place) in enumerate(zip(stored.pages, stored.places, strict=False)):
        mask = stored.masks[index : index + 1] if isinstance(stored, StoredDisk) else b""
        found[page] = (digests[place] if place < len(digests) else b"", mask)
    return found


def _pages(what: str, one: Contents, other: Contents) -> list[str]:
    lines = []
    for name in sorted(one.keys() | other.keys()):
        (size, mine), (other_size, theirs) = one.get(name, (0, {})), other.get(name, (0, {}))
        if size != other_size:
            lines.append(f"{what} {name}: {size}, {other_size} in size")
        numbers = sorted(n for n in mine.keys() | theirs.keys() if mine.get(n) != theirs.get(n))
        if numbers:
            lines.append(f"{what} {name}: {len(numbers)} pages, {_runs(numbers)}")
    return lines


def _runs(numbers: list[int]) -> str:
    """Numbers in ascending order, as "0x3, 0x7-0x9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [f"{a:#x}" if a == b else f"{a:#x}-{b:#x}" for a, b in runs[:MOST_RUNS]]
    return ", ".join(texts) + (", ..." if len(runs) > MOST_RUNS else "")
