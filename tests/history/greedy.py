"""Small files that want much memory, by what there is much of."""

from pathlib import Path
from typing import Any

import msgspec

from kseg import Machine
from kseg.errors import KsegError
from kseg.history import log
from kseg.history.log_reader import read_log
from tests.history.logs import entries, frame
from tests.history.machines import busy, packed_again, saved
from tests.history.mutations import replaced

AT = {"cycle": 100_000, "time": 4_000_000}
SNAPSHOTS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "typing": (("origin", "typist", "pending"), b"x" * 3_000_000),
    "input": (("origin", "inputs"), {"console": [b"x"] * 300_000}),
    "packets": (("origin", "inputs"), {"nic@27": [b"xy"] * 300_000}),
    "handles": (("board", "devices", 1, "handles"), [{"number": 1, "path": [b"f"]}] * 200_000),
    "path": (("board", "devices", 1, "handles"), [{"number": 1, "path": [b"f"] * 1_000_000}]),
    "nothing": (("board", "devices", 0), [[]] * 2_000_000),
    "events": (("board", "clock", "events"), [{}] * 2_000_000),
    "registers": (("board", "processors", 0, "gpr"), [1 << 31] * 300_000),
    "processors": (("board", "processors"), [{}] * 2_000_000),
    "preemptions": (("board", "preemptions"), [{"at": 1}] * 300_000),
    "files": (("origin", "disk_files"), [{}] * 2_000_000),
    "pages": (("board", "regions", "ram", "pages"), list(range(1 << 19))),
}
LOGS: dict[str, tuple[dict[str, Any], int, int]] = {
    "markers": ({"type": "marker", "text": "x" * 4096, **AT}, 4000, 10),
    "wide markers": ({"type": "marker", "text": "\U0001f600" + "x" * 4000, **AT}, 4000, 10),
    "ends": ({"type": "end", "reason": "x" * 4096, "exit_code": 0, **AT}, 3000, 20),
    "digests": ({"type": "digest", "cycle": 100_000, "processors": bytes(4096)}, 4000, 20),
    "channels": ({"type": "answer", "channel": "x" * 4096, "data": b""}, 4000, 20),
    "answers": ({"type": "answer", "channel": "emufs@1", "data": bytes(4096)}, 3900, 3),
    "edits": ({"type": "edit", "cycle": 100_000}, 15_000, 5),
}
KINDS = (*SNAPSHOTS, *LOGS)


def make(kind: str, path: Path) -> None:
    """Write one of them."""
    (path.parent / "share").mkdir(exist_ok=True)
    with busy(100_000, share=path.parent / "share") as machine:
        file = saved(machine, path)
    if kind in SNAPSHOTS:
        header = msgspec.msgpack.decode(msgspec.msgpack.encode(file.header), strict=False)
        data = packed_again(file, replaced(header, *SNAPSHOTS[kind]))
    else:
        entry, count, times = LOGS[kind]
        data = log.MAGIC + log.VERSION.to_bytes(4, "little") + bytes(4)
        data += frame(log.KEYFRAME, path.read_bytes()) + entries([entry] * count) * times
    path.write_bytes(data)


def read(kind: str, path: Path) -> str:
    """What reading it comes to."""
    try:
        if kind in LOGS:
            return read_log(path).problem or "read"
        with Machine.from_snapshot(path, engine="interpreter", share=path.parent / "share") as it:
            it.run(cycles=1000)
            it.save(path.with_suffix(".again"))
        return "loaded"
    except KsegError as error:
        return str(error)
