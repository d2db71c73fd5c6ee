"""kseg itself, with one of its engines, run as its users run it: as a command."""

from collections.abc import Sequence
from pathlib import Path

from kseg.bench.peer import Peer, beside_python, configuration, installed


def kseg() -> str:
    """The command that is measured: KSEG, or what was installed with this Python."""
    return installed("KSEG", beside_python("kseg"))


class Kseg(Peer):
    """This virtual machine monitor."""

    platform = "system161"

    def __init__(self, engine: str) -> None:
        self.executable = kseg()
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
