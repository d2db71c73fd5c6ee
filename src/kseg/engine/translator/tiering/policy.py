"""The tiering policy: what is translated, by which tier, from samples of the program counters.

Code that is hot is first looked up among the translations kept on disk, then requested from the
compile server, which answers when it can, and, if that takes long, copied together from stencils.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from kseg.engine.interpreter.layout import Context
from kseg.engine.state import ProcessorState
from kseg.engine.translator.code_pages import CodePages
from kseg.engine.translator.compilation.messages import Answer, Request, Translation
from kseg.engine.translator.installation import Installation
from kseg.engine.translator.tiering.hotness import HotnessCounters, JumpProfile
from kseg.engine.translator.tiering.recurrence import HotCode, Recurrence
from kseg.engine.translator.tiering.thresholds import Thresholds

if TYPE_CHECKING:
    from kseg.engine.translator.compilation.compile_queue import CompileQueue

FIRST_TIER = 1
LONGEST_FINISH = 1.0
"""Seconds that a machine's end may wait for the compiler."""
SHORTEST_TURN = 32
"""Cycles of a processor's turn, beside others, from which on translations are worth their while."""
MOST_KNOWN = 64
"""Translations of one page that are remembered."""


class BaselineCompiler(Protocol):
    """Makes translations at once (`kseg.engine.translator.stencils.Stencils`)."""

    def translate(self, request: Request) -> Translation | None:
        """A translation, or None if there is none."""


class TranslationStore(Protocol):
    """Translations of earlier machines (`kseg.engine.translator.compilation.store.Store`)."""

    def find(self, page: int) -> list[Translation]:
        """Those whose seed lay in a virtual page."""


class CompilerBudget(Protocol):
    """What a compiler may cost (`kseg.engine.translator.compilation.budget.Budget`)."""

    def instructions(self, pending: Iterable[int], granted: float = 0.0) -> int:
        """How many guest instructions the next translation may have, when some of these sizes have
        been asked for and so many seconds are granted in any case; 0: there is no time for it."""

    def owed(self, pending: Iterable[int]) -> float:
        """The seconds that those which have been asked for will take."""


class BackEnds(NamedTuple):
    """What makes translations. Each is made when it is first needed; None: there is none."""

    queue: "Callable[[], CompileQueue] | None" = None
    stencils: Callable[[], BaselineCompiler | None] | None = None
    store: Callable[[], TranslationStore] | None = None
    budget: CompilerBudget | None = None
    """Of the queue; None: nobody asks what it costs."""
    recurrence: Callable[[], Recurrence] | None = None
    """What is known of earlier runs."""


class _PendingRequest(NamedTuple):
    """A request, and where its answer goes."""

    code_pages: dict[int, int]
    identities: dict[int, tuple[int, int]]
    seed_address: int
    seed_page: int
    """Physical page number of the seed."""
    replaces: int
    """The first tier's translation for the same request, or 0."""
    most_instructions: int


def _runs(state: ProcessorState) -> bool:
    return bool(state.enabled and not state.waiting)


class TieringStatistics:
    """What was made, since the machine was switched on."""

    def __init__(self) -> None:
        self.compiled = self.copied = self.from_disk = 0
        self.refused = 0
        """Requests that came to nothing."""
        self.copy_seconds = 0.0
        """Of the first tier, in which the guest waited."""


class TieringPolicy:
    """Samples the processors of one machine, and has what is hot translated."""

    def __init__(
        self,
        profile_name: str,
        byte_order: str,
        thresholds: Thresholds,
        back_ends: BackEnds,
        pages: CodePages,
        installation: Installation,
    ) -> None:
        self._profile_name, self._order = profile_name, byte_order
        self._thresholds, self._back_ends = thresholds, back_ends
        self._pages, self._installation = pages, installation
        self._hotness = HotnessCounters(thresholds.threshold)
        self._copy_hotness = HotnessCounters(thresholds.copy_threshold)
        self._recompile_hotness = HotnessCounters(thresholds.recompile_threshold)
        self._jumps = JumpProfile()
        self._queue: CompileQueue | None = None
        self._stencils: BaselineCompiler | None = None
        self._stencils_wanted = back_ends.stencils is not None
        self._store: TranslationStore | None = (
            back_ends.store() if back_ends.store is not None else None
        )
        self._recurrence = back_ends.recurrence() if back_ends.recurrence is not None else None
        self._known: dict[int, list[Translation]] = {}
        """By the virtual page of the seed: translations of earlier machines, and of this one."""
        self._asked: dict[int, _PendingRequest] = {}
        self._replaced: set[int] = set()
        """Translations of the first tier for which the compiler has been asked."""
        self._requests = 0
        self._executed: dict[int, int] = {}
        """By processor: its cycles at the last sample."""
        self._cold_cycles = 0
        self._events = 0
        """How often anything was installed, or asked of the compiler."""
        self._now = 0
        """Cycles, about, since the machine was switched on."""
        self._born: dict[int, int] = {}
        """When translations were installed, by number."""
        self.tally = TieringStatistics()

    def sample(
        self, contexts: Sequence[Context], states: Sequence[ProcessorState], cycles: int
    ) -> bool:
        """Take in translations that were made, and see whether more are worth making; `cycles`
        have passed since the last sample. True if something came of it."""
        before = self._events
        self._now += cycles
        for gone in self._installation.collect():
            if self._now - self._born.pop(gone.number, 0) < self._thresholds.long_life:
                for code_page in gone.code_pages:
                    page = self._pages.identity(code_page)[0]
                    self._hotness.back_off(page)
                    self._copy_hotness.back_off(page)
        queue = self._queue
        if queue is not None and queue.pending:
            for answer in queue.collect():
                self._take(answer)
        interpreted = self._take_short_turns(states)
        executed = [self._executed_by(n, state) for n, state in enumerate(states)]
        for context, state, own in zip(contexts, states, executed, strict=True):
            if _runs(state) and not context.unsampled and not interpreted:
                # What a monitor's processor has executed for a guest, the guest's is said to have.
                new = sum(executed) if state.supervised else own
                self._sample(context, state.pc, min(new, cycles))
        return self._events != before

    def _take_short_turns(self, states: Sequence[ProcessorState]) -> bool:
        """Do processors run by turns that are shorter than most ways through a translation, so
        that it would not be executed?"""
        if self._pages.turn >= SHORTEST_TURN or any(state.supervised for state in states):
            return False
        return sum(_runs(state) for state in states) > 1

    @property
    def is_waiting(self) -> bool:
        """Will the compiler answer?"""
        return self._queue is not None and self._queue.pending > 0

    @property
    def compile_seconds(self) -> float:
        """The processor time of the compiler's process."""
        return 0.0 if self._queue is None else self._queue.seconds

    def settle(self) -> None:
        """The guest has ended. What the account of all runs has paid for is waited for: a run that
        is short ends before, and the next one shall have it."""
        recurrence, queue, budget = self._recurrence, self._queue, self._back_ends.budget
        if recurrence is None:
            return
        if queue is not None and recurrence.has_claimed:
            for answer in queue.finish(LONGEST_FINISH):
                self._asked.pop(answer.number, None)
        sizes = [asked.most_instructions for asked in self._asked.values()]
        recurrence.settle(0.0 if budget is None else budget.owed(sizes))

    def close(self) -> None:
        """Nothing more will be asked."""
        self.settle()
        if self._queue is not None:
            self._queue.close()

    def _executed_by(self, number: int, state: ProcessorState) -> int:
        """The cycles that a processor has executed since the last time: not those that it was
        idle."""
        executed: int = state.kernel_cycles + state.user_cycles
        new = executed - self._executed.get(number, 0)
        self._executed[number] = executed
        return max(new, 0)

    def _sample(self, context: Context, pc: int, cycles: int) -> None:
        """A processor is at `pc`: is that code that could be faster?"""
        code_page = self._pages.at(context, pc >> 12)
        if not code_page or pc & 3:
            return
        page = self._pages.identity(code_page)[0]
        if self._installation.is_covered(pc, code_page):
            old = self._installation.covering(pc, code_page)
            if old is None or old.translation.tier != FIRST_TIER:
                return
            self._jumps.sample(context)
            hot = self._recur(pc, code_page, cycles)
            if old.number not in self._replaced and self._recompile_hotness.sample(page, cycles):
                self._ask(context, pc, page, hot, old.number)
            return
        self._cold_cycles += cycles
        if self._store is not None and self._install_kept(context, pc >> 12):
            return
        self._jumps.sample(context)
        hot = self._recur(pc, code_page, cycles)
        is_patient = self._cold_cycles >= self._thresholds.patience
        # For what is known to recur, no more patience than finding out where its jumps lead takes.
        # Copies do not pay any sooner.
        if is_patient or (hot is not None and hot.is_due):
            compile_, copy = (
                self._hotness.sample(page, cycles),
                self._copy_hotness.sample(page, cycles),
            )
            wanted = compile_ or copy if is_patient else copy
            if wanted and not self._install_known(context, pc >> 12):
                self._ask(context, pc, page, hot, copy=copy and is_patient)

    def _recur(self, pc: int, code_page: int, cycles: int) -> HotCode | None:
        recurrence = self._recurrence
        return None if recurrence is None else recurrence.sample(pc, code_page, cycles)

    def _install(self, translation: Translation, code_pages: dict[int, int]) -> int:
        number = self._installation.install(translation, code_pages)
        if number:
            self._events += 1
            self._born[number] = self._now
        return number

    # Translations that there are.

    def _install_kept(self, context: Context, page: int) -> bool:
        """Look once for what is kept of earlier machines for a page, and install what fits; was
        there anything?"""
        if page in self._known:
            return False
        if len(self._known) > self._hotness.PAGES_KEPT:
            self._known.clear()
        assert self._store is not None
        self._known[page] = self._store.find(page)
        return self._install_known(context, page)

    def _install_known(self, context: Context, page: int) -> bool:
        """Install what fits: what was there may have been dropped with its page, which another
        process of the guest now has elsewhere. Was there anything?"""
        installed = 0
        for translation in self._known.get(page, ()):
            code_pages = {
                number: code_page
                for number in translation.pages
                if (code_page := self._pages.at(context, number))
            }
            if not self._installation.has(translation, code_pages):
                installed += self._install(translation, code_pages) > 0
        self.tally.from_disk += installed
        return installed > 0

    # New ones.

    def _ask(
        self,
        context: Context,
        seed: int,
        seed_page: int,
        hot: HotCode | None,
        replaces: int = 0,
        copy: bool = False,
    ) -> None:
        size = self._size_for(seed_page, hot)
        if not copy and not size:
            return
        jumps = self._jumps.targets()
        pages, code_pages = self._pages.around(context, seed, jumps)
        if not pages:
            return
        self._requests += 1
        self._events += 1
        request = Request(
            self._requests,
            self._profile_name,
            self._order,
            seed,
            pages,
            jumps,
            most_instructions=self._thresholds.most_instructions,
        )
        if copy:
            replaces = self._copy(request, code_pages)
        queue = self._open_queue() if size else None
        if queue is None:
            return
        identities = {number: self._pages.identity(page) for number, page in code_pages.items()}
        self._asked[self._requests] = _PendingRequest(
            code_pages, identities, seed, seed_page, replaces, size
        )
        self._replaced.add(replaces)
        if hot is not None:
            hot.is_asked = True
        queue.submit(msgspec.structs.replace(request, most_instructions=size))

    def _size_for(self, seed_page: int, hot: HotCode | None) -> int:
        """How many instructions the compiler may be asked to translate around a page; 0: it is not
        to be asked now. One thing at a time, and what it may cost, which is more for code that
        was hot in an earlier run."""
        pending = self._asked.values()
        if len(pending) >= self._thresholds.most_pending:
            return 0
        if any(asked.seed_page == seed_page for asked in pending):
            return 0
        budget, most = self._back_ends.budget, self._thresholds.most_instructions
        if budget is None:
            return most
        sizes = [asked.most_instructions for asked in pending]
        size = budget.instructions(sizes)
        if not size and hot is not None and self._recurrence is not None:
            granted = self._recurrence.claim(hot)
            size = budget.instructions(sizes, granted) if granted else 0
        return min(most, size)

    def _open_queue(self) -> "CompileQueue | None":
        if self._queue is None and self._back_ends.queue is not None:
            self._queue = self._back_ends.queue()
        return self._queue

    def _copy(self, request: Request, code_pages: dict[int, int]) -> int:
        """Translate at once, if that can be done; the translation's number, or 0."""
        if self._stencils is None and self._stencils_wanted:
            assert self._back_ends.stencils is not None
            self._stencils_wanted = False
            self._stencils = self._back_ends.stencils()
        if self._stencils is None:
            return 0
        translation = self._stencils.translate(request)
        if translation is None:
            return 0
        self.tally.copy_seconds += translation.seconds
        number = self._install(translation, code_pages)
        self.tally.copied += number > 0
        return number

    def _take(self, answer: Answer) -> None:
        asked = self._asked.pop(answer.number)
        self._replaced.discard(asked.replaces)
        translation = answer.translation
        if translation is None:
            self._refuse(asked)
            return
        alive = {
            number: page
            for number, page in asked.code_pages.items()
            if self._pages.is_alive(page, asked.identities[number])
        }
        installed = self._installation.installed
        replaced = installed.get(asked.replaces)
        if not self._install(translation, alive):
            self._refuse(asked)
            return
        self.tally.compiled += 1
        known = self._known.setdefault(asked.seed_address >> 12, [])
        known.insert(0, translation)
        del known[MOST_KNOWN:]
        # Unless it has made room already, and the new one has its number.
        if replaced is not None and installed.get(asked.replaces) is replaced:
            self._installation.remove(asked.replaces)

    def _refuse(self, asked: _PendingRequest) -> None:
        self.tally.refused += 1
        self._hotness.back_off(asked.seed_page)
        self._recompile_hotness.back_off(asked.seed_page)
        self._copy_hotness.back_off(asked.seed_page)
