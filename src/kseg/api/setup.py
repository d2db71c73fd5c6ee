"""How a machine is put together: what its arguments come to."""

from pathlib import Path

import msgspec

from kseg.boards.system161.configuration import Configuration


class Setup(msgspec.Struct, frozen=True):
    """A machine's parts, and how it runs; see `kseg.api.machine.Machine`. `window` is where its
    kernel is linked if not in kseg0."""

    kernel: Path
    configuration: Configuration
    monitor: str
    engine: str
    quantum: int = 1
    window: int | None = None
    rewriting: bool = True
    pace: str = "fast"
    progress_timeout: int = 0
    stop_for_debugger: bool = False
