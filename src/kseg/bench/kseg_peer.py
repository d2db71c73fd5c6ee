"""kseg itself, with one of its engines, run as its users run it: as a command."""

from collections.abc import Sequence
from pathlib import Path

from kseg.bench.peer import Peer, beside_python, configuration


class Kseg(Peer):
    """This virtual machine monitor."""

    platform = "system161"
    program = ("KSEG", beside_python("kseg"))

    def __init__(self, engine: str) -> None:
        super().__init__()
        self.engine = engine
        self.name = f"kseg {engine}"

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:
        return self.boot(image, config=configuration(work))

    def boot(
        self, kernel: str | Path, *boot_string: str, config: Path | None = None
    ) -> Sequence[str | Path]:
        """The command that boots `kernel`, which may be a bundled guest's name."""
        chosen = () if config is None else ("--config", config)
        return (self.executable, "run", "--engine", self.engine, *chosen, kernel, *boot_string)
