"""How much memory a machine with 4 MiB of RAM takes, and each further one.

    python benchmarks/memory.py [--json FILE]

The target is 60 MB for a process with one machine that has booted cms, the interpreter coming
from the cache. Linux only.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from kseg.bench.process import run
from kseg.bench.report import table
from shared import BENCHMARKS, verdict, write_json

TARGET = 60e6
MACHINES = 20

MANY = f"""
import json
from pathlib import Path
from kseg import Machine

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))

machines, sizes = [], []
for _ in range({MACHINES}):
    machine = Machine("cms", "halt")
    machine.run()
    machines.append(machine)
    sizes.append(resident())
print(json.dumps(sizes))
"""
"""Prints the process's size after each of several machines, all of them kept."""


def probe(cache: Path | None = None) -> dict[str, Any]:
    """Boot cms in a fresh process; with `cache`, that is where the interpreter is kept."""
    environment = {"KSEG_CACHE_DIR": str(cache)} if cache else None
    command = (sys.executable, BENCHMARKS / "probe.py", "cms", "halt")
    result: dict[str, Any] = json.loads(run(command, environment=environment).output)
    return result


def megabytes(size: float) -> str:
    return f"{size / 1e6:.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    wanted = parser.parse_args()
    probe()  # fills the cache
    one = probe()
    with tempfile.TemporaryDirectory(prefix="kseg-benchmarks-") as empty:
        first = probe(Path(empty) / "cache")
    sizes = json.loads(run((sys.executable, "-c", MANY)).output)
    each = (sizes[-1] - sizes[0]) / (len(sizes) - 1)

    largest = one["largest_memory"]
    rows = [[f"after: {name}", megabytes(size), "", ""] for name, size in one["memory"].items()]
    met = verdict(largest, TARGET)
    rows.append(["largest", megabytes(largest), megabytes(TARGET), met])
    rows.append(["largest at the first start", megabytes(first["largest_memory"]), "", ""])
    rows.append(["each further machine", megabytes(each), "", ""])
    print(table(["megabytes resident", "measured", "target", ""], rows))
    write_json(wanted.json, {"one": one, "first_start": first, "many": sizes, "further": each})
    return 0


if __name__ == "__main__":
    sys.exit(main())
