"""How long `kseg run cms halt` takes from the shell and back, and what the time goes into.

    python benchmarks/startup.py [--json FILE]

Shown are the median of the processor time and the least of the time on the wall, which on a busy
machine is nearest to what an idle one takes. The targets: 0.2 s, and 2 s for the first start
ever, when the interpreter is compiled.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from kseg.bench.kseg_peer import Kseg
from kseg.bench.process import Run, run
from kseg.bench.report import table
from shared import BENCHMARKS, verdict, write_json

BOOT = ("run", "cms", "halt")
WARM_TARGET = 0.2
FIRST_TARGET = 2.0
KSEG = Kseg("auto").executable


def measure(repeat: int, empty: Path) -> dict[str, list[Run]]:
    """Runs of each kind in turn. `empty` is a directory for caches that do not exist yet."""
    commands: dict[str, Sequence[str]] = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "kseg --help": (KSEG, "--help"),
        "kseg run cms halt": (KSEG, *BOOT),
    }
    run(commands["kseg run cms halt"])  # fills the cache
    runs: dict[str, list[Run]] = defaultdict(list)
    for number in range(repeat):
        for name, command in commands.items():
            runs[name].append(run(command))
        if number < 3:
            cache = {"KSEG_CACHE_DIR": str(empty / str(number))}
            runs["the same, first start"].append(run((KSEG, *BOOT), environment=cache))
    return runs


def start_table(runs: dict[str, list[Run]]) -> str:
    rows = []
    targets = {"kseg run cms halt": WARM_TARGET, "the same, first start": FIRST_TARGET}
    for name, several in runs.items():
        least = min(each.wall_time for each in several)
        row = [name, seconds(median(each.processor_time for each in several)), seconds(least)]
        target = targets.get(name)
        if target is None:
            row += ["", ""]
        else:
            row += [seconds(target), verdict(least, target)]
        rows.append(row)
    return table(["milliseconds", "processor", "wall", "target", ""], rows)


def phases(repeat: int) -> dict[str, float]:
    """The median processor time of each phase of a boot."""
    several = [
        json.loads(run((sys.executable, BENCHMARKS / "probe.py", "cms", "halt")).output)
        for _ in range(repeat)
    ]
    return {
        name: median(each["seconds"][name] for each in several) for name in several[0]["seconds"]
    }


def imports() -> dict[str, float]:
    """What importing costs, by module, each without what it imports itself."""
    output = run((sys.executable, "-X", "importtime", KSEG, *BOOT)).output
    costs = {}
    for line in output.splitlines():
        fields = line.removeprefix("import time:").split("|")
        if len(fields) == 3 and fields[0].strip().isdigit():
            costs[fields[2].strip()] = int(fields[0]) / 1e6
    return costs


def by_package(costs: dict[str, float]) -> dict[str, float]:
    """Import costs by package, the dearest first."""
    sums: dict[str, float] = defaultdict(float)
    for module, cost in costs.items():
        package = module.partition(".")[0]
        sums["standard library" if package in sys.stdlib_module_names else package] += cost
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def seconds(value: float) -> str:
    """Shown as milliseconds."""
    return f"{value * 1000:.1f}"


def cost_table(heading: str, costs: dict[str, float]) -> str:
    rows = [[name, seconds(cost)] for name, cost in costs.items()]
    return table([heading, "milliseconds"], rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=15, help="runs of everything")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kseg-benchmarks-") as empty:
        runs = measure(wanted.repeat, Path(empty))
    parts = phases(wanted.repeat)
    # Of several, the quickest: imports are not disturbed in our favour.
    costs = min((imports() for _ in range(5)), key=lambda each: sum(each.values()))
    dearest = dict(sorted(costs.items(), key=lambda item: -item[1])[:12])
    print(start_table(runs))
    print("\n" + cost_table("phases of a boot (processor time)", parts))
    print("\n" + cost_table("imports by package (wall)", by_package(costs)))
    print("\n" + cost_table("dearest imports", dearest))
    write_json(
        wanted.json,
        {
            "starts": {
                name: {
                    "processor_time": [each.processor_time for each in several],
                    "wall_time": [each.wall_time for each in several],
                }
                for name, several in runs.items()
            },
            "phases": parts,
            "imports": costs,
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
