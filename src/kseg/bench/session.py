"""One run of `kseg bench`: from the user's choices to everything that is known afterwards."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kseg.bench.calibration import calibrate
from kseg.bench.chart import chart
from kseg.bench.day import measure_day
from kseg.bench.harness import NORMAL, Effort, Harness
from kseg.bench.kseg_peer import Kseg
from kseg.bench.operating_system import measure_operating_system
from kseg.bench.os161 import Os161, measure_os161
from kseg.bench.others import OTHERS
from kseg.bench.peer import MissingError, Peer
from kseg.bench.programs import PROGRAMS
from kseg.bench.report import host, samples_table, targets_table
from kseg.bench.samples import Samples
from kseg.bench.short import measure_short
from kseg.bench.steady import code_sizes, measure_steady
from kseg.bench.targets import Target, targets
from kseg.engine import ENGINES
from kseg.errors import KsegError
from kseg.version import __version__

TRIES = 100
"""To remove the directory."""

WORKLOADS = {
    "day": "a day's runs of cms: boot, console, files, fork, TLB, a script",
    "cpu": "the programs in steady state: instructions a second",
    "short": "runs of 10 M, 100 M and 1 G instructions, the whole process",
    "os": "cms: system calls, page faults, TLB misses, processes, context switches",
}
"""By the name that chooses it: what is measured. OS/161 takes part when a kernel is given."""


@dataclass(frozen=True)
class Choices:
    """What the user wants measured."""

    workloads: Sequence[str] = tuple(WORKLOADS)
    programs: Sequence[str] = tuple(PROGRAMS)
    engines: Sequence[str] = ENGINES
    peers: Sequence[str] = tuple(OTHERS)
    named: frozenset[str] = frozenset()
    """The engines and peers that were asked for by name, as they are called in results."""
    effort: Effort = NORMAL
    rounds: int | None = None
    os161: Os161 | None = None


@dataclass
class Results:
    kseg: str
    """Whose targets are shown."""
    workloads: list[Samples]
    targets: list[Target]
    code_sizes: dict[str, float]
    left_out: list[str]
    failures: list[str]
    host: dict[str, Any] = field(default_factory=host)

    def tables(self) -> str:
        legend = f"The last columns: how many times as fast as the others {self.kseg} is."
        parts = [samples_table(samples, self.kseg) for samples in self.workloads if samples.cells]
        return "\n\n\n".join([legend, *parts, targets_table(self.targets)])

    def as_json(self) -> str:
        data = {
            "kseg": __version__,
            "host": self.host,
            "targets_of": self.kseg,
            "targets": [target.as_data() for target in self.targets],
            "workloads": [samples.as_data() for samples in self.workloads],
            "code_bytes_per_instruction": self.code_sizes,
            "left_out": self.left_out,
            "failures": self.failures,
        }
        return json.dumps(data, indent=2) + "\n"

    def as_svg(self) -> str:
        note = f"{self.host['processor']}, {self.host['system']}, Python {self.host['python']}"
        return chart(self.workloads, f"kseg {__version__} and others, in one run", note)


def measure(choices: Choices, say: Callable[[str], None]) -> Results:
    """Do it. KsegError when nothing can be measured; `say` is told what goes on."""
    with _harness(choices, say) as harness:
        calibrate(harness, choices.programs[0], choices.named)
        if not harness.engines:
            raise KsegError(
                "none of kseg's engines can be measured: " + "; ".join(harness.left_out)
            )
        workloads: list[Samples] = []
        sizes: dict[str, float] = {}
        if "day" in choices.workloads:
            workloads += measure_day(harness)
        if choices.os161 is not None:
            workloads.append(measure_os161(harness, choices.os161))
        if "cpu" in choices.workloads:
            workloads.append(measure_steady(harness, choices.programs))
            sizes = code_sizes(harness, choices.programs)
        if "short" in choices.workloads:
            workloads += measure_short(harness, choices.programs)
        if "os" in choices.workloads:
            workloads.append(measure_operating_system(harness))
        kseg = harness.engines[0].name
        reached = targets(kseg, workloads, sizes)
        return Results(kseg, workloads, reached, sizes, harness.left_out, harness.failures)


@contextmanager
def _workplace() -> Iterator[Path]:
    """A directory that is gone afterwards. kseg's compiler ends a little later than the machine,
    and may just be putting something into the cache there."""
    work = Path(tempfile.mkdtemp(prefix="kseg-bench-"))
    try:
        yield work
    finally:
        for _ in range(TRIES):
            shutil.rmtree(work, ignore_errors=True)
            if not work.exists():
                break
            time.sleep(0.1)


@contextmanager
def _harness(choices: Choices, say: Callable[[str], None]) -> Iterator[Harness]:
    """A place to work, which is gone afterwards, and those of the chosen peers that are
    installed."""
    with _workplace() as work:
        try:
            engines = [Kseg(name) for name in choices.engines]
        except MissingError as missing:
            raise KsegError(str(missing)) from None
        harness = Harness(work, choices.effort, choices.rounds, say, engines)
        for name in choices.peers:
            try:
                peer: Peer = OTHERS[name]()
            except MissingError as missing:
                harness.leave_out(name, str(missing))
            else:
                harness.others.append(peer)
        yield harness
