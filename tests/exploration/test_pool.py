import os
import signal
import sys
from pathlib import Path

import pytest

from kseg.critical_section import postpone
from kseg.errors import KsegError
from kseg.exploration import pool as pools
from kseg.exploration.messages import Job, Task
from kseg.exploration.pool import Pool
from kseg.exploration.start import Start
from kseg.exploration.trial import Goal
from tests.exploration.racing import boot, racing

DYING = """
import os, signal, sys
sys.path.insert(0, {path!r})
from kseg.exploration import worker
do = worker.do
def deadly(trials, job):
    if job.seed in {deadly!r}:
        os.kill(os.getpid(), signal.SIGKILL)
    return do(trials, job)
worker.do = deadly
worker.main()
"""


def dying(*seeds: int) -> list[str]:
    """A worker that dies of some seeds."""
    import kseg

    path = str(Path(kseg.__file__).parents[1])
    return [sys.executable, "-c", DYING.format(path=path, deadly=seeds)]


@pytest.fixture
def task(tmp_path: Path):  # type: ignore[no-untyped-def]
    with boot(tmp_path, racing()) as machine, Start(machine, "interpreter") as start:
        yield Task(str(start.snapshot), "interpreter", Goal("right"))


def test_jobs_are_done_by_many(task: Task) -> None:
    pool = Pool(task, 3)
    try:
        for seed in range(7):
            pool.submit(Job(seed, []))
        assert pool.pending == 7
        assert not pool.has_room
        found = []
        while pool.pending:
            found += pool.collect()
        assert sorted(done.job.seed for done in found) == list(range(7))
        assert all(done.answer.outcome and done.answer.outcome.passed for done in found)
        assert pool.has_room
        assert len(pool._workers) == 3
        assert pool.collect() == []  # and does not wait
    finally:
        pool.close()
    assert pool._workers == []


def test_one_that_dies_takes_one_job_with_it(task: Task) -> None:
    pool = Pool(task, 2, dying(2, 5))
    try:
        for seed in range(8):
            pool.submit(Job(seed, []))
        found = {}
        while pool.pending:
            found.update({done.job.seed: done.answer for done in pool.collect()})
        assert sorted(found) == list(range(8))
        lost = {seed: answer.error for seed, answer in found.items() if answer.outcome is None}
        assert lost == dict.fromkeys((2, 5), "its process died (killed by signal 9)")
    finally:
        pool.close()


def finish(pool: Pool, *jobs: Job) -> None:
    for job in jobs:
        pool.submit(job)
    while pool.pending:
        pool.collect()


def test_it_is_given_up_when_they_all_die(task: Task) -> None:
    pool = Pool(task, 2, dying(*range(50)))
    for seed in range(50):
        pool.submit(Job(seed, []))
    with pytest.raises(KsegError, match="processes of the exploration die"):
        finish(pool)
    pool.close()


def test_workers_that_cannot_begin(task: Task, tmp_path: Path) -> None:
    for command, text in [
        (None, "snapshot .*nowhere.*: No such file"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "exit code 3"),
        ([str(tmp_path / "nothing")], "cannot start a process"),
    ]:
        pool = Pool(Task(str(tmp_path / "nowhere"), "auto", task.goal), 1, command)
        with pytest.raises(KsegError, match=text):
            finish(pool, Job(1, []))
        pool.close()


def test_closing_ends_workers_at_once(task: Task) -> None:
    pool = Pool(task, 2)
    for seed in range(10):
        pool.submit(Job(seed, []))
    pool.collect()
    numbers = [each._process.pid for each in pool._workers]
    os.kill(numbers[0], signal.SIGSTOP)  # also one that does not listen
    pool.close()
    for number in numbers:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def test_a_signal_does_not_come_between_a_worker_and_the_list_of_them(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be left behind when the exploration ends."""
    postponed: list[bool] = []

    class Late(pools._Worker):
        def __init__(self, command: list[str], todo: Task) -> None:
            super().__init__(command, todo)
            postponed.append(postpone(lambda: None))

    monkeypatch.setattr(pools, "_Worker", Late)
    pool = Pool(task, 1)
    pool.submit(Job(1, []))
    pool.close()
    assert postponed == [True]
