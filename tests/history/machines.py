"""Machines with something going on in them, to be saved."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from kseg import Machine
from kseg.history.files import SnapshotFile, open_snapshot
from kseg.history.format import PREAMBLE_SIZE, VERSION, digest, pack, page_digests
from kseg.history.state import Header

EPOCH = 1_700_000_000
SCRIPT = "echo begin > a:/f; primes 60; cat a:/f; date; fault; echo end\r"


@contextmanager
def busy(cycles: int = 400_000, **options: Any) -> Iterator[Machine]:
    """cms, with a script being typed into it."""
    chosen = {"seed": 5, "epoch": EPOCH, "ram": "1M", "engine": "interpreter", **options}
    with Machine("cms", input=SCRIPT, **chosen) as machine:
        machine.run(cycles=cycles)
        yield machine


def everything(machine: Machine) -> dict[str, Any]:
    """What must be the same in a machine that goes on from a snapshot."""
    board = machine.board
    return {
        "state": msgspec.structs.replace(board.save(), configuration=""),
        "queued": board.input_port.queued(),
        "paced_input": machine.paced_input.save(),
        "cycles": machine.cycles,
    }


def packed_again(file: SnapshotFile, header: Header | dict[str, Any]) -> bytes:
    """The same pages with another header, whose digest is right."""
    if isinstance(header, Header):
        pages = file.pages()
        names = page_digests(file.header)[: file.header.stored]
        return pack(header, [pages[name] for name in names])
    packed = msgspec.msgpack.encode(header)
    body = file.path.read_bytes()[-file.body_size :] if file.body_size else b""
    signed = b"KSEGSNAP" + VERSION.to_bytes(4, "little")
    signed += len(packed).to_bytes(4, "little") + len(body).to_bytes(8, "little")
    return signed + digest(signed + packed) + packed + body


def saved(machine: Machine, path: Path) -> SnapshotFile:
    machine.save(path)
    return open_snapshot(path)


__all__ = ["PREAMBLE_SIZE", "busy", "everything", "packed_again", "saved"]
