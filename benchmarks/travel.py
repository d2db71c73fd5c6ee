"""How long it takes to go back, anywhere in a long recorded run: printed, never asserted.

A guest that computes most of the time is recorded, replayed once, and then visited at random; from
each place it goes back a few steps, and to the last call of the kernel's exception vector.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path
from statistics import median

from kseg import Machine
from kseg.api.replay import Replay

VECTOR = 0x80000080
STEPS = 4


def milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1e3


def row(name: str, values: list[float], target: str = "") -> None:
    print(f"  {name:<44} {median(values):9.1f} {max(values):9.1f}  {target}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of virtual time")
    parser.add_argument("--places", type=int, default=40)
    parser.add_argument("--memory", type=int, default=256, help="MiB for checkpoints")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        # Five virtual seconds each: the guest allows a program ten.
        count = int(given.minutes * 12) + 1
        script = "dhrystone 1000000; primes 100\r" * count
        with Machine("cms", input=script, ram="16M", epoch=0) as machine:
            machine.record(log)
            started = time.perf_counter()
            machine.run(seconds=60 * given.minutes)
            recorded = milliseconds(started)
            end = machine.cycles
        print(f"{end / 1e9:.2f} G cycles, {given.minutes:g} minutes of virtual time")
        print(f"recorded in {recorded / 1e3:.1f} s, {log.stat().st_size >> 10} kB of log")
        visit(Replay(log), end, given.places, given.memory << 20)


def visit(replay: Replay, end: int, places: int, memory: int) -> None:
    travel = replay.travel(memory=memory)
    started = time.perf_counter()
    travel.run()
    print(
        f"replayed once in {milliseconds(started) / 1e3:.1f} s: {len(travel.checkpoints)}"
        f" checkpoints, {travel.checkpoints.size >> 20} of {memory >> 20} MiB"
    )
    chance = random.Random(1)
    going, first, steps, searching = [], [], [], []
    for _ in range(places):
        started = time.perf_counter()
        travel.go_to(chance.randrange(end))
        going.append(milliseconds(started))
        started = time.perf_counter()
        travel.step_back()
        first.append(milliseconds(started))
        for _ in range(STEPS):
            started = time.perf_counter()
            travel.step_back()
            steps.append(milliseconds(started))
        started = time.perf_counter()
        travel.run_back([VECTOR])
        searching.append(milliseconds(started))
    print(f"{'ms, at ' + str(places) + ' places':<46} {'median':>9} {'worst':>9}")
    row("go to a cycle", going)
    row("the first step back from there", first, "target 100")
    row("further steps back", steps, "target 100")
    row("back to the last exception", searching)


if __name__ == "__main__":
    main()
