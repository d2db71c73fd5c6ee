from kseg.exploration.report import Report, Trial
from kseg.exploration.trial import Outcome
from kseg.machine.preemption import Preemption, Struck

PASSED = Outcome("passed", digest="a")


def test_trials_by_seed_and_outcomes_by_kind() -> None:
    report = Report(PASSED, "random", 2)
    for seed in (5, 1, 3):
        report.add(Trial(seed, [], PASSED))
    report.add(Trial(4, [], Outcome("power-off", 1, digest="b")))
    report.add(Trial(2, [], Outcome("power-off", 1, digest="b", seconds=3.0)))
    report.add(Trial(6, [], Outcome("power-off", 0, digest="b")))
    assert [trial.seed for trial in report.trials] == [1, 2, 3, 4, 5, 6]
    assert [trial.seed for trial in report.failures] == [2, 4, 6]
    assert [(group.size, group.seed) for group in report.groups] == [(3, 1), (2, 2), (1, 6)]


def test_a_shrunk_trial_takes_the_place_of_the_first() -> None:
    report = Report(PASSED, "random", 2)
    assert not report.had_effect
    hangs = Outcome("hangs", struck=[Struck(5, 0, 0x80001000)])
    report.add(Trial(1, [Preemption(5), Preemption(9)], hangs))
    report.add(Trial(1, [Preemption(5)], hangs, shrunk_from=2))
    assert [trial.shrunk_from for trial in report.trials] == [2]
    assert report.had_effect
