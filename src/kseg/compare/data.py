"""A comparison as plain data: the shape is described in docs/command-line.md."""

from dataclasses import asdict
from typing import Any

from kseg.bench.report import host
from kseg.compare.comparison import Comparison, Result
from kseg.compare.workload import Workload
from kseg.version import __version__

FORMAT = 1


def as_data(comparison: Comparison, workload: Workload) -> dict[str, Any]:
    base = comparison.baseline
    return {
        "format": FORMAT,
        "kseg": __version__,
        "host": host(),
        "kernel": workload.kernel,
        "arguments": workload.arguments,
        "limit_seconds": comparison.limit,
        "baseline": None if base is None else base.name,
        "ways": [_way(comparison, result) for result in comparison.results],
        "differences": [asdict(each) for each in comparison.differences],
    }


def _way(comparison: Comparison, result: Result) -> dict[str, Any]:
    about = {
        "name": result.name,
        "monitor": result.way.monitor,
        "engine": result.way.engine,
        "rewriting": result.way.rewriting,
        "kernel": result.kernel,
    }
    run = result.run
    if run is None:
        return {**about, "outcome": "does not apply", "reason": result.reason}
    stop = run.stop
    return {
        **about,
        "outcome": "finished" if stop is not None else "cut short",
        "stop": None if stop is None else {"reason": stop.reason.value, "message": stop.message},
        "seconds": result.seconds,
        "median_seconds": comparison.median(result) if result.finished else None,
        "at_least_seconds": None if result.finished else run.seconds,
        "slowdown": comparison.slowdown(result) if result.finished else None,
        "at_least_slowdown": None if result.finished else comparison.slowdown(result),
        "cycles": run.cycles,
        "executed_cycles": run.executed_cycles,
        "direct_cycles": run.work.direct_cycles,
        "emulated_cycles": run.work.emulated_cycles,
        "rewritten": run.work.rewritten,
        "exits": {kind: asdict(exits) for kind, exits in run.work.exits.items()},
        "device_accesses": None if run.devices is None else asdict(run.devices),
        "output_bytes": len(run.output),
        "ram_sha256": run.ram_digest,
    }
