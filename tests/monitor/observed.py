"""What can be seen of a machine, and how two machines are compared."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from kseg import Machine
from kseg.boards.system161.configuration import parse_configuration
from kseg.isa import registers as r
from kseg.isa.assembler import Program

CONFIGURATION = "0 serial\n28 random seed=3\n29 timer\n31 mainboard ramsize=256K cpus=1"
EPOCH = 1_700_000_000

MEASURE = ("bare", "interpreter")
"""The monitor and the engine that all others are compared with."""
WATCHED_CYCLES = 15_000
"""In which a kernel is looked at; afterwards it may run to its end."""
IDLE_STEP = 250
LAST_CYCLE = 4_000_000
"""Where kernels that have an end have come to it; most of these cycles are idle ones."""
CLOCK = (
    "sequence",
    "events",
    "start_seconds",
    "start_nanoseconds",
    "idle_remainder",
    "idle_cycles",
)

Visible = dict[str, Any]


@contextmanager
def booted(
    program: Program, monitor: str, engine: str, configuration: str = CONFIGURATION
) -> Iterator[Machine]:
    """A machine about to execute the first instruction of a kernel."""
    options: dict[str, Any] = {} if monitor == "bare" else {"monitor": monitor}
    with tempfile.TemporaryDirectory() as directory:
        kernel = Path(directory) / "kernel"
        kernel.write_bytes(program.to_elf())
        config = parse_configuration(configuration)
        with Machine(kernel, config=config, engine=engine, epoch=EPOCH, **options) as machine:
            yield machine


def visible(machine: Machine) -> Visible:
    """Everything about a machine: processors, memory, devices, time, and what it printed."""
    state = machine.save()
    found: Visible = {"console": machine.console.output, "messages": list(machine.messages)}
    for number, processor in enumerate(state.processors):
        found |= {f"cpu{number}.{name}": value for name, value in processor.items()}
        del found[f"cpu{number}.discard"]
    found |= {f"memory.{name}": data for name, data in state.regions.items()}
    found |= {f"slot{slot}": device for slot, device in state.devices.items()}
    for name in ("random", "activity"):
        found[name] = msgspec.to_builtins(getattr(state, name))
    # How time is cut into bursts is the monitor's business.
    clock = msgspec.to_builtins(state.clock)
    found |= {f"clock.{name}": clock[name] for name in CLOCK}
    found["clock.now"] = machine.board.clock.now
    found["off"] = state.powered_off
    return found


def differences(expected: Visible, found: Visible) -> list[str]:
    """What differs, one line each; memory by its first word."""
    lines = []
    for name in expected.keys() | found.keys():
        one, other = expected.get(name), found.get(name)
        if one == other:
            continue
        if isinstance(one, bytes) and isinstance(other, bytes):
            at = next(i for i in range(0, len(one), 4) if one[i : i + 4] != other[i : i + 4])
            name, one, other = f"{name}[{at:#x}]", one[at : at + 4].hex(), other[at : at + 4].hex()
        elif isinstance(one, list) and isinstance(other, list):
            places = [
                i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]
            ]
            name = f"{name}{places[:8]}"
            one, other = ([each[i] for i in places[:8]] for each in (one, other))
        lines.append(f"{name}: {one!r} is {other!r}")
    return sorted(lines)


Ending = tuple[str, int | None, str]
"""How a run ended: reason, exit code, message."""
ON: Ending = ("cycle limit", None, "")
"""It did not."""


def run_to(machine: Machine, cycle: int) -> Ending:
    """Run to a cycle, or until the machine stops by itself."""
    stop = machine.run(cycles=cycle - machine.cycles)
    return str(stop.reason), stop.exit_code, stop.message


@dataclass
class Trace:
    """Where a bare machine came by: cycles since power-on, all at the end of an instruction."""

    calls: list[int] = field(default_factory=list)
    """At which a system call had just been entered."""
    cycles: list[int] = field(default_factory=list)
    """All, but for those in which the processor waited."""
    rings: list[int] = field(default_factory=list)
    """At which the on-chip timer had just raised its line."""
    last: int = 0
    """Where to stop looking: after the end, or soon where there was none."""


def trace(program: Program, look: Callable[[Machine], None] | None = None) -> Trace:
    """Run a kernel step by step on the bare machine for a while, and then to its end if it has
    one. `look` is called after each step."""
    found = Trace()
    with booted(program, *MEASURE) as machine:
        state = machine.board.processors[0]
        while len(found.cycles) < WATCHED_CYCLES:
            calls = state.exceptions[8]
            if run_to(machine, machine.cycles + (IDLE_STEP if state.waiting else 1)) != ON:
                break
            if look is not None:
                look(machine)
            if not state.waiting:
                found.cycles.append(machine.cycles)
            if state.exceptions[8] != calls:
                found.calls.append(machine.cycles)
            if state.timer_line and state.count_origin == state.clock:
                found.rings.append(machine.cycles)
        ended = run_to(machine, LAST_CYCLE) != ON
        found.last = LAST_CYCLE if ended else found.cycles[-1] + 10_000
    return found


def program_state(machine: Machine) -> Visible:
    """What the programs of a random kernel see, wherever that kernel is linked: their memory, page
    tables and saved registers, and the sum of the registers at all system calls."""
    from tests.monitor import random_kernels as k

    memory = machine.save().regions["ram"].whole()
    found: Visible = {"console": machine.console.output}
    found["pages"] = memory[k.FRAMES_OF_PROGRAMS : k.FRAMES_OF_PROGRAMS + 0x10000]
    found["tables"] = memory[k.TABLES : k.DATA]
    found["checksum"] = memory[k.DATA + 36 : k.DATA + 40].hex()
    for number in k.PROGRAMS:
        frame = k.DATA + 0x3000 + 0x100 * number
        for register in (*k.SAVED, 32, 33):
            name = r.GPR_NAMES[register] if register < 32 else ("hi", "lo")[register - 32]
            at = frame + 4 * register
            found[f"program{number}.{name}"] = memory[at : at + 4].hex()
    return found
