"""A machine that is run, typed into, saved, loaded, forked, changed, recorded, and visited in its
past, in any order: each log is repeated to the same end, and the past is what it was."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kseg import Machine
from kseg.api.recording import Recording
from kseg.api.replay import Replay
from kseg.api.travel import TimeTravel
from kseg.history.digest import whole_digest
from kseg.history.recorder import Intervals
from kseg.monitor.observers import Edits
from kseg.monitor.stop import StopReason
from tests.history.logs import board
from tests.history.machines import EPOCH

WAYS = [
    ("interpreter", None),
    ("translator", None),
    ("interpreter", "bare"),
    ("interpreter", "hybrid"),
    ("interpreter", "trap-and-emulate"),
]
TEXTS = ["echo a\r", "primes 40\r", "ls a:\r", "echo b > a:/f; cat a:/f\r", "x", "\r", "date\r"]


class Histories(RuleBasedStateMachine):
    """`machine` is the one that is worked with; `finished` are logs and how they must end."""

    @initialize(monitor=st.sampled_from(["bare", "hybrid"]), cpus=st.sampled_from([1, 1, 2]))
    def begin(self, monitor: str, cpus: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.count = 0
        options: dict[str, Any] = {"monitor": "bare" if cpus > 1 else monitor, "cpus": cpus}
        self.machine = Machine(
            "cms", seed=5, epoch=EPOCH, ram="1M", engine="interpreter", **options
        )
        self.others: list[Machine] = []
        self.bare_only = cpus > 1
        self.log: Path | None = None
        self.travel: TimeTravel | None = None
        self.seen: dict[int, bytes] = {}
        self.edits = Edits(self.seen.clear)
        """Of the past that can be visited: the state at some cycles."""
        self.snapshot: Path | None = None

    def name(self, kind: str) -> Path:
        self.count += 1
        return Path(self.folder.name) / f"{kind}{self.count}"

    @property
    def recording(self) -> bool:
        return self.log is not None

    @rule(cycles=st.integers(0, 400_000))
    def run(self, cycles: int) -> None:
        stop = self.machine.run(cycles=cycles)
        if self.travel is not None and stop.reason is StopReason.CYCLE_LIMIT:
            self.seen.setdefault(self.machine.cycles, whole_digest(self.machine.board))

    @precondition(lambda self: self.travel is None)
    @rule(memory=st.sampled_from([1, 256 << 20]))
    def remember(self, memory: int) -> None:
        self.travel = self.machine.travel(memory=memory)
        self.seen.clear()
        self.machine.observers.add(self.edits)

    @precondition(lambda self: bool(self.travel and self.seen))
    @rule(data=st.data(), steps=st.integers(0, 3))
    def go_back(self, data: st.DataObject, steps: int) -> None:
        """And forward again, by steps and at once."""
        assert self.travel is not None
        before, present = whole_digest(self.machine.board), self.machine.cycles
        for cycle in data.draw(st.lists(st.sampled_from(sorted(self.seen)), max_size=4)):
            self.travel.go_to(cycle)
            assert self.travel.machine.cycles == cycle
            assert whole_digest(self.travel.machine.board) == self.seen[cycle]
            for _ in range(steps):
                self.travel.step_back()
        self.travel.go_to(present)
        assert not self.travel.in_past
        assert whole_digest(self.machine.board) == before

    def forget(self) -> None:
        if self.travel is not None:
            self.machine.observers.remove(self.edits)
            self.travel.close()
            self.travel = None

    @rule(text=st.sampled_from(TEXTS), directly=st.booleans())
    def type(self, text: str, directly: bool) -> None:
        if directly:
            self.machine.board.input_port.type(text.encode())
        else:
            self.machine.console.send(text)

    @rule(word=st.integers(0, 0xFFFFFFFF))
    def change(self, word: int) -> None:
        self.machine.memory.set_word(0xB0000, word)
        self.machine.processors[0].registers["k1"] = word

    @rule()
    def reset(self) -> None:
        self.machine.board.reset()

    @rule()
    def save(self) -> None:
        self.snapshot = self.name("snapshot")
        self.machine.save(self.snapshot)

    @precondition(lambda self: self.snapshot is not None and not self.recording)
    @rule()
    def load(self) -> None:
        assert self.snapshot is not None
        self.machine.load(self.snapshot)

    @rule(reseed=st.sampled_from([None, None, 3]))
    def fork(self, reseed: int | None) -> None:
        """And go on with the clone, if nothing is being recorded."""
        clone = self.machine.fork(reseed=reseed)
        if self.recording:
            clone.run(cycles=50_000)
            clone.close()
        else:
            self.forget()
            self.others.append(self.machine)
            self.machine = clone

    @precondition(lambda self: not self.recording)
    @rule(stretch=st.sampled_from([7_000, 50_000]), often=st.booleans())
    def record(self, stretch: int, often: bool) -> None:
        self.log = self.name("log")
        often_enough = {"whole": 0, "keyframe": 0} if often else {}
        intervals = Intervals(shortest=stretch, longest=4 * stretch, **often_enough)
        self.taken = Recording(self.machine, self.log, intervals)

    @precondition(lambda self: self.recording)
    @rule(way=st.sampled_from(WAYS), start=st.floats(0, 1), cuts=st.lists(st.floats(0, 1)))
    def replay(self, way: tuple[str, str | None], start: float, cuts: list[float]) -> None:
        """Finish the recording, and repeat it: perhaps from the middle, perhaps in pieces."""
        self.taken.finish()
        log, self.log = self.log, None
        assert log is not None
        engine, monitor = way
        monitor = "bare" if self.bare_only else monitor
        with Replay(log, engine=engine, monitor=monitor) as known:
            first, last = known.log.first.cycle, known.log.last_cycle
        begin = first + int(start * (last - first))
        with Replay(log, engine=engine, monitor=monitor, start=begin) as replay:
            machine = replay.machine
            for cut in sorted(cuts)[:3]:
                cycle = first + int(cut * (last - first))
                if cycle > machine.cycles:
                    machine.run(cycles=cycle - machine.cycles)
            machine.run()
            assert board(machine)["cycles"] == self.machine.cycles == last
            assert self.machine.console.output.endswith(machine.console.output)
            for name in ("regions", "processors", "devices", "random", "activity"):
                mine, theirs = board(self.machine)["state"], board(machine)["state"]
                assert getattr(mine, name) == getattr(theirs, name), name
            assert replay.log.problem == ""

    @invariant()
    def nothing_went_wrong(self) -> None:
        if hasattr(self, "machine"):
            assert not any("recording ends" in text for text in self.machine.messages)

    def teardown(self) -> None:
        if hasattr(self, "machine"):
            self.forget()
            for each in (self.machine, *self.others):
                each.close()
            self.folder.cleanup()


def test_histories() -> None:
    run_state_machine_as_test(Histories, settings=settings(max_examples=12, stateful_step_count=15))
