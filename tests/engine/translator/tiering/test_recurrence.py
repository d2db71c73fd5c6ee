"""What a run knows of those before, and leaves to those after."""

from pathlib import Path

import pytest

from kseg.engine import create
from kseg.engine.translator.compilation.account import LINE, Record, account_for
from kseg.engine.translator.compilation.budget import BEGINNING
from kseg.engine.translator.engine import RECOGNITION, SHORT_LIFE, Translator
from kseg.engine.translator.llvm.compiler import REGION_TIER
from kseg.engine.translator.tiering import recurrence
from kseg.engine.translator.tiering.policy import BackEnds
from kseg.engine.translator.tiering.recurrence import LATER, Recurrence
from tests.engine.translator.assembly import Assembly
from tests.engine.translator.stencils.stencil_queue import loaded
from tests.engine.translator.test_engine import CODE, EAGER, KSEG0, board, counting
from tests.engine.translator.tiering.test_policy import (
    Purse,
    Shop,
    machine,
    made_before,
    many_pages,
    tiers,
)

SHARE = 0.1
WORTH = 20_000
HESITANT = EAGER._replace(patience=1 << 60)
"""Without an account, nothing is ever made."""


@pytest.fixture(autouse=True)
def worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "WORTH", WORTH)


class Runs:
    """An account without a file."""

    def __init__(self, *known: Record) -> None:
        self.known = list(known)
        self.claims: list[Record] = []
        self.owed = 0.0

    def records(self, page: int) -> list[Record]:
        return [each for each in self.known if each.pc >> 12 == page]

    def claim(self, record: Record, share: float) -> float:
        assert share == SHARE
        assert record.is_due
        self.claims.append(record)
        self._note([record._replace(asked=record.asked + 1, is_due=False)])
        return BEGINNING

    def settle(self, records: list[Record], owed: float) -> None:
        self._note(records)
        self.owed += owed

    def _note(self, records: list[Record]) -> None:
        places = {(each.pc, each.content) for each in records}
        others = [each for each in self.known if (each.pc, each.content) not in places]
        self.known = [*records, *others]


def recurring(runs: Runs, shop: Shop | None = None, program: Assembly | None = None) -> Translator:
    back_ends = BackEnds(
        (lambda: shop) if shop is not None else None,
        budget=Purse(0),
        recurrence=lambda: Recurrence(runs, SHARE),
    )
    return machine(counting() if program is None else program, back_ends, HESITANT)


def run(engine: Translator, cycles: int) -> None:
    engine.run(cycles)
    engine.close()


def test_a_run_that_is_soon_over_leaves_nothing() -> None:
    runs = Runs()
    run(recurring(runs), WORTH - 1000)
    assert runs.known == []
    run(recurring(runs), 2 * WORTH)
    (known,) = runs.known
    assert known.pc == (KSEG0 | CODE) & -LINE
    assert (known.asked, known.is_due) == (0, True)


def test_code_that_was_worth_it_is_compiled_in_the_next_run_at_once() -> None:
    runs = Runs()
    run(recurring(runs), 2 * WORTH)
    shop = Shop()
    shop.is_at_work = True
    engine = recurring(runs, shop)
    engine.run(1000)
    assert tiers(engine) == [REGION_TIER]
    assert [each.most_instructions for each in shop.requests] == [round(1000 * BEGINNING)]
    assert len(runs.claims) == 1


def test_stencils_are_copied_no_sooner_where_code_is_known() -> None:
    runs = Runs()
    stencils = loaded("mips161", "big")
    for _ in range(2):
        back_ends = BackEnds(stencils=lambda: stencils, recurrence=lambda: Recurrence(runs, SHARE))
        engine = machine(counting(), back_ends, HESITANT)
        run(engine, 2 * WORTH)
        assert engine.statistics.copied == 0
        assert runs.known


def test_other_code_at_the_same_place_is_not_known() -> None:
    runs = Runs()
    run(recurring(runs), 2 * WORTH)
    shop = Shop()
    engine = recurring(runs, shop, many_pages(1))
    run(engine, 2 * WORTH)
    assert shop.requests == []
    assert len(runs.known) == 2


def test_each_page_has_to_be_worth_it() -> None:
    runs = Runs()
    run(recurring(runs, program=many_pages(8)), 4 * WORTH)
    assert runs.known == []
    run(recurring(runs, program=many_pages(8)), 16 * WORTH)
    first = KSEG0 + CODE >> 12
    assert {each.pc >> 12 for each in runs.known} == set(range(first, first + 8))


def test_what_there_was_no_time_for_is_not_asked_in_the_third_run() -> None:
    runs, shop = Runs(), Shop()
    run(recurring(runs, program=many_pages(8)), 16 * WORTH)
    run(recurring(runs, shop, many_pages(8)), 16 * WORTH)
    assert len(shop.requests) == 1  # which leaves nothing of what was granted
    assert not any(each.is_due for each in runs.known)
    again = Shop()
    run(recurring(runs, again, many_pages(8)), 16 * WORTH)
    assert again.requests == []
    assert not any(each.is_due for each in runs.known)


def test_what_was_asked_in_vain_is_asked_again_later_each_time() -> None:
    runs = Runs()
    run(recurring(runs), 2 * WORTH)
    known = runs.known[0]._replace(asked=1, is_due=False)
    runs.known = [known]
    shop = Shop()
    run(recurring(runs, shop), (WORTH << LATER) - 2000)
    assert runs.known == [known]
    run(recurring(runs, shop), (WORTH << LATER) + 2000)
    assert runs.known == [known._replace(is_due=True)]
    assert shop.requests == []


def test_a_machines_end_waits_for_what_the_account_has_paid_and_for_nothing_else() -> None:
    runs = Runs()
    run(recurring(runs), 2 * WORTH)
    shop = Shop()
    run(recurring(runs, shop), WORTH)
    assert shop.finished == 1
    assert runs.owed == round(1000 * BEGINNING)
    usual = Shop()
    recurs = BackEnds(lambda: usual, recurrence=lambda: Recurrence(Runs(), SHARE))
    run(machine(counting(), recurs), WORTH)
    assert usual.requests
    assert usual.finished == 0


def test_code_that_is_compiled_is_no_longer_noted() -> None:
    runs, memory = Runs(), made_before(counting())
    recurs = BackEnds(store=lambda: memory, recurrence=lambda: Recurrence(runs, SHARE))
    engine = machine(counting(), recurs, HESITANT)
    run(engine, 2 * WORTH)
    assert tiers(engine) == [REGION_TIER]
    assert runs.known == []


def test_results_are_the_same_with_an_account_and_without() -> None:
    program = many_pages(3)
    memory, states = board(program)
    plain = create("reference", "mips161", "big", memory, states)
    runs = Runs()
    for _ in range(3):
        shop = Shop()
        shop.is_at_work = True
        engine = recurring(runs, shop, program)
        memory, states = board(program)
        plain = create("reference", "mips161", "big", memory, states)
        for cycles in (7, 6 * WORTH, 333, 5000):
            for each in (engine, plain):
                each.run(cycles)
            assert bytes(engine.processors[0]) == bytes(states[0])
        engine.close()
    assert runs.claims


# The first sample.


def test_a_young_machine_is_sampled_where_its_code_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("KSEG_CACHE_DIR", str(folder))

    def is_sampled(share: int = 10) -> bool:
        memory, states = board(counting())
        engine = Translator("mips161", "big", memory, states, compiler_share=share)
        engine.run(RECOGNITION + 2_000_000)
        engine.close()
        return engine._made is not None

    assert RECOGNITION + 2_000_000 < SHORT_LIFE
    assert not is_sampled()
    memory, _ = board(counting())
    line = Record((KSEG0 | CODE) & -LINE, memory.read(CODE & -LINE, LINE), 1, False)
    other = line._replace(content=bytes(LINE))
    account_for("mips161", "big").settle([other], 0.0)
    assert not is_sampled()
    account_for("mips161", "big").settle([line], 0.0)
    assert is_sampled()
