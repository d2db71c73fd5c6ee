"""How much memory of the host a guest takes that is a copy of others and waits at its prompt.

    python benchmarks/guests.py [--copies N] [--json FILE]

Copies of cms boot on one machine and idle. What one more of them takes is counted with all that
belongs to it: frames of the machine's memory, tables, devices, Python's objects. The target is
300 kB a copy after pages that are alike have been found. Linux only.
"""

import argparse
import gc
import sys
from pathlib import Path
from typing import Any

from kseg.api.host import Host
from kseg.bench.report import table
from kseg.memory.pages import PAGE_SIZE
from kseg.monitor.hypervisor.memory_usage import GuestMemory, MachineMemory
from kseg.monitor.hypervisor.page_sharing import PageSharing
from shared import verdict, write_json

TARGET = 300.0
COPIES = 100
GUEST_RAM = 4 << 20


def process_memory() -> int:
    """kB that this process alone takes, of memory that is in no file."""
    gc.collect()
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


def usage(host: Host) -> tuple[MachineMemory, list[GuestMemory]]:
    """Where the pages of all guests lie."""
    return host.hypervisor.allocator.statistics, [
        guest.memory_use for guest in host.guests.values()
    ]


def share_all(host: Host) -> PageSharing:
    """Scan until nothing more is found."""
    sharing = PageSharing(host.hypervisor.allocator)
    freed = 1
    while freed or sharing.rounds < 3:
        begun, freed = sharing.rounds, 0
        while sharing.rounds == begun:
            freed += sharing.scan(1000)
    return sharing


def measure(copies: int, engine: str) -> list[dict[str, Any]]:
    """The process and the machine at each stage."""
    stages: list[dict[str, Any]] = []

    def note(name: str) -> None:
        machine, guests = usage(host)
        each = (process_memory() - before) / (copies - 1)
        last = guests[-1]._asdict()
        stages.append({"stage": name, "kB_each": each, **machine._asdict(), "last_copy": last})

    size = copies * GUEST_RAM
    with Host(size, engine) as host:
        # The first one brings along whatever is loaded once.
        host.add("first", "cms")
        host.run()
        before = process_memory()
        for number in range(1, copies):
            host.add(f"copy-{number}", "cms")
        note("built")
        host.run()
        note("at the prompt")
        share_all(host)
        note("shared")
    return stages


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--copies", type=int, default=COPIES, metavar="N", help="2 to 126")
    parser.add_argument("--engine", default="interpreter", help="what executes them")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    wanted = parser.parse_args()
    stages = measure(wanted.copies, wanted.engine)
    rows = []
    for stage in stages:
        last = stage["last_copy"]
        is_last = stage is stages[-1]
        rows.append(
            [
                stage["stage"],
                f"{stage['kB_each']:.0f}",
                f"{TARGET:.0f}" if is_last else "",
                verdict(stage["kB_each"], TARGET) if is_last else "",
                str(last["own"]),
                str(last["shared"]),
                str(stage["used"]),
                str(stage["saved"]),
            ]
        )
    titles = ["kB a copy", "target", "", "own pages", "shared pages", "frames of all", "saved"]
    print(f"{wanted.copies} copies of cms; pages and frames of {PAGE_SIZE >> 10} kB")
    print(table(["stage", *titles], rows))
    write_json(wanted.json, {"copies": wanted.copies, "stages": stages})
    return 0


if __name__ == "__main__":
    sys.exit(main())
