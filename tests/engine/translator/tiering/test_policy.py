"""What is translated and when, what comes before what, and that there is an end to it."""

from collections.abc import Callable, Iterable

import pytest

from kseg.engine import Exit, create
from kseg.engine.interpreter.layout import TRANSLATIONS
from kseg.engine.translator.compilation.compile_queue import InlineCompileQueue
from kseg.engine.translator.compilation.messages import Answer, Request, Translation
from kseg.engine.translator.engine import Translator
from kseg.engine.translator.llvm.compiler import REGION_TIER
from kseg.engine.translator.tiering.hotness import HotnessCounters
from kseg.engine.translator.tiering.policy import FIRST_TIER, SHORTEST_TURN, BackEnds
from kseg.engine.translator.tiering.thresholds import Thresholds
from tests.engine.translator import assembly as a
from tests.engine.translator.assembly import Assembly
from tests.engine.translator.stencils.stencil_queue import loaded
from tests.engine.translator.test_engine import CODE, DATA, EAGER, KSEG0, board, counting

_INLINE = InlineCompileQueue()


class Shop:
    """A queue that does nothing by itself."""

    seconds = 0.0

    def __init__(self) -> None:
        self.requests: list[Request] = []
        """All that were ever made."""
        self.most_pending = 0
        self.is_refusing = False
        self.is_at_work = False
        self.finished = 0
        self._open: list[Request] = []

    @property
    def pending(self) -> int:
        return len(self._open)

    def submit(self, request: Request) -> None:
        self.requests.append(request)
        self._open.append(request)
        self.most_pending = max(self.most_pending, self.pending)

    def collect(self) -> list[Answer]:
        answers = []
        if self.is_refusing or self.is_at_work:
            for request in self._open:
                if self.is_refusing:
                    answers.append(Answer(request.number, None, "no"))
                else:
                    _INLINE.submit(request)
                    answers += _INLINE.collect()
            self._open = []
        return answers

    def finish(self, seconds: float) -> list[Answer]:
        assert seconds > 0
        self.finished += 1
        return self.collect()

    def close(self) -> None:
        self._open = []


class Memory:
    """Translations kept from earlier, without a disk."""

    def __init__(self) -> None:
        self.kept: dict[int, list[Translation]] = {}
        self.sampler = 0

    def find(self, page: int) -> list[Translation]:
        self.sampler += 1
        return list(self.kept.get(page, []))


def machine(program: Assembly, back_ends: BackEnds, thresholds: Thresholds = EAGER) -> Translator:
    memory, states = board(program)
    return Translator("mips161", "big", memory, states, thresholds=thresholds, back_ends=back_ends)


def tiers(engine: Translator) -> list[int]:
    """Of what is in place."""
    return [each.translation.tier for each in engine._installation.installed.values()]


def with_stencils(**more: Callable[[], object]) -> BackEnds:
    stencils = loaded("mips161", "big")
    return BackEnds(stencils=lambda: stencils, **more)


def many_pages(count: int) -> Assembly:
    """Loops in so many pages, for ever by turns."""
    asm = Assembly()
    asm.at = KSEG0 | CODE
    asm.place("main")
    for number in range(count):
        asm.at = KSEG0 | CODE + 0x1000 * number
        asm.place(f"page{number}")
        asm.emit(a.addiu(a.S0, 0, 200))
        asm.place(f"again{number}")
        asm.emit(a.addiu(a.V0, a.V0, 1), a.addiu(a.S0, a.S0, -1))
        asm.branch(a.bne(a.S0, 0), f"again{number}")
        asm.emit(a.NOP)
        asm.jump(a.J, f"page{(number + 1) % count}")
        asm.emit(a.NOP)
    return asm


# When.


def test_a_machine_that_is_soon_over_asks_nobody() -> None:
    shop = Shop()
    engine = machine(counting(), BackEnds(lambda: shop), EAGER._replace(patience=20_000))
    engine.run(19_000)
    assert shop.requests == []
    engine.run(20_000)
    assert len(shop.requests) == 1


def test_code_is_worth_a_translation_after_so_many_cycles_in_its_page() -> None:
    shop = Shop()
    thresholds = EAGER._replace(threshold=20_000, copy_threshold=20_000)
    engine = machine(counting(), BackEnds(lambda: shop), thresholds)
    engine.run(19_000)
    assert shop.requests == []
    engine.run(20_000)
    assert len(shop.requests) == 1
    assert shop.requests[0].seed >> 12 == KSEG0 + CODE >> 12


def test_a_guest_that_waits_is_not_looked_at() -> None:
    asm = Assembly()
    asm.at = KSEG0 | CODE
    asm.place("main")
    asm.emit(a.WAIT)
    asm.branch(a.beq(0, 0), "main")
    asm.emit(a.NOP)
    shop = Shop()
    engine = machine(asm, BackEnds(lambda: shop))
    for _ in range(50):
        engine.run(1000)
        engine.skip(1000)
    assert shop.requests == []


@pytest.mark.parametrize(
    ("processors", "quantum", "is_asked"),
    [(1, 1, True), (2, 1, False), (2, SHORTEST_TURN - 1, False), (2, SHORTEST_TURN, True)],
)
def test_nothing_is_made_for_processors_that_take_short_turns(
    processors: int, quantum: int, is_asked: bool
) -> None:
    shop = Shop()
    memory, states = board(counting(), processors)
    engine = Translator(
        *("mips161", "big", memory, states, quantum),
        thresholds=EAGER,
        back_ends=BackEnds(lambda: shop),
    )
    engine.run(20_000)
    assert bool(shop.requests) is is_asked
    if processors > 1:
        states[1].waiting = 1
        engine.state_changed()
        engine.run(20_000)
        assert shop.requests  # now one of them runs alone


def test_a_monitors_processor_has_executed_what_its_guest_is_said_to_have() -> None:
    memory, states = board(counting(), 2)
    engine = Translator(*("mips161", "big", memory, states), thresholds=EAGER, back_ends=BackEnds())
    engine.run(1000)
    policy, guest, hardware = engine._tiering, *states
    engine._contexts[0].unsampled, hardware.supervised = 1, 1
    policy.sample(engine._contexts, states, 0)
    before = policy._cold_cycles
    guest.user_cycles += 9000
    hardware.user_cycles += 10
    policy.sample(engine._contexts, states, 20_000)
    assert policy._cold_cycles == before + 9010
    guest.user_cycles += 50_000
    policy.sample(engine._contexts, states, 20_000)
    assert policy._cold_cycles == before + 29_010


def test_no_more_is_asked_at_one_time_than_the_policy_says_and_once_for_a_page() -> None:
    shop = Shop()
    engine = machine(many_pages(8), BackEnds(lambda: shop), EAGER._replace(most_pending=3))
    engine.run(200_000)
    assert shop.most_pending == len(shop.requests) == 3
    assert len({request.seed >> 12 for request in shop.requests}) == 3
    shop.is_at_work = True
    engine.run(200_000)
    assert len(shop.requests) > 3
    assert shop.most_pending == 3


def test_without_means_nothing_is_made() -> None:
    engine = machine(many_pages(4), BackEnds())
    engine.run(50_000)
    assert tiers(engine) == []
    assert engine.statistics.refused == 0


# What comes first.


def made_before(program: Assembly) -> Memory:
    """What a machine before this one has kept of a program."""
    shop, memory = Shop(), Memory()
    shop.is_at_work = True
    engine = machine(program, BackEnds(lambda: shop))
    engine.run(20_000)
    for each in engine._installation.installed.values():
        for page in each.translation.pages:
            memory.kept.setdefault(page, []).append(each.translation)
    assert memory.kept
    return memory


def test_kept_translations_come_before_patience_and_before_all_others() -> None:
    shop, memory = Shop(), made_before(counting())
    back_ends = with_stencils(queue=lambda: shop, store=lambda: memory)
    engine = machine(counting(), back_ends, EAGER._replace(patience=1 << 60))
    engine.run(20_000)
    assert tiers(engine) == [REGION_TIER]
    assert shop.requests == []
    did = engine.statistics
    assert (did.cache_hits, did.compiled, did.copied) == (1, 0, 0)
    assert did.translated_cycles > 10_000
    assert memory.sampler == 1


def test_what_is_kept_of_another_program_is_not_installed() -> None:
    shop, memory = Shop(), made_before(counting())
    shop.is_at_work = True
    engine = machine(many_pages(2), BackEnds(lambda: shop, store=lambda: memory))
    engine.run(20_000)
    assert engine.statistics.cache_hits == 0
    assert engine.statistics.compiled >= 1
    assert memory.sampler <= 2


def test_the_compilers_translation_replaces_the_one_of_stencils() -> None:
    shop = Shop()
    engine = machine(counting(), with_stencils(queue=lambda: shop))
    engine.run(20_000)
    assert tiers(engine) == [FIRST_TIER]
    assert engine.statistics.copied == 1
    before = engine.statistics.translated_cycles
    assert before > 10_000
    shop.is_at_work = True
    engine.run(20_000)
    assert tiers(engine) == [REGION_TIER]
    did = engine.statistics
    assert did.compiled == len(shop.requests) == 1
    assert did.translated_cycles - before > 15_000
    assert not engine._tiering._replaced


class Purse:
    """A budget of so many instructions."""

    def __init__(self, instructions: int) -> None:
        self.left = instructions

    def instructions(self, pending: Iterable[int], granted: float = 0.0) -> int:
        return max(max(self.left, round(1000 * granted)) - sum(pending), 0)

    def owed(self, pending: Iterable[int]) -> float:
        return float(sum(pending))


def test_the_compiler_is_asked_for_no_more_than_it_may_cost() -> None:
    shop, purse = Shop(), Purse(0)
    engine = machine(many_pages(4), BackEnds(lambda: shop, budget=purse))
    engine.run(40_000)
    assert shop.requests == []
    purse.left = 150
    engine.run(40_000)
    assert [each.most_instructions for each in shop.requests] == [150]
    purse.left = 1000
    engine.run(40_000)
    assert [each.most_instructions for each in shop.requests] == [150, 400, 400, 50]


def test_stencils_are_copied_also_when_the_compiler_would_cost_too_much() -> None:
    shop = Shop()
    back_ends = with_stencils(queue=lambda: shop, budget=Purse(0))
    engine = machine(counting(), back_ends)
    engine.run(40_000)
    assert tiers(engine) == [FIRST_TIER]
    assert shop.requests == []


def test_a_translation_that_was_dropped_is_installed_again_without_the_compiler() -> None:
    shop = Shop()
    shop.is_at_work = True
    engine = machine(counting(), BackEnds(lambda: shop))
    engine.run(40_000)
    assert tiers(engine) == [REGION_TIER]
    asked = len(shop.requests)
    engine._installation.remove_all()
    engine.run(40_000)
    assert tiers(engine) == [REGION_TIER]
    assert len(shop.requests) == asked


# What comes to nothing.


def test_refused_requests_become_rare() -> None:
    shop = Shop()
    shop.is_refusing = True
    engine = machine(counting(), BackEnds(lambda: shop))
    counts = []
    for _ in range(3):
        engine.run(200_000)
        counts.append(len(shop.requests))
    assert counts[0] < 30
    assert counts[2] - counts[0] <= 3
    # The last one may still be on its way.
    assert counts[2] - engine.statistics.refused <= 1


def test_refused_requests_become_rare_where_stencils_were_copied_too() -> None:
    shop = Shop()
    shop.is_refusing = True
    engine = machine(counting(), with_stencils(queue=lambda: shop))
    engine.run(200_000)
    before = len(shop.requests)
    engine.run(400_000)
    assert before < 30
    assert len(shop.requests) - before <= 3
    assert tiers(engine) == [FIRST_TIER]


def rewriting(pages: int) -> Assembly:
    """Loops in so many pages, in which each turn stores an instruction never seen before."""
    asm = Assembly()
    asm.at = KSEG0 | CODE
    asm.place("main")
    asm.value(a.S1, a.addiu(a.V1, 0, 0))
    asm.value(a.T9, KSEG0 | DATA)
    asm.jump(a.J, "page0")
    asm.emit(a.NOP)
    for number in range(pages):
        asm.at = KSEG0 | 0x4000 + 0x1000 * number
        asm.place(f"page{number}")
        asm.emit(a.addiu(a.S0, 0, 100))
        asm.place(f"again{number}")
        asm.emit(a.addiu(a.V0, a.V0, 1), a.addiu(a.S0, a.S0, -1))
        asm.place(f"victim{number}")
        asm.emit(a.addiu(a.V1, 0, 0))
        asm.branch(a.bne(a.S0, 0), f"again{number}")
        asm.emit(a.NOP)
        asm.emit(a.addiu(a.S1, a.S1, 1))
        asm.address(a.T8, f"victim{number}")
        asm.jump(a.J, f"page{(number + 1) % pages}")
        asm.emit(a.sw(a.S1, 0, a.T8))
    return asm


class Inline(Shop):
    """Answers at once, and keeps what it makes for a machine's store."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.is_at_work = True
        self._memory = memory

    def collect(self) -> list[Answer]:
        answers = super().collect()
        for answer in answers:
            if answer.translation is not None:
                for page in answer.translation.pages:
                    self._memory.kept.setdefault(page, []).append(answer.translation)
        return answers


@pytest.mark.parametrize("pages", [1, 6])
@pytest.mark.parametrize("has_stencils", [False, True])
def test_a_guest_that_rewrites_its_code_for_ever_keeps_nobody_busy(
    pages: int, has_stencils: bool
) -> None:
    memory = Memory()
    shop = Inline(memory)
    back_ends = BackEnds(lambda: shop, store=lambda: memory)
    if has_stencils:
        back_ends = with_stencils(queue=back_ends.queue, store=back_ends.store)
    engine = machine(rewriting(pages), back_ends)
    engine.run(1_000_000)
    early, copied = len(shop.requests), engine.statistics.copied
    assert early < 40 * pages
    engine.run(2_000_000)
    # Twice as long again each time, so at most two more of a page.
    assert len(shop.requests) - early <= 3 * pages
    assert engine.statistics.copied - copied <= 3 * pages
    tiering = engine._tiering
    assert len(engine._installation.installed) <= 4 * pages
    assert engine.statistics.code_bytes < 64 << 10
    assert len(tiering._asked) <= EAGER.most_pending
    assert len(tiering._replaced) <= EAGER.most_pending + 1
    assert len(tiering._born) <= TRANSLATIONS
    assert len(tiering._known) <= HotnessCounters.PAGES_KEPT + 1
    assert memory.sampler <= pages + 2
    reference_memory, states = board(rewriting(pages))
    create("interpreter", "mips161", "big", reference_memory, states).run(3_000_000)
    assert bytes(engine.processors[0]) == bytes(states[0])


def test_code_that_goes_away_while_it_is_compiled_is_refused() -> None:
    shop = Shop()
    engine = machine(counting(), BackEnds(lambda: shop))
    engine.run(5000)
    assert shop.pending == 1
    at = CODE + 12
    engine._memory.write(at, a.addiu(a.T1, a.T1, 2).to_bytes(4, "big"))
    engine.memory_changed(at, 4)
    shop.is_at_work = True
    engine.run(1000)
    assert engine.statistics.refused == 1
    engine.run(50_000)
    assert engine.statistics.compiled == 1
    assert engine.statistics.translated_cycles > 0


def test_code_that_is_moved_elsewhere_does_not_make_tables_grow() -> None:
    """All of memory is changed, not by the guest, again and again."""
    shop = Shop()
    shop.is_at_work = True
    engine = machine(many_pages(8), BackEnds(lambda: shop))
    program = many_pages(8).words
    for turn in range(60):
        for at, word in program.items():
            if word == a.addiu(a.V0, a.V0, 1):
                word = a.addiu(a.V0, a.V0, 1 + turn)
                engine._memory.write(at & 0x1FFFFFFF, word.to_bytes(4, "big"))
        engine.memory_changed(0, 1 << 16)
        assert isinstance(engine.run(5000), Exit)
    assert len(shop.requests) < 150
    assert len(engine._installation.installed) <= 16
    assert len(engine._tiering._born) <= TRANSLATIONS
    assert len(engine._tiering._asked) <= EAGER.most_pending


def test_closing_closes_the_workshop() -> None:
    shop = Shop()
    engine = machine(counting(), BackEnds(lambda: shop))
    engine.run(5000)
    assert shop.pending == 1
    engine.close()
    assert shop.pending == 0
    machine(counting(), BackEnds(lambda: shop)).close()
