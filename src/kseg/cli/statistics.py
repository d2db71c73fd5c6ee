"""Statistics of a run as JSON: the fields are described in docs/command-line.md."""

import time
from typing import Any

import msgspec

from kseg.api.machine import Machine
from kseg.cli.output import write_whole
from kseg.machine.statistics import Statistics
from kseg.monitor.stop import Stop


def as_data(machine: Machine, stop: Stop) -> dict[str, Any]:
    """What the machine did since power-on, as plain data."""
    statistics = machine.statistics
    processors = [
        {
            "number": each.number,
            "instructions": {
                "kernel": each.kernel_cycles - each.kernel_stalls,
                "user": each.user_cycles - each.user_stalls,
            },
            "cycles": {
                "kernel": each.kernel_cycles,
                "user": each.user_cycles,
                "idle": each.idle_cycles,
            },
            "interrupts": each.interrupts,
            "exceptions": each.exceptions,
            "tlb_misses": {
                "refill": each.tlb_refills,
                "load": each.exceptions.get("tlb_load", 0),
                "store": each.exceptions.get("tlb_store", 0),
                "modified": each.exceptions.get("tlb_modified", 0),
            },
            "load_linked": each.load_linked,
            "store_conditional": {
                "success": each.store_conditional_success,
                "failure": each.store_conditional_failure,
            },
            "sync": each.sync,
        }
        for each in statistics.processors
    ]
    return {
        "kernel": str(machine.kernel),
        "engine": _engine(machine, statistics),
        "monitor": None if (did := machine.monitored) is None else msgspec.to_builtins(did),
        "stop": {"reason": stop.reason.value, "message": stop.message},
        "virtual_seconds": statistics.virtual_time / 1e9,
        "wall_seconds": statistics.wall_time / 1e9,
        "processor_seconds": time.process_time() + machine.engine.statistics.compile_seconds,
        "cycles": {
            "total": statistics.run_cycles + statistics.idle_cycles,
            "run": statistics.run_cycles,
            "idle": statistics.idle_cycles,
        },
        "instructions": sum(
            each.kernel_cycles - each.kernel_stalls + each.user_cycles - each.user_stalls
            for each in statistics.processors
        ),
        "processors": processors,
        "devices": msgspec.to_builtins(statistics.devices),
    }


def _engine(machine: Machine, statistics: Statistics) -> dict[str, object]:
    """Where code was executed, and what was made of it (`kseg.engine.contract`)."""
    did = machine.engine.statistics
    cycles = sum(each.kernel_cycles + each.user_cycles for each in statistics.processors)
    return {**did._asdict(), "interpreted_cycles": cycles - did.translated_cycles}


def write(destination: str, statistics: dict[str, Any]) -> None:
    """Write them to a file, or to stdout for "-"; KsegError when that cannot be done."""
    text = msgspec.json.format(msgspec.json.encode(statistics), indent=2) + b"\n"
    write_whole("statistics", destination, text)
