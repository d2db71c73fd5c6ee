"""The translator as an engine: the interpreter, sampled every so often, and its translations.

Nothing else of the translator is even imported before a machine has run for a moment: most
machines that are soon over would only start later.
"""

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from kseg.engine.contract import COMPILER_SHARE, EngineStatistics, Watchpoint
from kseg.engine.interpreter import image
from kseg.engine.interpreter.engine import MAX_CODE_PAGES, NEVER, Interpreter
from kseg.engine.state import ProcessorState
from kseg.engine.tracing import TraceFilter
from kseg.memory.paged import PagedMemory
from kseg.memory.physical import PhysicalMemory
from kseg.platform.code import NativeCodeError

if TYPE_CHECKING:
    from kseg.engine.translator.installation import Installation
    from kseg.engine.translator.tiering.policy import BackEnds, TieringPolicy
    from kseg.engine.translator.tiering.sampler import Sampler
    from kseg.engine.translator.tiering.thresholds import Thresholds

FIRST_SAMPLE = 1_000_000
"""Cycles before the first sample, if it is worth it: some milliseconds."""
RECOGNITION = 13_000_000
"""Cycles that processors execute before the account of all runs is asked whether their code is
known to be worth sampling at once, which takes as long as a fifth of them."""
SHORT_LIFE = 30_000_000
"""Cycles that processors execute before the first sample, which takes as long as a fifth of them:
most machines are over before they would have gained that back."""


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
        thresholds: "Thresholds | None" = None,
        back_ends: "BackEnds | None" = None,
        like: Interpreter | None = None,
        compiler_share: int = COMPILER_SHARE,
    ) -> None:
        """`back_ends` make translations: by default this host's (`standard_back_ends`),
        with a compiler that may take `compiler_share` percent of the processor time.
        With `thresholds` of its own, the first sample is as early as those say."""
        if back_ends is None and like is None:
            self._prepare_stencils(profile_name, byte_order)
        super().__init__(
            profile_name, byte_order, memory, processors, quantum, code_pages, like=like
        )
        self._profile_name = profile_name
        self._thresholds, self._back_ends = thresholds, back_ends
        self._compiler_share = compiler_share
        self._made: Sampler | None = None
        self._lived, self._executed, self._interval = 0, 0, FIRST_SAMPLE
        # Who gives the compiler more is in a hurry.
        self._short_life = SHORT_LIFE * COMPILER_SHARE // max(compiler_share, COMPILER_SHARE)
        first = FIRST_SAMPLE if thresholds is None else thresholds.shortest_interval
        self._next_look = self.clock + first

    @staticmethod
    def _prepare_stencils(profile_name: str, byte_order: str) -> None:
        """If the interpreter has to be compiled now: making the stencils takes as long."""
        if not image.generated(profile_name, byte_order).exists():
            from kseg.engine.translator.stencils.background import make_in_background

            make_in_background(profile_name, byte_order)

    @property
    def stretch_end(self) -> int:
        """The cycle of the next sample: at the end of a round, for it must not shorten a turn."""
        begin: int = self._shared.round
        quantum: int = self._shared.quantum
        # One that is due already, as after a change of processors, comes before anything else.
        return begin + max(-(-(self._next_look - begin) // quantum), 0) * quantum

    def look(self) -> None:
        """Sample."""
        self._next_look = self._shared.round + self._sample_processors()

    def replace_processor(
        self, number: int, state: ProcessorState, memory: PagedMemory, window: int | None
    ) -> None:
        before = self.clock
        super().replace_processor(number, state, memory, window)
        # Samples are by the clock, which another processor may have set differently.
        self._next_look += self.clock - before

    def set_breakpoints(self, addresses: Iterable[int]) -> None:
        super().set_breakpoints(addresses)
        self._interpret_if_debugged()

    def set_watchpoints(self, watchpoints: Iterable[Watchpoint]) -> None:
        super().set_watchpoints(watchpoints)
        self._interpret_if_debugged()

    def set_trace(self, wanted: TraceFilter | None) -> None:
        super().set_trace(wanted)
        self._interpret_if_debugged()

    def _interpret_if_debugged(self) -> None:
        """Translations know neither breakpoints nor watchpoints, and record neither instructions
        nor jumps: while one of those is wanted, there are none."""
        shared = self._shared
        traced = shared.trace_instructions or shared.trace_jumps
        if not (self._breakpoints or self._watchpoints or traced):
            if self._next_look >= NEVER and self.name == Translator.name:
                self._next_look = self.clock + FIRST_SAMPLE
            return
        self._next_look = NEVER
        if self._made is not None:
            self._made.installation.remove_all()

    def _sample_processors(self) -> int:
        """Sample, if it is worth it; returns the cycles until the next time."""
        may_wait = self._made is None and self._thresholds is None
        if may_wait and self._is_young() and not self._is_known():
            self._interval = self._until_grown()
            return self._interval
        try:
            return self._sampler.sample()
        except NativeCodeError as error:
            warnings.warn(f"{error}; the guest is interpreted", RuntimeWarning, stacklevel=2)
            self.name = "interpreter"
            return NEVER

    def _is_young(self) -> bool:
        """Have its processors executed next to nothing since it was made? Not what their state
        says, which may be taken up from another machine."""
        executed = sum(each.kernel_cycles + each.user_cycles for each in self.processors)
        self._lived += min(max(executed - self._executed, 0), self._interval)
        self._executed = executed
        return self._lived < self._short_life

    def _until_grown(self) -> int:
        """Cycles until it may have executed enough for another look to be of use. Most of them may
        be idle, and each look interrupts what runs natively."""
        left = min(RECOGNITION, self._short_life) - self._lived
        if left <= 0:
            left = (self._short_life - self._lived) >> 2
        return max(left, FIRST_SAMPLE)

    def _is_known(self) -> bool:
        """Is what runs now known from earlier runs as code that is hot?"""
        if self._lived < RECOGNITION or not self._compiler_share or self._back_ends is not None:
            return False
        from kseg.engine.translator.compilation.account import account_for

        account = account_for(self._profile_name, self._order)
        if account.is_empty:
            return False
        from kseg.engine.translator.tiering.recurrence import is_known

        return any(
            is_known(account, context, state.pc)
            for context, state in zip(self._contexts, self.processors, strict=True)
        )

    @property
    def _sampler(self) -> "Sampler":
        if self._made is None:
            from kseg.engine.translator.tiering.back_ends import standard_back_ends
            from kseg.engine.translator.tiering.sampler import Sampler
            from kseg.engine.translator.tiering.thresholds import Thresholds

            self._made = Sampler(
                self._profile_name,
                self._order,
                self._shared,
                self._contexts,
                self.processors,
                self._drop,
                self._thresholds or Thresholds.with_share(self._compiler_share),
                self._back_ends
                or standard_back_ends(self._profile_name, self._order, self._compiler_share / 100),
            )
        return self._made

    @property
    def _installation(self) -> "Installation":
        return self._sampler.installation

    @property
    def _tiering(self) -> "TieringPolicy":
        return self._sampler.tiering

    def settle(self) -> None:
        if self._made is not None:
            self._made.tiering.settle()

    def close(self) -> None:
        if self._made is not None:
            self._made.tiering.close()

    @property
    def statistics(self) -> EngineStatistics:
        if self._made is None:
            return EngineStatistics(self.name)
        return self._made.statistics(self.name)
