import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.machine.clock import EventClock, TimeModel
from kseg.machine.random_generator import RandomGenerator

EXACT = TimeModel(nanoseconds_per_cycle=40, longest_burst=1000, poll_interval=400)
LATE = TimeModel(
    nanoseconds_per_cycle=40,
    longest_burst=125_000,
    poll_interval=50_000,
    late_events=True,
    idle_remainder_counts_twice=True,
)


class Owner:
    def __init__(self, clock: EventClock) -> None:
        self.clock = clock
        self.seen: list[tuple[int, str, int]] = []
        clock.register("owner", self)

    def check_event(self, name: str, argument: int) -> None:
        pass

    def on_event(self, name: str, argument: int) -> None:
        self.seen.append((self.clock.now, name, argument))


def make(model: TimeModel = EXACT) -> tuple[EventClock, Owner]:
    clock = EventClock(model, RandomGenerator())
    return clock, Owner(clock)


def run_burst(clock: EventClock) -> bool:
    clock.begin_burst()
    clock.elapsed = clock.burst
    return clock.end_burst()


def test_an_event_comes_at_the_first_whole_cycle_not_before_it() -> None:
    clock, owner = make()
    clock.schedule(100, "owner", "tick", 7)
    clock.begin_burst()
    assert clock.burst == 3
    clock.elapsed = 3
    clock.end_burst()
    assert owner.seen == [(120, "tick", 7)]


@given(st.lists(st.integers(0, 100_000), max_size=30))
def test_events_come_in_order_of_time_and_then_of_scheduling(delays: list[int]) -> None:
    clock, owner = make()
    for number, delay in enumerate(delays):
        clock.schedule(delay, "owner", "event", number)
    while clock.next_due is not None:
        run_burst(clock)
    wanted = sorted(range(len(delays)), key=lambda number: (delays[number], number))
    assert [argument for _, _, argument in owner.seen] == wanted
    assert all(now >= delays[number] for now, _, number in owner.seen)


def test_without_events_a_burst_ends_at_the_next_poll() -> None:
    clock, _ = make()
    clock.begin_burst()
    assert clock.burst == 400
    clock.elapsed = 150
    assert not clock.end_burst()
    assert run_burst(clock)
    assert clock.now == 400 * 40


def test_an_exact_clock_shortens_the_burst_for_a_new_event() -> None:
    clock, owner = make()
    clock.begin_burst()
    clock.elapsed = 10
    clock.schedule(1000, "owner", "soon")
    assert clock.burst == 35
    clock.schedule(0, "owner", "now")
    assert clock.burst == 11
    clock.elapsed = 11
    clock.end_burst()
    assert [name for _, name, _ in owner.seen] == ["now"]


def test_a_late_clock_does_not_shorten_a_burst_that_was_not_cut_for_an_event() -> None:
    clock, owner = make(LATE)
    clock.begin_burst()
    clock.elapsed = 10
    clock.schedule(1000, "owner", "late")
    assert clock.burst == 50_000
    clock.elapsed = clock.burst
    assert clock.end_burst()
    assert owner.seen == [(2_000_000, "late", 0)]


def test_a_late_clock_ends_a_burst_cut_for_a_later_event_after_this_cycle() -> None:
    clock, owner = make(LATE)
    clock.schedule(40_000, "owner", "later")
    clock.begin_burst()
    assert clock.burst == 1000
    clock.elapsed = 10
    clock.schedule(50_000, "owner", "behind")
    assert clock.burst == 1000
    clock.schedule(4000, "owner", "first")
    assert clock.burst == 11
    clock.elapsed = 11
    clock.end_burst()
    # The later one lost its claim: nothing shortens a burst for an event before it any more.
    run_burst(clock)
    run_burst(clock)
    assert [name for _, name, _ in owner.seen] == ["first", "later"]


def test_jitter_lengthens_by_up_to_one_percent() -> None:
    model = TimeModel(40, 1000, 400, jitter=True)
    clock = EventClock(model, RandomGenerator(1))
    Owner(clock)
    clock.schedule(5_000_000, "owner", "event")
    # 1804289383 / 2147483647 of one percent.
    assert clock.next_due == 5_042_009


def test_a_jump_takes_time_to_the_nanosecond_and_carries_the_rest_of_a_cycle() -> None:
    clock, owner = make(LATE)
    clock.schedule(1010, "owner", "one")
    clock.begin_jump(1010, exactly=False)
    assert (clock.burst, clock.jumping) == (25, True)
    clock.idle(25)
    clock.end_burst()
    assert owner.seen == [(1010, "one", 0)]
    # The ten nanoseconds count again, as on System/161.
    clock.begin_jump(1000, exactly=False)
    clock.idle(25)
    clock.end_burst()
    assert (clock.now, clock.idle_cycles, clock.run_cycles) == (2020, 50, 0)


def test_the_calendar_can_be_set() -> None:
    clock = EventClock(EXACT, RandomGenerator(), epoch=1000)
    clock.elapsed = 50_000_000
    assert clock.time_of_day() == (1002, 0)
    clock.set_seconds(5)
    clock.set_nanoseconds(999_999_990)
    assert clock.time_of_day() == (5, 999_999_990)
    clock.elapsed += 1
    assert clock.time_of_day() == (6, 30)


def test_handlers_may_schedule_for_now() -> None:
    clock = EventClock(EXACT, RandomGenerator())
    seen = []

    class Chain:
        def check_event(self, name: str, argument: int) -> None:
            pass

        def on_event(self, name: str, argument: int) -> None:
            seen.append(argument)
            if argument < 3:
                clock.schedule(0, "chain", name, argument + 1)

    clock.register("chain", Chain())
    clock.schedule(40, "chain", "link")
    run_burst(clock)
    assert seen == [0, 1, 2, 3]


def test_owners_are_named_once_and_known() -> None:
    clock, owner = make()
    with pytest.raises(ValueError, match="two event owners"):
        clock.register("owner", owner)
    with pytest.raises(ValueError, match="no event owner"):
        clock.schedule(1, "nobody", "event")


def test_a_guest_that_floods_the_queue_is_noticed() -> None:
    clock, _ = make()
    for number in range(clock.CROWDED):
        assert not clock.crowded
        clock.schedule(1000 - number % 10, "owner", "flood", number)
    assert clock.crowded
    for name in ("flood", "nothing"):
        clock.drop_oldest(clock.owners.number("owner"), clock.owners.event(0, name))
    assert sorted(event.argument for event in clock.pending)[0] == 1


@given(
    st.lists(st.integers(1, 200_000), min_size=1, max_size=20),
    st.integers(0, 5),
    st.sampled_from([EXACT, LATE]),
)
def test_a_loaded_clock_goes_on_like_the_saved_one(
    delays: list[int], bursts: int, model: TimeModel
) -> None:
    clock, owner = make(model)
    for delay in delays:
        clock.schedule(delay, "owner", "event", delay)
    for _ in range(bursts):
        run_burst(clock)
    clock.begin_burst()
    clock.elapsed = clock.burst // 2
    other, its_owner = make(model)
    other.load(clock.save())
    already = len(owner.seen)
    for each in (clock, other):
        each.schedule(10, "owner", "new")
        each.elapsed = max(each.elapsed, each.burst)
        each.end_burst()
        while each.next_due is not None:
            run_burst(each)
    assert owner.seen[already:] == its_owner.seen
    assert clock.save() == other.save()


def test_a_state_with_an_unknown_owner_is_refused() -> None:
    clock, _ = make()
    clock.schedule(1, "owner", "event")
    empty = EventClock(EXACT, RandomGenerator())
    with pytest.raises(ValueError, match="has not"):
        empty.load(clock.save())


@given(
    st.lists(st.integers(0, 40_000_000), max_size=3),
    st.integers(0, 20_000),
    st.sampled_from([EXACT, LATE]),
)
def test_a_lengthened_burst_is_many_ordinary_ones(
    delays: list[int], reached: int, model: TimeModel
) -> None:
    """Up to the cycle in which a device is reached, and from there on."""
    reached = reached * model.poll_interval // 500
    (ordinary, one), (lengthened, other) = make(model), make(model)
    for clock in (ordinary, lengthened):
        for number, delay in enumerate(delays):
            clock.schedule(delay, "owner", str(number))
    total = 0
    while True:
        ordinary.begin_burst()
        if total + ordinary.burst > reached:
            break
        total += ordinary.burst
        ordinary.elapsed = ordinary.burst
        ordinary.end_burst()
    ordinary.elapsed = reached - total
    total = 0
    while True:
        lengthened.begin_burst()
        lengthened.lengthen_burst(17 * model.poll_interval)
        if total + lengthened.burst > reached:
            break
        total += lengthened.burst
        lengthened.elapsed = lengthened.burst
        lengthened.end_burst()
    lengthened.elapsed = reached - total
    total += lengthened.settle_burst()
    assert lengthened.settle_burst() == 0
    assert lengthened.now == ordinary.now
    assert lengthened.save() == ordinary.save()
    assert one.seen == other.seen


def test_an_event_brought_forward_comes_once_and_now() -> None:
    clock, owner = make()
    clock.schedule(100_000, "owner", "later")
    clock.schedule(20_000, "owner", "sooner")
    clock.begin_burst()
    clock.elapsed = 7
    sooner, later = clock.pending
    clock.bring_forward(later)
    clock.bring_forward(sooner)
    assert owner.seen == [(280, "later", 0), (280, "sooner", 0)]
    assert clock.next_due is None
    clock.end_burst()
    for _ in range(10):
        run_burst(clock)
    assert len(owner.seen) == 2
