"""Which instructions a translation covers."""

from collections.abc import Callable

import pytest

from kseg.engine.translator.compilation.messages import Page, Request
from kseg.engine.translator.discovery import PAGE, discover
from kseg.engine.translator.region import Region
from tests.engine.translator import assembly as a
from tests.engine.translator.assembly import Assembly

BASE = 0x80001000


def request(
    program: Callable[[Assembly], None],
    profile: str = "mips161",
    seed: int = BASE,
    jumps: dict[int, list[int]] | None = None,
    never_executed: tuple[int, ...] = (),
    **limits: int,
) -> Request:
    """What would be asked for a program, all of which has been executed."""
    asm = Assembly()
    asm.at = BASE
    program(asm)
    pages = []
    for number in sorted({at >> 12 for at in asm.words}):
        content, executed = bytearray(PAGE), bytearray(1024)
        for at, word in asm.words.items():
            if at >> 12 == number:
                content[at & 0xFFF : (at & 0xFFF) + 4] = word.to_bytes(4, "big")
                executed[at >> 2 & 1023] = at not in never_executed
        pages.append(Page(number, bytes(content), bytes(executed)))
    return Request(1, profile, "big", seed, pages, jumps or {}, **limits)


def found(asked: Request) -> Region:
    """The region, which must be there."""
    region = discover(asked)
    assert region is not None
    return region


def count_down(asm: Assembly) -> None:
    asm.place("again")
    asm.emit(a.addiu(a.V0, a.V0, -1))
    asm.branch(a.bne(a.V0, 0), "again")
    asm.emit(a.NOP)
    asm.emit(a.SYSCALL)


def test_a_loop_is_one_block_that_looks_at_the_budget() -> None:
    region = found(request(count_down, "r3000", seed=BASE + 4))
    assert list(region.blocks) == [BASE]
    assert region.heads == [BASE]
    assert region.loops == {BASE}
    # One cycle more than it takes, for a load that is still to arrive.
    assert region.bounds == {BASE: 4}
    assert region.addresses == [BASE, BASE + 4, BASE + 8]


def test_a_branch_that_is_not_taken_may_have_no_slot() -> None:
    region = found(request(count_down, "mips161", seed=BASE + 4))
    assert list(region.blocks) == [BASE, BASE + 8]
    assert region.bounds == {BASE: 4}


def test_what_was_never_executed_is_not_covered() -> None:
    def program(asm: Assembly) -> None:
        asm.branch(a.beq(a.V0, 0), "rare")
        asm.emit(a.NOP)
        asm.jump(a.J, "start")
        asm.emit(a.NOP)
        asm.place("rare")
        asm.labels["start"] = BASE
        asm.emit(a.NOP, a.SYSCALL)

    assert BASE + 16 in found(request(program)).addresses
    assert BASE + 16 not in found(request(program, never_executed=(BASE + 16,))).addresses
    assert discover(request(program, never_executed=(BASE,))) is None


def call_twice(asm: Assembly) -> None:
    asm.place("main")
    for _ in range(2):
        asm.jump(a.JAL, "callee")
        asm.emit(a.NOP)
    asm.jump(a.J, "main")
    asm.emit(a.NOP)
    asm.place("callee")
    asm.emit(a.jr(a.RA), a.NOP)


def test_returns_go_to_where_the_calls_of_the_region_come_from() -> None:
    region = found(request(call_twice))
    assert set(region.blocks[BASE + 24].targets) == {BASE + 8, BASE + 16}
    assert region.loops == {BASE} or BASE + 24 in region.loops


def test_recursion_has_a_look_at_the_budget() -> None:
    def program(asm: Assembly) -> None:
        asm.place("self")
        asm.emit(a.addiu(a.V0, a.V0, -1))
        asm.branch(a.beq(a.V0, 0), "out")
        asm.emit(a.NOP)
        asm.jump(a.JAL, "self")
        asm.emit(a.NOP)
        asm.place("out")
        asm.emit(a.jr(a.RA), a.NOP)

    region = found(request(program))
    assert_every_cycle_looks(region)
    assert BASE in region.loops


def assert_every_cycle_looks(region: Region) -> None:
    """Without the blocks that check the budget, control cannot go round; and the bounds are the
    longest paths between checks."""

    def longest(pc: int, on_the_way: tuple[int, ...]) -> int:
        assert pc not in on_the_way, f"{pc:#x} goes round"
        block = region.blocks[pc]
        rest = [
            longest(following, (*on_the_way, pc))
            for following in block.successors
            if following in region.blocks and following not in region.loops
        ]
        return block.cycles + max(rest, default=0)

    slack = 1 if region.profile.load_delay else 0
    for pc, bound in region.bounds.items():
        assert bound == longest(pc, ()) + slack
    assert {*region.heads, *region.loops} == region.bounds.keys()


def test_stalls_count_as_cycles() -> None:
    def program(asm: Assembly) -> None:
        asm.place("again")
        asm.emit(a.register(24, a.V0, a.V0, 0), a.register(16, 0, 0, a.V0))
        asm.branch(a.bne(a.V0, 0), "again")
        asm.emit(a.NOP)

    assert found(request(program)).bounds == {BASE: 7}


def test_targets_of_jumps_are_those_that_were_seen() -> None:
    def program(asm: Assembly) -> None:
        asm.place("main")
        asm.emit(a.jr(a.T9), a.NOP)
        for _ in range(3):
            asm.jump(a.J, "main")
            asm.emit(a.NOP)

    seen = [BASE + 8, BASE + 24, BASE + 2]
    region = found(request(program, jumps={BASE: seen}))
    assert region.blocks[BASE].targets == (BASE + 8, BASE + 24)
    assert BASE + 16 not in region.blocks


@pytest.mark.parametrize("profile", ["mips161", "r3000"])
def test_a_branch_at_the_end_of_a_page_is_the_interpreters(profile: str) -> None:
    def program(asm: Assembly) -> None:
        asm.at = BASE + 0xFF0
        asm.place("again")
        asm.emit(a.addiu(a.V0, a.V0, 1), a.NOP, a.NOP)
        asm.branch(a.beq(0, 0), "again")
        asm.emit(a.NOP)

    region = found(request(program, profile, seed=BASE + 0xFF0))
    assert region.addresses == [BASE + 0xFF0, BASE + 0xFF4, BASE + 0xFF8]
    assert region.blocks[BASE + 0xFF0].hard == BASE + 0xFFC


def test_the_next_page_is_gone_to_even_if_it_begins_with_something_hard() -> None:
    def program(asm: Assembly) -> None:
        asm.at = BASE + 0xFF0
        asm.place("again")
        asm.branch(a.bne(a.V0, 0), "again")
        asm.emit(a.NOP, a.NOP, a.NOP, a.SYSCALL)

    region = found(request(program, seed=BASE + 0xFF0))
    assert region.pages == [BASE >> 12]
    last = region.blocks[BASE + 0xFF4]
    assert (last.hard, last.following) == (None, BASE + 0x1000)


def test_blocks_do_not_cross_pages() -> None:
    def program(asm: Assembly) -> None:
        asm.at = BASE + 0xFF8
        asm.place("again")
        asm.emit(a.NOP, a.NOP, a.NOP)
        asm.branch(a.bne(a.V0, 0), "again")
        asm.emit(a.NOP)

    region = found(request(program, "r3000", seed=BASE + 0x1000))
    assert list(region.blocks) == [BASE + 0x1000, BASE + 0xFF8]
    assert region.pages == [1 + (BASE - 0x1000 >> 12), 2 + (BASE - 0x1000 >> 12)]


def test_early_fetch_faults_keep_entries_from_the_end_of_a_page() -> None:
    def program(asm: Assembly) -> None:
        asm.at = BASE + 0xFF8
        asm.place("again")
        asm.emit(a.NOP, a.NOP)
        asm.jump(a.J, "again")
        asm.emit(a.NOP)

    for profile, may in (("mips161", False), ("r3000", True)):
        region = found(request(program, profile, seed=BASE + 0xFF8))
        assert BASE + 0xFF8 in region.blocks
        assert (BASE + 0xFF8 in region.heads) == may


def test_a_region_has_no_more_instructions_and_pages_than_allowed() -> None:
    def program(asm: Assembly) -> None:
        asm.place("main")
        for number in range(8):
            asm.at = BASE + number * PAGE
            asm.place(f"page{number}")
            asm.emit(*[a.NOP] * 20)
            asm.jump(a.J, f"page{(number + 1) % 8}")
            asm.emit(a.NOP)

    asm_pages = found(request(program, most_pages=3))
    assert len(asm_pages.pages) == 3
    few = found(request(program, most_instructions=30))
    assert len(few.addresses) <= 2 * 22
    assert_every_cycle_looks(few)


def load_before(following: int, profile: str) -> Region:
    def program(asm: Assembly) -> None:
        asm.place("again")
        asm.emit(a.NOP)
        asm.branch(a.beq(a.V1, 0), "over")
        asm.emit(a.lw(a.V0, 0, a.A0))
        asm.place("over")
        asm.emit(following)
        asm.jump(a.J, "again")
        asm.emit(a.NOP)

    return found(request(program, profile))


@pytest.mark.parametrize(
    ("following", "harmless"),
    [
        (a.addiu(a.T0, a.T0, 1), True),
        (a.addiu(a.T0, a.V0, 1), False),
        (a.addiu(a.V0, a.T0, 1), False),
        (a.lw(a.T0, 0, a.A1), False),
        (a.register(0x20, a.T0, a.T1, a.T2), False),
        (a.SYSCALL, False),
    ],
)
def test_a_load_in_a_slot_must_not_be_noticed_too_early(following: int, harmless: bool) -> None:
    region = load_before(following, "r3000")
    assert (BASE + 4 in region.addresses) == harmless
    if harmless:
        assert BASE + 12 in region.looked_at
    assert BASE + 4 in load_before(following, "mips161").addresses


def test_registers_are_dirty_where_they_may_have_been_written() -> None:
    def program(asm: Assembly) -> None:
        asm.place("again")
        asm.emit(a.addiu(a.V0, a.V0, 1))
        asm.branch(a.beq(a.V1, 0), "over")
        asm.emit(a.NOP)
        asm.emit(a.addiu(a.T0, a.T0, 1))
        asm.place("over")
        asm.emit(a.addiu(a.T1, a.T1, 1), a.SYSCALL)

    region = found(request(program))
    assert region.dirty[BASE] == frozenset()
    # The instruction in the slot comes after the branch here, also where that is not taken.
    assert region.dirty[BASE + 8] == {a.V0}
    assert region.dirty[BASE + 16] == {a.V0, a.T0}
    assert region.blocks[BASE + 16].hard == BASE + 20
