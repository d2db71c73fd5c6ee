"""The translator as an engine: the interpreter, which finds out what is worth more than itself."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kseg.engine.contract import Exit, ExitReason
from kseg.engine.interpreter.engine import MAX_CODE_PAGES, Interpreter
from kseg.engine.interpreter.layout import Context
from kseg.engine.state import ProcessorState
from kseg.engine.translator.arena import Arena
from kseg.engine.translator.code_pages import CodePages
from kseg.engine.translator.hotness import Heat, JumpProfile
from kseg.engine.translator.installation import Installation
from kseg.engine.translator.messages import Answer, Request
from kseg.engine.translator.workshop import Workshop
from kseg.memory.physical import PhysicalMemory

_BUDGET = int(ExitReason.BUDGET)


@dataclass(frozen=True)
class Policy:
    """When to look, and what is worth a translation."""

    shortest_look: int = 100_000
    """Cycles between two looks at where the guest is, while it runs untranslated code."""
    longest_look: int = 20_000_000
    """The same, while it does not."""
    threshold: int = 2
    """Looks that must find untranslated code in the same page."""
    arena: int = 64 << 20
    """Bytes of native code at most."""
    most_instructions: int = 400
    """Guest instructions in one translation at most."""


@dataclass(frozen=True)
class _Asked:
    """A request, and where its answer goes."""

    code_pages: dict[int, int]
    identities: dict[int, tuple[int, int]]
    seed_page: int
    """Physical page number of the seed."""


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
        workshop: Callable[[], Workshop] | None = None,
    ) -> None:
        """`workshop` makes what makes the translations, when the first is wanted."""
        super().__init__(profile_name, byte_order, memory, processors, quantum, code_pages)
        self._profile_name = profile_name
        self._policy = policy or Policy()
        self._make_workshop = workshop
        self._workshop: Workshop | None = None
        self._pages = CodePages(self._shared, byte_order)
        self._heat = Heat(self._policy.threshold)
        self._jumps = JumpProfile()
        self._installation = Installation(
            self._shared,
            ctypes.addressof(self._contexts[0]),
            self._drop,
            Arena(self._policy.arena),
        )
        self._asked: dict[int, _Asked] = {}
        self._requests = 0
        self._look = self._policy.shortest_look
        self._next_look = self.clock + self._look
        self.compile_seconds = 0.0

    @property
    def translated(self) -> int:
        """Cycles executed in translations."""
        return sum(context.translated for context in self._contexts)

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
                self._look_around()
                self._next_look = clock + self._look
            if clock >= target:
                return self._exit(code)
            shared.keep_steady = 1

    def _end_of_stretch(self) -> int:
        """The cycle of the next look: at the end of a round, for a look must not shorten a turn."""
        begin: int = self._shared.round
        quantum: int = self._shared.quantum
        return begin + -(-(self._next_look - begin) // quantum) * quantum

    # Between two stretches of guest code.

    def _look_around(self) -> None:
        """Take in translations that were made, and see whether more are worth making."""
        for gone in self._installation.collect():
            for code_page in gone.code_pages:
                self._heat.spoil(self._pages.identity(code_page)[0])
        if self._workshop is not None and self._workshop.pending:
            for answer in self._workshop.collect():
                self._take(answer)
        cold = False
        for context, state in zip(self._contexts, self.processors, strict=True):
            if state.enabled and not state.waiting:
                cold |= self._sample(context, state.pc)
        waiting = self._workshop is not None and self._workshop.pending
        if cold or waiting:
            self._look = max(self._look >> 1, self._policy.shortest_look)
        else:
            self._look = min(self._look << 1, self._policy.longest_look)

    def _sample(self, context: Context, pc: int) -> bool:
        """The processor is at `pc`; is that code that has not been translated?"""
        code_page = self._pages.at(context, pc >> 12)
        if not code_page or pc & 3:
            return True
        if self._installation.is_covered(pc, code_page):
            return False
        self._jumps.look(context)
        identity = self._pages.identity(code_page)
        if self._heat.sample(identity[0]):
            self._ask(context, pc, identity[0])
        return True

    def _ask(self, context: Context, seed: int, seed_page: int) -> None:
        if self._workshop is None:
            if self._make_workshop is None:
                return
            self._workshop = self._make_workshop()
        if self._workshop.pending >= 2:
            return
        jumps = self._jumps.targets()
        pages, code_pages = self._pages.around(context, seed, jumps)
        self._requests += 1
        identities = {number: self._pages.identity(page) for number, page in code_pages.items()}
        self._asked[self._requests] = _Asked(code_pages, identities, seed_page)
        self._workshop.submit(
            Request(
                self._requests,
                self._profile_name,
                self._order,
                seed,
                pages,
                jumps,
                most_instructions=self._policy.most_instructions,
            )
        )

    def _take(self, answer: Answer) -> None:
        asked = self._asked.pop(answer.number)
        translation = answer.translation
        if translation is None:
            self._heat.spoil(asked.seed_page)
            return
        self.compile_seconds += translation.seconds
        alive = {
            number: page
            for number, page in asked.code_pages.items()
            if self._pages.is_alive(page, asked.identities[number])
        }
        if not self._installation.install(translation, alive):
            self._heat.spoil(asked.seed_page)
