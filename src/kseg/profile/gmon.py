"""Profiles for GNU gprof: the file gmon.out (GNU gprof's manual, "Profiling Data File Format").

Byte order and sizes are the guest's. Calls are counted where they are in a sample's back-trace:
gprof's number of calls is how often a call was found to be under way.
"""

import struct
from collections import Counter
from collections.abc import Mapping

BIN = 16
"""Bytes of code that share a counter, as in System/161."""
MOST = 0xFFFF
"""What a counter holds."""
MOST_CODE = 16 << 20

_HISTOGRAM, _ARC = b"\0", b"\1"


def gmon(
    addresses: Mapping[int, int],
    arcs: Mapping[tuple[int, int], int],
    *,
    low: int,
    high: int,
    hz: int,
    byte_order: str = "big",
) -> bytes:
    """The file's bytes: samples by address from `low` to `high`, `hz` a second, and calls by where
    they are and whom they call."""
    prefix = ">" if byte_order == "big" else "<"
    low -= low % BIN
    bins = max(min(-(-(high - low) // BIN), MOST_CODE // BIN), 1)
    high = low + bins * BIN
    counts: Counter[int] = Counter()
    for address, count in addresses.items():
        if low <= address < high:
            counts[(address - low) // BIN] += count
    parts = [b"gmon", struct.pack(prefix + "I", 1), bytes(12)]
    # gprof adds up histograms of the same code: what a counter does not hold goes into another one.
    while True:
        parts += [_HISTOGRAM, struct.pack(prefix + "4I15sc", low, high, bins, hz, b"seconds", b"s")]
        some = [min(counts[number], MOST) for number in range(bins)]
        parts.append(struct.pack(f"{prefix}{bins}H", *some))
        counts = Counter({number: left - MOST for number, left in counts.items() if left > MOST})
        if not counts:
            break
    for (calling, called), count in sorted(arcs.items()):
        if low <= calling < high:
            parts += [_ARC, struct.pack(prefix + "3I", calling, called, min(count, 0xFFFFFFFF))]
    return b"".join(parts)
