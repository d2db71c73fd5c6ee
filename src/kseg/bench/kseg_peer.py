"""kseg itself, with one of its engines, run as its users run it: as a command."""

from collections.abc import Sequence
from pathlib import Path

from kseg.bench.peer import Peer, beside_python, configuration


class Kseg(Peer):
    """This virtual machine monitor."""

    platform = "system161"
    program = ("KSEG", beside_python("kseg"))

    def __init__(self, engine: str, compiler_share: int | None = None) -> None:
        """`compiler_share` is the option of this name, in percent; None: what users have."""
        super().__init__()
        self.engine, self._share = engine, compiler_share
        self.name = f"kseg {engine}"

    def in_a_hurry(self) -> "Kseg":
        """The same, with a compiler that costs what it wants: runs of benchmarks are so short that
        it would not be started."""
        return Kseg(self.engine, compiler_share=1000)

    def command(self, image: Path, work: Path) -> Sequence[str | Path]:
        return self.boot(image, config=configuration(work))

    def boot(
        self, kernel: str | Path, *boot_string: str, config: Path | None = None
    ) -> Sequence[str | Path]:
        """The command that boots `kernel`, which may be a bundled guest's name."""
        chosen: tuple[str | Path, ...] = () if config is None else ("--config", config)
        if self._share is not None:
            chosen = ("--compiler-share", str(self._share), *chosen)
        return (self.executable, "run", "--engine", self.engine, *chosen, kernel, *boot_string)
