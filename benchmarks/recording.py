"""What recording costs, how large a log becomes, and how fast it is replayed: printed, never
asserted.

Runs with and without a log follow each other; the cost is the ratio of their medians. An
interactive guest is one at which a user types at the pace of a person, in real time.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from kseg import Machine
from kseg.api.replay import Replay
from kseg.history.log_reader import read_log
from shared import verdict, write_json

WORK = {
    "computing": "primes 60000",
    "printing": "; ".join(["primes 9999"] * 3),
    "system calls": "syscalls 2000000",
}
"""By name, what cms does."""
COST = 1.03
PER_MINUTE = 1_000_000
"""Bytes."""
LINES = ("ls a:", "echo some words that somebody types", "cat a:/f", "primes 50", "date", "sleep 2")


def timed(script: str, path: Path | None) -> float:
    """Processor seconds of a run, with a log or without."""
    with Machine("cms", f"{script}; halt", seed=1, epoch=0, ram="16M") as machine:
        started = time.process_time()
        if path is not None:
            path.unlink(missing_ok=True)
            machine.record(path)
        machine.run()
        if machine.recording is not None:
            machine.recording.finish()
        return time.process_time() - started


def replayed(path: Path) -> float:
    with Replay(path) as replay:
        started = time.process_time()
        replay.machine.run()
        return time.process_time() - started


def cost(script: str, path: Path, rounds: int) -> dict[str, float]:
    """Seconds without and with a log, and of a replay; medians, and ratios of these."""
    times: dict[str, list[float]] = {"plain": [], "recorded": [], "replayed": []}
    timed(script, None)  # The translations of the first run are there for all.
    for number in range(rounds):
        ways: list[tuple[str, Callable[[], float]]] = [
            ("plain", lambda: timed(script, None)),
            ("recorded", lambda: timed(script, path)),
        ]
        for name, run in ways if number % 2 else ways[::-1]:
            times[name].append(run())
        times["replayed"].append(replayed(path))
    found = {name: median(each) for name, each in times.items()}
    return {
        **found,
        "cost": found["recorded"] / found["plain"],
        "replay": found["replayed"] / found["plain"],
        "size": path.stat().st_size,
    }


def interactive(path: Path, seconds: float, *, full: bool) -> dict[str, Any]:
    """Bytes of a minute's log, at the pace of a person who types all the time."""
    rng = random.Random(1)
    with Machine("cms", "format a:; echo words > a:/f", ram="16M", pace="real") as machine:
        machine.monitor.wait_for_input = True
        machine.run(until="cms> ")
        if full:
            machine.memory.write(1 << 20, rng.randbytes(15 << 20))
        machine.record(path)
        began, done = path.stat().st_size, threading.Event()

        def person() -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for byte in rng.choice(LINES).encode() + b"\r":
                    machine.board.input_port.type(bytes([byte]))
                    time.sleep(rng.uniform(0.05, 0.2))
            done.set()
            machine.board.input_port.close()

        threading.Thread(target=person).start()
        machine.run(until=done.is_set)
    grown = path.stat().st_size - began
    return {
        "begin": began,
        "minute": grown * 60 / seconds,
        "inputs": len(read_log(path).history.inputs),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=60, help="of typing")
    parser.add_argument("--json", metavar="FILE")
    wanted = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="kseg-benchmarks-") as name:
        path = Path(name) / "log"
        print(f"{'':<14}{'plain, s':>10}{'recorded':>10}{'replayed':>10}{'cost':>8}{'log, kB':>9}")
        for work, script in WORK.items():
            found = results[work] = cost(script, path, wanted.rounds)
            print(
                f"{work:<14}{found['plain']:>10.3f}{found['recorded']:>10.3f}"
                f"{found['replayed']:>10.3f}{found['cost']:>8.3f}{found['size'] / 1e3:>9.0f}"
                f"  {verdict(found['cost'], COST)} ({COST})"
            )
        for full in (False, True):
            path.unlink(missing_ok=True)
            found = interactive(path, wanted.seconds, full=full)
            what = "15 MiB in use" if full else "hardly any memory in use"
            results[f"interactive, {what}"] = found
            print(
                f"interactive, {what}: {found['minute'] / 1e3:.0f} kB a minute after"
                f" {found['begin'] / 1e3:.0f} kB of state, {found['inputs']} keys"
                f"  {verdict(found['minute'], PER_MINUTE)} ({PER_MINUTE // 1000} kB)"
            )
    write_json(wanted.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
