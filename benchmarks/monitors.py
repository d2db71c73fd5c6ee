"""How fast guests are under the monitors, against the bare machine in the same round.

    python benchmarks/monitors.py [--rounds N] [--json FILE]

Processor time of the guest's run, code cache warm; medians of the rounds' ratios. What costs are
compared with are targets, said and never enforced.
"""

import argparse
import sys
import time
from statistics import median
from typing import Any

from kseg import Machine
from kseg.bench.report import number, table
from kseg.compare.exits import start_timing, work
from kseg.compare.stopwatch import TickRate
from shared import write_json

WAYS = {
    "bare": ("cms", "bare", True),
    "hybrid": ("cms", "hybrid", True),
    "trapping": ("cms-kuseg", "trap-and-emulate", False),
    "rewriting": ("cms-kuseg", "trap-and-emulate", True),
}
"""By name: the guest, its monitor, and whether that rewrites."""
COMPUTING = ["dhrystone 3000000", "crc 20000000", "primes 60000"]
OPERATING = ["syscalls 1000000", "switches 200000", "spawn 3000", "faults 40000"]
MISSING = ["misses 3000000", "matmul 300"]
"""Nothing but TLB misses: the worst that a guest can do."""
TARGETS = {"computing": {"hybrid": 0.95}, "operating": {"hybrid": 0.6, "rewriting": 0.3}}


def run(way: str, command: str, *, timed: bool = False) -> tuple[float, dict[str, float]]:
    """Seconds of processor time, and, if `timed`, nanoseconds by kind of exit."""
    guest, monitor, rewriting = WAYS[way]
    with Machine(guest, f"{command}; halt", monitor=monitor, rewriting=rewriting) as machine:
        if timed:
            start_timing(machine)
        rate = TickRate()
        began = time.process_time()
        machine.run()
        seconds = time.process_time() - began
        done = work(machine, rate.nanoseconds_per_tick())
        return seconds, {
            kind: each.nanoseconds
            for kind, each in done.exits.items()
            if each.nanoseconds is not None and each.count > 1000
        }


def ratios(command: str, rounds: int) -> dict[str, float]:
    """Each way's speed divided by the bare machine's."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for way in WAYS:
        run(way, command)
    for _ in range(rounds):
        seconds = {way: run(way, command)[0] for way in WAYS}
        for way in WAYS:
            found[way].append(seconds["bare"] / seconds[way])
    return {way: median(each) for way, each in found.items()}


def costs(rounds: int) -> dict[str, dict[str, float]]:
    """Nanoseconds of each kind of exit, by way."""
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for way in ("trapping", "rewriting", "hybrid"):
            for kind, cost in run(way, "syscalls 300000; misses 300000", timed=True)[1].items():
                found.setdefault(way, {}).setdefault(kind, []).append(cost)
    return {
        way: {kind: median(each) for kind, each in kinds.items()} for way, kinds in found.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    wanted = parser.parse_args()
    results: dict[str, Any] = {}
    groups = {"computing": COMPUTING, "operating": OPERATING, "TLB misses": MISSING}
    for group, commands in groups.items():
        speeds = {command: ratios(command, wanted.rounds) for command in commands}
        results[group] = speeds
        rows = [
            [command, *(f"{speed[way]:.2f}" for way in WAYS)] for command, speed in speeds.items()
        ]
        targets = TARGETS.get(group, {})
        rows.append(["target", *(f"{targets[way]:.2f}" if way in targets else "" for way in WAYS)])
        print(table([f"{group}: speed / bare", *WAYS], rows), end="\n\n", flush=True)
    results["costs"] = found = costs(wanted.rounds)
    kinds = list(dict.fromkeys(kind for each in found.values() for kind in each))
    rows = [
        [kind, *(number(found[way][kind]) if kind in found[way] else "" for way in found)]
        for kind in kinds
    ]
    print(table(["nanoseconds an exit", *found], rows))
    write_json(wanted.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
