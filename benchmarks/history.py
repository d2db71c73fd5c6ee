"""How long snapshots and clones take, and what a clone needs: printed, never asserted.

Two guests of 16 MiB: cms at its prompt, which has touched little of it, and the same with every
page full of random bytes, the worst there is.
"""

import argparse
import gc
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from kseg import Machine
from kseg.history import files

CLONES = 64
PAGE = 4096


def measured(action: Callable[[], object], repeat: int) -> str:
    """The median and the least time, in ms."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        result = action()
        times.append(time.perf_counter() - started)
        if isinstance(result, Machine):
            result.close()
        del result
    return f"{median(times) * 1e3:8.2f} {min(times) * 1e3:8.2f}"


def resident() -> int:
    """kB of this process and of its layers of RAM, each counted once."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def clone_size(machine: Machine) -> float:
    """kB that an idle clone takes."""
    machine.fork().close()
    gc.collect()
    before = resident()
    clones = [machine.fork() for _ in range(CLONES)]
    gc.collect()
    found = (resident() - before) / CLONES
    for clone in clones:
        clone.close()
    return found


def row(name: str, text: str, target: str = "") -> None:
    print(f"  {name:<42} {text:<18} {target}")


def measure(machine: Machine, folder: Path, repeat: int) -> None:
    path, base = folder / "snapshot", folder / "base"
    machine.save(base)
    row("", "  median    least")
    row("save, ms", measured(lambda: machine.save(path), repeat), "target 20")
    fsync, files.os.fsync = os.fsync, lambda _file: None
    row("the same without waiting for the disk", measured(lambda: machine.save(path), repeat))
    machine.run(cycles=100_000)
    row("with a base", measured(lambda: machine.save(path, base=base), repeat))
    files.os.fsync = fsync
    machine.save(path)
    restored = measured(lambda: Machine.from_snapshot(path), repeat)
    row("restore as a new machine", restored, "target 10")
    row("load into the same machine", measured(lambda: machine.load(path), repeat), "target 10")
    row("fork of a machine at rest", measured(machine.fork, repeat), "target 1")

    def after_a_while() -> str:
        times = []
        for _ in range(repeat):
            machine.run(cycles=200_000)
            started = time.perf_counter()
            machine.fork().close()
            times.append(time.perf_counter() - started)
        return f"{median(times) * 1e3:8.2f} {min(times) * 1e3:8.2f}"

    row("fork each 200 000 cycles", after_a_while(), "target 1")
    row("an idle clone, kB", f"{clone_size(machine):8.0f}", "target 1024")
    print(f"  file: {path.stat().st_size >> 10} kB\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=31)
    wanted = parser.parse_args()
    options = {"ram": "16M", "seed": 1, "epoch": 0}
    with tempfile.TemporaryDirectory(prefix="kseg-benchmarks-") as name:
        for full in (False, True):
            for monitor in ("bare", "hybrid"):
                with Machine("cms", "hog", monitor=monitor, **options) as machine:
                    machine.run(seconds=0.2)
                    if full:
                        machine.memory.write(1 << 20, random.Random(1).randbytes(15 << 20))
                    filled = "15 MiB of random bytes" if full else "hardly any memory in use"
                    print(f"16 MiB, {filled}, {monitor}")
                    measure(machine, Path(name), wanted.repeat)
    return 0


if __name__ == "__main__":
    sys.exit(main())
