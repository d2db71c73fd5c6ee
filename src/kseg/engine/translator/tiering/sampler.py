"""The sampler: how often the program counters are sampled, and what that leads to."""

import ctypes
from collections.abc import Callable, Sequence

from kseg.engine.contract import EngineStatistics
from kseg.engine.interpreter.layout import Context, Shared
from kseg.engine.state import ProcessorState
from kseg.engine.translator.arena import Arena
from kseg.engine.translator.code_pages import CodePages
from kseg.engine.translator.installation import Installation
from kseg.engine.translator.tiering.policy import BackEnds, TieringPolicy
from kseg.engine.translator.tiering.thresholds import Thresholds


class Sampler:
    """Samples one machine, and has all that belongs to its translations."""

    def __init__(
        self,
        profile_name: str,
        byte_order: str,
        shared: Shared,
        contexts: Sequence[Context],
        processors: Sequence[ProcessorState],
        drop: Callable[[int, int], None],
        thresholds: Thresholds,
        back_ends: BackEnds,
    ) -> None:
        """`drop` is the interpreter's native function that takes a translation out."""
        self._thresholds, self._contexts, self._processors = thresholds, contexts, processors
        arena = Arena(thresholds.arena)
        self.installation = Installation(shared, ctypes.addressof(contexts[0]), drop, arena)
        self.tiering = TieringPolicy(
            profile_name,
            byte_order,
            thresholds,
            back_ends,
            CodePages(shared, byte_order),
            self.installation,
        )
        self._interval = thresholds.shortest_interval
        self._translated = 0

    def sample(self) -> int:
        """Sample; returns the cycles until the next sample is due."""
        tiering, thresholds = self.tiering, self._thresholds
        something = tiering.sample(self._contexts, self._processors, self._interval)
        new, self._translated = self.cycles - self._translated, self.cycles
        longest = thresholds.waiting_interval if tiering.is_waiting else thresholds.longest_interval
        if something:
            self._interval = thresholds.shortest_interval
        elif new < self._interval - (self._interval >> thresholds.mostly):
            # There is more to do, but each sample costs as much as many thousand cycles.
            self._interval = min(self._interval + (self._interval >> 3), longest)
        else:
            self._interval = min(self._interval << 1, longest)
        return self._interval

    @property
    def cycles(self) -> int:
        """Cycles executed in translations."""
        return sum(context.translated for context in self._contexts)

    def statistics(self, engine: str) -> EngineStatistics:
        """What was done, for the engine of that name."""
        tally, installation = self.tiering.tally, self.installation
        return EngineStatistics(
            name=engine,
            translated_cycles=self.cycles,
            translations=len(installation.installed),
            translated_instructions=installation.instructions,
            code_bytes=installation.code_bytes,
            compiled=tally.compiled,
            copied=tally.copied,
            cache_hits=tally.from_disk,
            refused=tally.refused,
            dropped=installation.dropped,
            evicted=installation.evicted,
            compile_seconds=round(self.tiering.compile_seconds, 6),
            copy_seconds=round(tally.copy_seconds, 6),
        )
