"""Boot a guest in this process, as `kseg run` does, and print where time and memory went.

    python benchmarks/probe.py KERNEL [BOOT-STRING]

The one line on stdout is JSON: processor time of each phase in seconds, and resident memory after
it in bytes (Linux only). startup.py and memory.py run this in a fresh process each time.
"""

import time

BEGINNING = time.process_time()
"""What Python itself took to start."""

import json  # noqa: E402 - what comes first is measured
import sys  # noqa: E402
from importlib import import_module  # noqa: E402
from pathlib import Path  # noqa: E402

MODULES = ("kseg.cli", "kseg.cli.commands.run", "kseg.cli.output", "kseg.cli.console.session")
"""What `kseg run` imports, and with it all that they import."""


def memory(field: str) -> int:
    """A field of this process's status, in bytes; 0 where there is no /proc."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))


class Phases:
    """Phases one after the other, by name."""

    def __init__(self) -> None:
        self.seconds = {"python": BEGINNING}
        self.memory = {"python": memory("VmRSS")}
        self._since = time.process_time()

    def end(self, name: str) -> None:
        self.seconds[name] = time.process_time() - self._since
        self.memory[name] = memory("VmRSS")
        self._since = time.process_time()


def main() -> None:
    phases = Phases()
    for module in MODULES:
        import_module(module)
    from kseg import engine
    from kseg.api.machine import Machine

    phases.end("imports")
    create = engine.create

    def timed_create(*arguments, **options):  # type: ignore[no-untyped-def]
        engine.create = create  # which may call itself: "auto" does
        phases.end("board and kernel")
        made = create(*arguments, **options)
        phases.end("engine")
        return made

    engine.create = timed_create
    with Machine(sys.argv[1], sys.argv[2:]) as machine:
        phases.end("monitor")
        machine.run()
        phases.end("run")
        instructions = sum(
            each.kernel_cycles + each.user_cycles for each in machine.statistics.processors
        )
    phases.end("close")
    result = {
        "seconds": phases.seconds,
        "memory": phases.memory,
        "largest_memory": memory("VmHWM"),
        "cycles": instructions,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
