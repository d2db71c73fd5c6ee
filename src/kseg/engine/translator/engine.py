"""The translator as an engine: the interpreter, which looks every so often what it is doing."""

import ctypes
from collections.abc import Sequence

from kseg.engine.contract import EngineStatistics, Exit, ExitReason
from kseg.engine.interpreter import image
from kseg.engine.interpreter.engine import MAX_CODE_PAGES, Interpreter
from kseg.engine.state import ProcessorState
from kseg.engine.translator.arena import Arena
from kseg.engine.translator.code_pages import CodePages
from kseg.engine.translator.director import Director, Means, Quick
from kseg.engine.translator.installation import Installation
from kseg.engine.translator.policy import Policy
from kseg.memory.physical import PhysicalMemory

_BUDGET = int(ExitReason.BUDGET)


class Translator(Interpreter):
    """Runs what is hot as native code. Implements `kseg.engine.contract.Engine`."""

    name = "translator"

    def __init__(
        self,
        profile_name: str,
        byte_order: str,
        memory: PhysicalMemory,
        processors: Sequence[ProcessorState],
        quantum: int = 1,
        code_pages: int = MAX_CODE_PAGES,
        *,
        policy: Policy | None = None,
        means: Means | None = None,
    ) -> None:
        """`means` says who makes translations: by default this host's, `standard_means`."""
        means = standard_means(profile_name, byte_order) if means is None else means
        super().__init__(profile_name, byte_order, memory, processors, quantum, code_pages)
        self._policy = policy or Policy()
        self._installation = Installation(
            self._shared,
            ctypes.addressof(self._contexts[0]),
            self._drop,
            Arena(self._policy.arena),
        )
        self._director = Director(
            profile_name,
            byte_order,
            self._policy,
            means,
            CodePages(self._shared, byte_order),
            self._installation,
            len(processors),
        )
        self._look = self._policy.shortest_look
        self._next_look = self.clock + self._look
        self._translated = 0

    def run(self, cycles: int) -> Exit:
        target = self.clock + cycles
        shared, address, native = self._shared, self._shared_address, self._run
        while True:
            code = native(address, min(target, self._end_of_stretch()))
            if code != _BUDGET:
                return self._exit(code)
            self._inside = False
            clock = shared.round
            if clock >= self._next_look:
                self._look_around(clock)
            if clock >= target:
                return self._exit(code)
            shared.keep_steady = 1

    def _end_of_stretch(self) -> int:
        """The cycle of the next look: at the end of a round, for a look must not shorten a turn."""
        begin: int = self._shared.round
        quantum: int = self._shared.quantum
        return begin + -(-(self._next_look - begin) // quantum) * quantum

    def _look_around(self, clock: int) -> None:
        director, policy = self._director, self._policy
        something = director.look(self._contexts, self.processors, self._look)
        translated = sum(context.translated for context in self._contexts)
        new, self._translated = translated - self._translated, translated
        longest = policy.waiting_look if director.is_waiting else policy.longest_look
        if something:
            self._look = policy.shortest_look
        elif new < self._look - (self._look >> policy.mostly):
            # There is more to do, but each look costs as much as many thousand cycles.
            self._look = min(self._look + (self._look >> 3), longest)
        else:
            self._look = min(self._look << 1, longest)
        self._next_look = clock + self._look

    def close(self) -> None:
        self._director.close()

    @property
    def statistics(self) -> EngineStatistics:
        tally, installation = self._director.tally, self._installation
        return EngineStatistics(
            name=self.name,
            translated_cycles=sum(context.translated for context in self._contexts),
            translations=len(installation.installed),
            translated_instructions=installation.instructions,
            code_bytes=installation.code_bytes,
            compiled=tally.compiled,
            copied=tally.copied,
            cache_hits=tally.from_disk,
            refused=tally.refused,
            dropped=installation.dropped,
            evicted=installation.evicted,
            compile_seconds=round(tally.compile_seconds, 6),
            copy_seconds=round(tally.copy_seconds, 6),
        )


def standard_means(profile_name: str, byte_order: str) -> Means:
    """A compiler in a process of its own, stencils where the host has them, the cache on disk."""
    from kseg.engine.translator.store import Store
    from kseg.engine.translator.workshop import ProcessWorkshop

    def stencils() -> Quick | None:
        from kseg.engine.translator.stencils import load
        from kseg.engine.translator.stencils.maker import make_beside

        found = load(profile_name, byte_order, or_make=False)
        if found is None:
            make_beside(profile_name, byte_order)
        return found

    if not image.is_kept(profile_name, byte_order):
        # A first start: the interpreter is about to be compiled, which takes as long.
        from kseg.engine.translator.stencils.maker import make_beside

        make_beside(profile_name, byte_order)
    return Means(ProcessWorkshop, stencils, lambda: Store(profile_name, byte_order))
