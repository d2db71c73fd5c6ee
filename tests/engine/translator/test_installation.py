"""Translations come into code pages only while the guest code is what it was, and leave in time."""

import ctypes

import pytest

from kseg.engine.interpreter.layout import CODE_PAGE_TRANSLATED, TRANSLATIONS
from kseg.engine.translator.compilation.compile_queue import InlineCompileQueue
from kseg.engine.translator.compilation.messages import Translation
from kseg.engine.translator.engine import Translator
from kseg.engine.translator.tiering.policy import BackEnds
from kseg.engine.translator.tiering.thresholds import Thresholds
from kseg.platform.code import CodeMemory, NativeCodeError
from tests.engine.translator import assembly as a
from tests.engine.translator.assembly import Assembly
from tests.engine.translator.test_engine import CODE, DATA, KSEG0, board, eager


def two_loops(asm: Assembly) -> None:
    """A loop in each of two pages, by turns; each adds 1 to a register of its own."""
    asm.at = KSEG0 | CODE
    asm.place("main")
    asm.value(a.T8, KSEG0 | DATA)
    asm.place("first")
    asm.emit(a.addiu(a.S0, 0, 50))
    asm.place("again")
    asm.place("patched")
    asm.emit(a.addiu(a.V0, a.V0, 1), a.addiu(a.S0, a.S0, -1))
    asm.branch(a.bne(a.S0, 0), "again")
    asm.emit(a.NOP)
    asm.jump(a.J, "second")
    asm.emit(a.NOP)
    asm.at += 64
    asm.place("beside")
    asm.emit(0)
    asm.at = KSEG0 | CODE + 0x1000
    asm.place("second")
    asm.emit(a.addiu(a.S1, 0, 50))
    asm.place("more")
    asm.emit(a.addiu(a.V1, a.V1, 1), a.addiu(a.S1, a.S1, -1))
    asm.branch(a.bne(a.S1, 0), "more")
    asm.emit(a.lw(a.T0, 0, a.T8))
    asm.branch(a.beq(a.T0, 0), "first")
    asm.emit(a.NOP)
    # A device stores a word.
    asm.emit(a.lw(a.T1, 4, a.T8), a.lw(a.T2, 8, a.T8), a.sw(0, 0, a.T8), a.sw(a.T2, 0, a.T1))
    asm.jump(a.J, "first")
    asm.emit(a.NOP)


def running() -> tuple[Translator, Assembly]:
    """The two loops, translated."""
    asm = Assembly()
    two_loops(asm)
    engine = eager(asm)
    engine.run(4000)
    assert engine._contexts[0].translated > 0
    return engine, asm


def store(engine: Translator, address: int, word: int) -> None:
    """Let the guest store a word."""
    for number, value in enumerate((1, address, word)):
        engine._memory.write(DATA + 4 * number, value.to_bytes(4, "big"))
    engine.run(600)
    assert engine._memory.read(DATA, 4) == bytes(4)


def is_covered(engine: Translator, address: int) -> bool:
    """Does a translation cover the instruction?"""
    page = engine._tiering._pages.at(engine._contexts[0], address >> 12)
    return bool(page) and engine._installation.is_covered(address, page)


def test_a_store_into_covered_code_drops_the_translation() -> None:
    engine, asm = running()
    installation = engine._installation
    before, counted = installation.dropped, engine.processors[0].gpr[a.V0]
    engine.run(1000)
    assert installation.dropped == before
    store(engine, asm.labels["patched"], a.addiu(a.V0, a.V0, 1000))
    assert engine.processors[0].gpr[a.V0] > counted + 1000 * 20
    engine.run(1000)
    assert installation.dropped > before


def test_after_a_drop_nothing_is_thought_covered_that_is_not() -> None:
    engine, asm = running()
    # Make one translation of everything, and nothing else.
    store(engine, asm.labels["patched"], a.addiu(a.V0, a.V0, 1))
    engine._installation.collect()
    for name in ("patched", "more"):
        address = asm.labels[name]
        covering = [
            each
            for each in engine._installation.installed.values()
            for source in each.translation.sources
            if source.pc <= address < source.pc + len(source.content)
        ]
        assert is_covered(engine, address) == bool(covering)


def test_a_store_beside_code_drops_nothing() -> None:
    engine, asm = running()
    before = dict(engine._installation.installed)
    for _ in range(100):
        store(engine, asm.labels["beside"], 0x1234)
    engine._installation.collect()
    assert engine._installation.dropped == 0
    assert before.keys() <= engine._installation.installed.keys()
    translated = engine._contexts[0].translated
    engine.run(1000)
    assert engine._contexts[0].translated - translated > 800


def test_a_store_right_before_a_head_leaves_it_in_place() -> None:
    asm = Assembly()
    asm.at = KSEG0 | CODE
    asm.place("main")
    asm.address(a.T8, "counter")
    asm.jump(a.J, "again")
    asm.emit(a.NOP)
    asm.place("counter")
    asm.emit(0)
    asm.place("again")
    asm.emit(a.addiu(a.V0, a.V0, 1), a.andi(a.T0, a.V0, 63))
    asm.branch(a.bne(a.T0, 0), "again")
    asm.emit(a.NOP)
    asm.jump(a.J, "main")
    asm.emit(a.sw(a.V0, 0, a.T8))
    engine = eager(asm)
    engine.run(10_000)
    translated = engine._contexts[0].translated
    engine.run(10_000)
    assert engine._installation.dropped == 0
    assert engine._contexts[0].translated - translated > 8000


def test_code_changed_from_outside_is_dropped() -> None:
    engine, asm = running()
    counted = engine.processors[0].gpr[a.V0]
    at = asm.labels["patched"]
    engine._memory.write(at & 0x1FFFFFFF, a.addiu(a.V0, a.V0, 1000).to_bytes(4, "big"))
    engine.memory_changed(at & 0x1FFFFFFF, 4)
    assert not is_covered(engine, at)
    engine.run(1000)
    assert engine.processors[0].gpr[a.V0] > counted + 1000 * 50


def made() -> tuple[Translator, Translation, dict[int, int]]:
    """A translation that has been taken out, and the code pages that it goes into."""
    engine, _ = running()
    number, installed = next(iter(engine._installation.installed.items()))
    pages = dict(zip(installed.translation.pages, installed.code_pages, strict=True))
    engine._installation.remove(number)
    engine._next_look = 1 << 60
    engine.run(500)  # the interpreter decodes what it executes again
    return engine, installed.translation, pages


def test_what_was_taken_out_can_be_put_back() -> None:
    engine, translation, pages = made()
    assert engine._installation.install(translation, pages)
    translated = engine._contexts[0].translated
    engine.run(1000)
    assert engine._contexts[0].translated > translated


def test_a_translation_of_other_code_is_refused() -> None:
    engine, translation, pages = made()
    source = translation.sources[0]
    engine._memory.write(source.pc & 0x1FFFFFFF, b"\xff")
    assert not engine._installation.install(translation, pages)


def test_a_translation_whose_page_is_gone_is_refused() -> None:
    engine, translation, pages = made()
    assert not engine._installation.install(translation, {})
    assert not engine._installation.install(translation, dict.fromkeys(pages, 0))


def test_a_translation_larger_than_the_arena_is_refused() -> None:
    asm = Assembly()
    two_loops(asm)
    memory, states = board(asm)
    thresholds = Thresholds(
        shortest_interval=50,
        longest_interval=400,
        threshold=1,
        copy_threshold=1,
        patience=0,
        arena=1,
    )
    engine = Translator(
        "mips161",
        "big",
        memory,
        states,
        thresholds=thresholds,
        back_ends=BackEnds(InlineCompileQueue),
    )
    engine._installation._arena.size = 16
    engine.run(4000)
    assert not engine._installation.installed
    assert engine.processors[0].gpr[a.V0] > 0


def test_a_host_that_gives_no_more_executable_memory_is_done_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_arguments: object) -> None:
        raise NativeCodeError("this system lets no memory be made executable")

    engine, translation, pages = made()
    others = len(engine._installation.installed)
    with monkeypatch.context() as context:
        context.setattr(CodeMemory, "write", refuse)
        for _ in range(TRANSLATIONS + 10):
            assert not engine._installation.install(translation, pages)
        engine.run(1000)
    assert len(engine._installation.installed) == others
    assert engine._installation.install(translation, pages)
    engine.run(1000)


def test_records_that_are_used_up_are_taken_from_the_oldest() -> None:
    engine, translation, pages = made()
    installation = engine._installation
    others = len(installation.installed)
    for _ in range(TRANSLATIONS + 10):
        assert installation.install(translation, pages)
    assert len(installation.installed) <= TRANSLATIONS - 1
    assert installation.evicted >= others + 10
    engine.run(1000)


def test_what_is_taken_out_leaves_nothing_behind() -> None:
    engine, _ = running()
    installation = engine._installation
    pages = {page for each in installation.installed.values() for page in each.code_pages}
    for number in list(installation.installed):
        installation.remove(number)
    assert installation.code_bytes == installation.instructions == 0
    for page in pages:
        assert ctypes.c_uint64.from_address(page + CODE_PAGE_TRANSLATED).value == 0
    translated = engine._contexts[0].translated
    engine._next_look = 1 << 60
    engine.run(1000)
    assert engine._contexts[0].translated == translated


@pytest.mark.parametrize("cycles", [400_000])
def test_a_guest_that_rewrites_its_code_for_ever_is_left_alone(cycles: int) -> None:
    asm = Assembly()
    asm.at = KSEG0 | CODE
    asm.place("main")
    asm.address(a.T8, "again")
    asm.emit(a.lw(a.T0, 0, a.T8))
    asm.place("outer")
    asm.emit(a.addiu(a.S0, 0, 100))
    asm.place("again")
    asm.emit(a.addiu(a.V0, a.V0, 1), a.addiu(a.S0, a.S0, -1))
    asm.branch(a.bne(a.S0, 0), "again")
    asm.emit(a.NOP)
    asm.jump(a.J, "outer")
    asm.emit(a.sw(a.T0, 0, a.T8))
    engine = eager(asm)
    engine.run(cycles)
    assert engine._tiering._requests < 20
    assert engine._installation.dropped >= 3
    assert len(engine._installation.installed) <= 2


def test_a_load_arrives_in_time_where_nothing_was_decoded() -> None:
    asm = Assembly()
    asm.at = KSEG0 | CODE
    asm.place("main")
    asm.value(a.T8, KSEG0 | DATA)
    asm.emit(a.lw(a.T0, 0, a.T8))
    asm.place("again")
    asm.emit(a.addu(a.T1, a.T0, a.T0), a.addiu(a.V0, a.V0, 1))
    asm.branch(a.beq(0, 0), "again")
    asm.emit(a.NOP)
    engines = []
    for _ in range(2):
        engines.append(eager(asm, profile="r3000"))
        engines[-1]._memory.write(DATA, bytes([0, 0, 0, 7]))
    engines[0].run(2000)
    installed = next(iter(engines[0]._installation.installed.values()))
    tested = engines[1]
    tested.run(1)
    page = tested._tiering._pages.at(tested._contexts[0], KSEG0 + CODE >> 12)
    assert tested._installation.install(installed.translation, {KSEG0 + CODE >> 12: page})
    tested.run(3)
    # It was entered by the load, whose result the first instruction did not see.
    assert tested.processors[0].gpr[a.T0] == 7
    assert tested.processors[0].gpr[a.T1] == 0
