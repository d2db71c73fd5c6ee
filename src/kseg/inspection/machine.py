"""A machine as those see it who look into it: unwinders, profilers, kernel awareness, debuggers."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kseg.engine.contract import Engine
from kseg.inspection.memory import Memory
from kseg.inspection.processor import Processor
from kseg.machine.board import Board
from kseg.monitor.run_loop import RunLoop

if TYPE_CHECKING:
    from kseg.symbols.symbol_table import Symbols


class InspectedMachine:
    """A machine with a guest in it, one by itself or a guest of a host."""

    def __init__(
        self,
        kernel: Path,
        board: Board,
        engine: Engine,
        monitor: RunLoop,
        *,
        window: int | None = None,
        programs: Path | None = None,
    ) -> None:
        """`window` is where the kernel is linked if not in kseg0, `programs` an archive of user
        programs whose names are known, too."""
        self.kernel = kernel
        """The file that was booted."""
        self.board = board
        """The hardware: see `kseg.machine.board`."""
        self.engine = engine
        """What executes the guest's code: see `kseg.engine.contract`."""
        self.monitor = monitor
        """What answers the engine: see `kseg.monitor.run_loop`."""
        self._window, self._programs = window, programs

    @property
    def processors(self) -> list[Processor]:
        """The processors: registers, TLB and counters of each."""
        board = self.board
        return [
            Processor(each, board.profile, board.changed, board.run_lock)
            for each in board.processors
        ]

    @property
    def memory(self) -> Memory:
        """Memory and device registers, physical and as a processor sees them."""
        return Memory(self.board, self._window)

    @cached_property
    def symbols(self) -> "Symbols":
        """Names for addresses: those of the kernel's file, of the programs that come with a bundled
        guest, and of those that were given to `symbols.add`. See `kseg.symbols.symbol_table`."""
        from kseg.symbols.symbol_table import Symbols

        return Symbols.read(self.kernel, archive=self._programs)
