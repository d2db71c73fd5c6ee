"""What is found to be hot, from samples."""

from kseg.engine.interpreter.layout import JUMPS, Context
from kseg.engine.translator.tiering.hotness import (
    SITES_KEPT,
    TARGETS_KEPT,
    HotnessCounters,
    JumpProfile,
)


def jump(context: Context, origin: int, target: int) -> None:
    """What native code notes of a jump."""
    context.jumps[context.jump_count % JUMPS] = target << 32 | origin
    context.jump_count += 1


def test_a_page_is_hot_after_as_many_samples_as_the_threshold_says() -> None:
    heat = HotnessCounters(3)
    assert [heat.sample(7, 1) for _ in range(6)] == [False, False, True, False, False, True]
    assert not heat.sample(8, 1)


def test_each_failure_doubles_the_samples_that_are_needed() -> None:
    heat = HotnessCounters(1)
    needed = []
    for _ in range(5):
        count = 1
        while not heat.sample(7, 1):
            count += 1
        needed.append(count)
        heat.back_off(7)
    assert needed == [1, 2, 4, 8, 16]
    assert heat.sample(8, 1)


def test_what_is_remembered_of_pages_is_bounded() -> None:
    heat = HotnessCounters(2)
    for page in range(3 * HotnessCounters.PAGES_KEPT):
        heat.sample(page, 1)
        heat.back_off(page)
    assert len(heat._samples) <= HotnessCounters.PAGES_KEPT + 1
    assert len(heat._backed_off) <= HotnessCounters.PAGES_KEPT + 1


def test_targets_come_with_the_most_frequent_first() -> None:
    context, profile = Context(), JumpProfile()
    for target in (0x80000100, 0x80000200, 0x80000200):
        jump(context, 0x80000010, target)
    profile.sample(context)
    profile.sample(context)
    assert profile.targets() == {0x80000010: [0x80000200, 0x80000100]}


def test_jumps_of_every_processor_count() -> None:
    first, second, profile = Context(), Context(), JumpProfile()
    second.number = 1
    for _ in range(10):
        jump(first, 0x80000010, 0x80000100)
    jump(second, 0x80000020, 0x80000200)
    for context in (first, second):
        profile.sample(context)
    assert profile.targets() == {0x80000010: [0x80000100], 0x80000020: [0x80000200]}


def test_only_the_latest_jumps_are_there_to_be_seen() -> None:
    context, profile = Context(), JumpProfile()
    for number in range(3 * JUMPS):
        jump(context, 0x80000010, number // JUMPS * 4)
    profile.sample(context)
    assert profile.targets() == {0x80000010: [8]}


def test_what_is_remembered_of_jumps_is_bounded() -> None:
    context, profile = Context(), JumpProfile()
    for number in range(4 * SITES_KEPT):
        jump(context, 4 * number, 8)
        jump(context, 0x80000010, 4 * number)
        profile.sample(context)
    sites = profile.targets()
    assert len(sites) <= SITES_KEPT + 2
    assert len(sites[0x80000010]) <= TARGETS_KEPT
