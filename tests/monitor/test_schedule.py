from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.monitor.schedule import Scheduler
from kseg.monitor.shares import LARGEST_WEIGHT, ReservationError, Share

SECOND = 1_000_000
SLICE = 4000


@dataclass(frozen=True)
class Run:
    name: str
    start: int
    cycles: int


@dataclass(frozen=True)
class Workload:
    """A guest that runs for `work` cycles, sleeps for `pause`, and so on; 0: never sleeps.
    It comes back after `step` cycles, if not before."""

    work: int = 0
    pause: int = 0
    step: int = SLICE


def make(shares: dict[str, Share]) -> Scheduler:
    scheduler = Scheduler(SECOND, SLICE)
    for name, share in shares.items():
        scheduler.add(name, share)
    return scheduler


def simulate(
    scheduler: Scheduler, until: int, workloads: dict[str, Workload] | None = None
) -> list[Run]:
    """The host's loop, with guests that compute all the time where `rhythms` says nothing else."""
    workloads = workloads or {}
    left = {name: workload.work for name, workload in workloads.items()}
    runs = []
    while scheduler.now < until:
        picked = scheduler.pick()
        if picked is None:
            event = scheduler.next_event
            if event is None:
                break
            assert event > scheduler.now
            scheduler.pass_time(event)
            continue
        name, most = picked
        assert 0 < most <= SLICE
        workload = workloads.get(name, Workload())
        cycles = min(most, workload.step)
        if workload.work:
            cycles = min(cycles, left[name])
            left[name] -= cycles
        runs.append(Run(name, scheduler.now, cycles))
        scheduler.charge(name, cycles)
        if workload.work and not left[name]:
            left[name] = workload.work
            scheduler.sleep(name, scheduler.now + workload.pause)
    return runs


def executed(scheduler: Scheduler, name: str) -> int:
    return scheduler.use_of(name).executed


weights = st.one_of(st.integers(1, 20), st.integers(1, LARGEST_WEIGHT))
steps = st.sampled_from([1700, SLICE])
workloads = st.builds(
    Workload, work=st.integers(SLICE // 4, 3 * SLICE), pause=st.integers(1, 10 * SLICE), step=steps
)


# Shares.


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weight": 0}, "a weight is from 1 to 10000, not 0"),
        ({"weight": 10_001}, "not 10001"),
        ({"cap": 0}, "a cap is at least 1"),
        ({"reservation": -1}, "cannot be negative"),
        ({"cap": 5, "reservation": 6}, "a reservation of 6 is more than the cap of 5"),
    ],
)
def test_a_share_must_make_sense(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Share(**fields)


def test_reservations_never_add_up_to_more_than_the_machine() -> None:
    scheduler = make({"a": Share(reservation=600_000), "b": Share(reservation=300_000)})
    with pytest.raises(ReservationError, match=r"c wants 100001 .* 100000 of 1000000 are left"):
        scheduler.add("c", Share(reservation=100_001))
    scheduler.add("c", Share(reservation=100_000))
    assert scheduler.unreserved == 0
    scheduler.remove("a")
    assert scheduler.unreserved == 600_000


def test_guests_are_named_once_and_known() -> None:
    scheduler = make({"a": Share(weight=7)})
    assert scheduler.share_of("a").weight == 7
    with pytest.raises(ValueError, match="there is a guest 'a' already"):
        scheduler.add("a", Share())
    for call in (scheduler.wake, scheduler.remove, scheduler.share_of, scheduler.use_of):
        with pytest.raises(ValueError, match="no guest 'b'"):
            call("b")


def test_nonsense_is_refused() -> None:
    for second, time_slice in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least one cycle"):
            Scheduler(second, time_slice)
    scheduler = make({"a": Share()})
    with pytest.raises(ValueError, match="cannot have executed -1"):
        scheduler.charge("a", -1)
    scheduler.pass_time(5)
    with pytest.raises(ValueError, match="cannot go back from 5 to 4"):
        scheduler.pass_time(4)


# Weights.


def test_equals_take_turns_in_the_order_in_which_they_were_added() -> None:
    scheduler = make({name: Share() for name in "cab"})
    runs = simulate(scheduler, 6 * SLICE)
    assert "".join(run.name for run in runs) == "cabcab"


def test_a_heavy_guest_runs_between_the_light_ones_not_after_them() -> None:
    scheduler = make({"heavy": Share(weight=8)} | {f"{n}": Share(weight=1) for n in range(8)})
    runs = simulate(scheduler, 32 * SLICE)
    turns = [number for number, run in enumerate(runs) if run.name == "heavy"]
    assert len(turns) == 16
    assert max(later - sooner for sooner, later in pairwise(turns)) <= 3


@given(st.lists(weights, min_size=1, max_size=12), st.lists(steps, max_size=12))
def test_nobody_is_a_slice_before_or_behind_its_exact_part(
    guests: list[int], early: list[int]
) -> None:
    """Two, where some come back early."""
    shares = {f"{n}": Share(weight=weight) for n, weight in enumerate(guests)}
    scheduler = make(shares)
    total = sum(guests)
    slack = 2 * SLICE if early else SLICE
    served = dict.fromkeys(shares, 0)
    for run in simulate(
        scheduler, 300 * SLICE, {f"{n}": Workload(step=step) for n, step in enumerate(early)}
    ):
        served[run.name] += run.cycles
        for name, share in shares.items():
            exactly = (run.start + run.cycles) * share.weight
            assert abs(served[name] * total - exactly) <= slack * total


@given(
    st.lists(weights, min_size=2, max_size=5),
    st.lists(st.tuples(weights, workloads), min_size=1, max_size=4),
)
def test_those_that_compute_share_what_the_others_leave(
    computing: list[int], coming_and_going: list[tuple[int, Workload]]
) -> None:
    """In proportion to their weights, whatever the sleepers do, but for some slices."""
    shares = {f"{n}": Share(weight=weight) for n, weight in enumerate(computing)}
    sleepers = {f"s{n}": workload for n, (_, workload) in enumerate(coming_and_going)}
    scheduler = make(
        shares | {f"s{n}": Share(weight=weight) for n, (weight, _) in enumerate(coming_and_going)}
    )
    simulate(scheduler, 600 * SLICE, sleepers)
    rest = sum(executed(scheduler, name) for name in shares)
    for name, share in shares.items():
        exactly = rest * share.weight // sum(computing)
        assert abs(executed(scheduler, name) - exactly) <= (1 + len(sleepers)) * SLICE


def test_a_guest_that_arrives_later_gets_its_part_from_then_on() -> None:
    scheduler = make({"a": Share(), "b": Share()})
    simulate(scheduler, 100 * SLICE)
    scheduler.add("c", Share(weight=200))
    simulate(scheduler, 200 * SLICE)
    assert abs(executed(scheduler, "c") - 50 * SLICE) <= SLICE
    scheduler.remove("c")
    simulate(scheduler, 300 * SLICE)
    assert abs(executed(scheduler, "a") - 125 * SLICE) <= SLICE


# Sleeping and waking.


def test_nobody_runs_while_all_sleep() -> None:
    scheduler = make({"a": Share(), "b": Share()})
    scheduler.sleep("a", None)
    assert scheduler.next_event is None
    scheduler.sleep("b", 700)
    assert scheduler.pick() is None
    assert scheduler.next_event == 700
    scheduler.pass_time(700)
    assert scheduler.pick() == ("b", SLICE)
    assert scheduler.next_event is None
    scheduler.sleep("b", None)
    scheduler.wake("a")
    assert scheduler.pick() == ("a", SLICE)


def test_input_wakes_before_the_timer_and_the_timer_is_forgotten() -> None:
    scheduler = make({"a": Share()})
    scheduler.sleep("a", 1000)
    scheduler.wake("a")
    scheduler.sleep("a", None)
    scheduler.pass_time(2000)
    assert scheduler.pick() is None


def test_a_time_in_the_past_is_now() -> None:
    scheduler = make({"a": Share()})
    scheduler.sleep("a", None)
    scheduler.pass_time(50)
    scheduler.sleep("a", 10)
    assert scheduler.pick() == ("a", SLICE)
    assert scheduler.use_of("a").waited == 0


def test_a_long_sleep_earns_one_early_slice_and_no_more() -> None:
    scheduler = make({"hog": Share(), "sleeper": Share()})
    scheduler.sleep("sleeper", 1000 * SLICE)
    simulate(scheduler, 1000 * SLICE)
    runs = simulate(scheduler, 1100 * SLICE)
    assert runs[0].name == "sleeper"
    assert abs(executed(scheduler, "sleeper") - 50 * SLICE) <= SLICE


@given(weights, weights, st.integers(1, 2 * SLICE), st.integers(0, 50))
def test_short_sleeps_earn_nothing(mine: int, other: int, work: int, pause: int) -> None:
    scheduler = make({"hog": Share(weight=other), "blinking": Share(weight=mine)})
    simulate(scheduler, 200 * SLICE, {"blinking": Workload(work, pause)})
    fair = scheduler.now * mine // (mine + other)
    assert executed(scheduler, "blinking") <= fair + SLICE


def test_a_slice_ends_early_for_a_wake_up_but_is_not_chopped_up() -> None:
    scheduler = make({"hog": Share(), "sleeper": Share()})
    scheduler.sleep("sleeper", 1000)
    assert scheduler.pick() == ("hog", 1000)
    scheduler.charge("hog", 990)
    assert scheduler.pick() == ("hog", SLICE // 8)


def test_a_slice_does_not_end_early_for_one_that_is_ahead_of_its_part() -> None:
    scheduler = make({"a": Share(), "b": Share()})
    scheduler.charge("b", SLICE)
    scheduler.sleep("b", SLICE + 100)
    assert scheduler.pick() == ("a", SLICE)


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=12), st.integers(1, 20), st.integers(1, SLICE)
)
def test_an_interactive_guest_waits_for_less_than_a_slice(
    hogs: list[int], weight: int, work: int
) -> None:
    scheduler = make({f"{n}": Share(weight=each) for n, each in enumerate(hogs)})
    scheduler.add("shell", Share(weight=weight))
    scheduler.sleep("shell", 12_345)
    pause = work * (sum(hogs) + weight) // weight + SLICE
    simulate(scheduler, 12_345 + 4 * (pause + 2 * SLICE), {"shell": Workload(work, pause)})
    use = scheduler.use_of("shell")
    assert use.executed >= 2 * work
    assert use.longest_wait < SLICE


@given(st.integers(1, 20), st.integers(1, 20))
def test_several_that_wake_at_once_run_one_after_the_other(shells: int, hogs: int) -> None:
    scheduler = make({f"hog{n}": Share(weight=LARGEST_WEIGHT) for n in range(hogs)})
    for number in range(shells):
        scheduler.add(f"{number}", Share(weight=1))
        scheduler.sleep(f"{number}", 10 * SLICE)
    workload = Workload(SLICE, 10**9)
    simulate(scheduler, 50 * SLICE, {f"{number}": workload for number in range(shells)})
    for number in range(shells):
        assert scheduler.use_of(f"{number}").longest_wait <= (number + 1) * SLICE


# Caps.


def largest_excess(runs: list[Run], cap: int) -> int:
    """By how much the service in any window exceeds `cap` a second times its length; in
    cycles, rounded up."""
    ahead = lowest = highest = end = 0
    for run in runs:
        lowest = min(lowest, ahead - (run.start - end) * cap)
        ahead += run.cycles * SECOND - (run.start - end + run.cycles) * cap
        highest = max(highest, ahead - lowest)
        end = run.start + run.cycles
    return -(-highest // SECOND)


def test_a_capped_guest_leaves_the_machine_idle() -> None:
    scheduler = make({"a": Share(cap=SECOND // 4)})
    assert scheduler.pick() == ("a", 2500)
    scheduler.charge("a", 2500)
    # A quarter of a burst, which is enough to go on, came in while it ran.
    assert scheduler.pick() == ("a", 625)
    scheduler.charge("a", 625)
    assert scheduler.pick() is None
    assert scheduler.next_event == 2500 + 625 + 1875
    simulate(scheduler, 10 * SECOND)
    assert abs(executed(scheduler, "a") - 10 * SECOND // 4) <= 2500
    use = scheduler.use_of("a")
    assert use.throttled == scheduler.now - use.executed
    assert use.waited == 0


@given(
    st.integers(1, 2 * SECOND),
    st.one_of(st.none(), workloads),
    st.lists(st.tuples(weights, workloads), max_size=4),
)
def test_a_cap_holds_in_every_window(
    cap: int, workload: Workload | None, others: list[tuple[int, Workload]]
) -> None:
    """But for one burst, which is at most a slice and at most a hundredth of the cap."""
    scheduler = make({"capped": Share(weight=LARGEST_WEIGHT, cap=cap)})
    plan = {"capped": workload} if workload else {}
    for number, (weight, each) in enumerate(others):
        scheduler.add(f"{number}", Share(weight=weight))
        plan[f"{number}"] = each
    runs = simulate(scheduler, SECOND, plan)
    mine = [run for run in runs if run.name == "capped"]
    assert largest_excess(mine, cap) <= max(1, min(SLICE, cap // 100))


@given(st.integers(1000, SECOND), st.lists(st.integers(1, 100), max_size=4))
def test_a_guest_that_is_entitled_to_more_gets_all_that_its_cap_allows(
    cap: int, hogs: list[int]
) -> None:
    scheduler = make({f"{n}": Share(weight=each) for n, each in enumerate(hogs)})
    scheduler.add("capped", Share(weight=LARGEST_WEIGHT, cap=cap))
    simulate(scheduler, 2 * SECOND)
    entitled = min(cap, SECOND * LARGEST_WEIGHT // (sum(hogs) + LARGEST_WEIGHT))
    assert executed(scheduler, "capped") >= 2 * entitled * 98 // 100 - SLICE


def test_what_a_capped_guest_leaves_goes_to_the_others_by_weight() -> None:
    scheduler = make({"capped": Share(weight=1000, cap=SECOND // 10), "a": Share(weight=200)})
    scheduler.add("b", Share(weight=100))
    simulate(scheduler, 4 * SECOND)
    assert abs(executed(scheduler, "capped") - 400_000) <= SLICE
    assert abs(executed(scheduler, "a") - 2_400_000) <= 2 * SLICE


# Reservations.


def test_what_is_left_after_reservations_is_divided_by_weight() -> None:
    scheduler = make({"a": Share(weight=100, reservation=400_000), "b": Share(weight=200)})
    simulate(scheduler, 5 * SECOND)
    assert abs(executed(scheduler, "a") - 5 * (400_000 + 200_000)) <= 2 * SLICE
    assert abs(executed(scheduler, "b") - 5 * 400_000) <= 2 * SLICE


def test_a_reservation_that_is_not_used_goes_to_the_others() -> None:
    scheduler = make({"a": Share(reservation=900_000), "b": Share(200), "c": Share(100)})
    scheduler.sleep("a", SECOND)
    simulate(scheduler, SECOND)
    assert abs(executed(scheduler, "b") - 2 * SECOND // 3) <= SLICE
    # Nor is it kept for later.
    simulate(scheduler, 2 * SECOND)
    assert abs(executed(scheduler, "a") - 925_000) <= 2 * SLICE


@given(
    st.lists(st.integers(0, 10), min_size=1, max_size=8),
    st.lists(st.tuples(weights, workloads), max_size=4),
    st.integers(0, 20),
)
def test_reservations_are_met(
    parts: list[int], sleepers: list[tuple[int, Workload]], hogs: int
) -> None:
    """At any time but for two slices: the one that is due, and one that was running before."""
    total = max(sum(parts), 1)
    shares = {
        f"r{n}": Share(weight=1, reservation=SECOND * part // total) for n, part in enumerate(parts)
    }
    scheduler = make(shares)
    for number in range(hogs):
        scheduler.add(f"hog{number}", Share(weight=LARGEST_WEIGHT))
    plan = {}
    for number, (weight, workload) in enumerate(sleepers):
        scheduler.add(f"s{number}", Share(weight=weight))
        plan[f"s{number}"] = workload
    served = dict.fromkeys(shares, 0)
    for run in simulate(scheduler, 200 * SLICE, plan):
        end = run.start + run.cycles
        if run.name in served:
            served[run.name] += run.cycles
        for name, share in shares.items():
            assert served[name] + 2 * SLICE >= end * share.reservation // SECOND


# Everything at once.

anything = st.builds(
    Share,
    weight=weights,
    cap=st.one_of(st.none(), st.integers(60_000, SECOND)),
    reservation=st.sampled_from([0, 0, 50_000]),
)


@given(st.lists(st.tuples(anything, st.one_of(st.none(), workloads)), min_size=1, max_size=8))
def test_the_machine_is_idle_only_when_nobody_may_run_and_every_run_is_the_same(
    guests: list[tuple[Share, Workload | None]],
) -> None:
    shares = {f"{n}": share for n, (share, _) in enumerate(guests)}
    plan = {f"{n}": workload for n, (_, workload) in enumerate(guests) if workload}
    scheduler = make(shares)
    runs = simulate(scheduler, 200 * SLICE, plan)
    always = [name for name, share in shares.items() if share.cap is None and name not in plan]
    if always:
        assert sum(run.cycles for run in runs) == scheduler.now
    again = make(shares)
    assert simulate(again, 200 * SLICE, plan) == runs
    for name in shares:
        use = scheduler.use_of(name)
        assert use == again.use_of(name)
        assert use.executed == sum(run.cycles for run in runs if run.name == name)
        if name not in plan:
            # Whatever it does not execute, it waits or is held back.
            assert use.executed + use.waited + use.throttled == scheduler.now


def test_what_a_guest_had() -> None:
    scheduler = make({"a": Share(), "b": Share()})
    scheduler.sleep("b", 100)
    scheduler.charge("a", 300)
    scheduler.charge("b", 50)
    scheduler.sleep("b", None)
    scheduler.charge("a", 10)
    a, b = scheduler.use_of("a"), scheduler.use_of("b")
    assert (a.executed, a.waited, a.longest_wait, a.switches) == (310, 50, 0, 2)
    assert (b.executed, b.waited, b.longest_wait, b.switches) == (50, 200, 200, 1)
