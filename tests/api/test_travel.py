"""Any moment of a run can be visited, and is what it was then."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg import Machine
from kseg.api.points import moment
from kseg.api.replay import Replay
from kseg.api.travel import TimeTravel
from kseg.engine.contract import Watchpoint
from kseg.errors import StateError
from kseg.history.digest import whole_digest
from kseg.machine import disk_image
from kseg.machine.processor_state import executed
from kseg.monitor.stop import StopReason
from tests.cli.kernels import ticking
from tests.history.machines import busy
from tests.unwind.programs import CALLING, SPINNING, TWO, boot, symbols

AT = symbols(CALLING)
WATCH = [Watchpoint(AT["counter"], AT["counter"] + 3, False, True)]


@contextmanager
def calling(directory: Path, **options: Any) -> Iterator[TimeTravel]:
    """CALLING, run to its end."""
    with boot(directory, CALLING, **options) as machine:
        travel = machine.travel()
        assert travel.run().reason == StopReason.POWER_OFF
        yield travel


def pc(travel: TimeTravel, processor: int = 0) -> int:
    return travel.machine.processors[processor].registers["pc"]


@pytest.mark.parametrize("engine", ["interpreter", "translator"])
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(
    lengths=st.lists(st.integers(1, 700_000), min_size=2, max_size=6),
    order=st.randoms(use_true_random=False),
    memory=st.sampled_from([1, 2 << 20, 256 << 20]),
)
def test_what_is_visited_is_as_it_was(
    engine: str, lengths: list[int], order: Any, memory: int
) -> None:
    with busy(1, engine=engine) as machine:
        travel = machine.travel(memory=memory)
        seen = {machine.cycles: (whole_digest(machine.board), machine.console.output)}
        for length in lengths:
            travel.run(cycles=length)
            seen[machine.cycles] = whole_digest(machine.board), machine.console.output
        present = machine.cycles
        cycles = list(seen) * 2
        order.shuffle(cycles)
        for cycle in cycles:
            travel.go_to(cycle)
            visited = travel.machine
            assert visited.cycles == cycle
            assert (whole_digest(visited.board), visited.console.output) == seen[cycle]
            assert travel.in_past == (cycle != present)
        travel.go_to(present)
        before = machine.console.output
        travel.run(cycles=200_000)
        assert machine.console.output.startswith(before)


def test_the_past_leads_to_the_present() -> None:
    with busy() as machine:
        travel = machine.travel()
        travel.run(cycles=300_000)
        state, present = machine.board.save(), machine.cycles
        travel.go_to(present - 250_000)
        assert travel.in_past
        stop = travel.run()
        assert (stop.reason, travel.in_past) == (StopReason.LOG_END, False)
        assert (machine.board.save(), machine.cycles) == (state, present)


def test_before_the_beginning() -> None:
    with busy() as machine:
        travel = machine.travel()
        assert travel.first_cycle == machine.cycles == 400_000
        with pytest.raises(LookupError, match="begins at cycle 400000"):
            travel.go_to(399_999)
        assert not travel.step_back()
        assert travel.run_back([0x80000000]) is None


@pytest.mark.slow("reference")
@pytest.mark.parametrize("engine", ["reference", "interpreter", "translator"])
def test_steps_back_are_steps_in_reverse(tmp_path: Path, engine: str) -> None:
    with boot(tmp_path, CALLING, engine=engine) as machine:
        travel = machine.travel()
        places = []
        while not machine.board.state.powered_off:
            place, begun = pc(travel), executed(machine.board.processors[0])
            travel.run(cycles=1)
            if executed(machine.board.processors[0]) > begun:
                places.append(place)
        for expected in reversed(places):
            assert travel.step_back()
            assert pc(travel) == expected
        assert not travel.step_back()
        assert travel.in_past


def test_a_step_back_over_a_long_wait(tmp_path: Path) -> None:
    """The guest waits for its timer most of the time."""
    (tmp_path / "guest.elf").write_bytes(ticking())
    with Machine(tmp_path / "guest.elf") as machine:
        travel = machine.travel()
        state = machine.board.processors[0]
        travel.run(cycles=1_100_000)
        assert state.waiting
        begun, cycle = executed(state), machine.cycles
        assert travel.step_back()
        visited = travel.machine
        assert executed(visited.board.processors[0]) == begun - 1
        visited.run(cycles=1)
        assert executed(visited.board.processors[0]) == begun
        assert visited.cycles < cycle


@pytest.mark.parametrize("engine", ["reference", "interpreter", "translator"])
def test_the_last_stop_before(tmp_path: Path, engine: str) -> None:
    with calling(tmp_path, engine=engine) as travel:
        arguments = []
        while stop := travel.run_back([AT["work"]]):
            assert (stop.reason, pc(travel)) == (StopReason.BREAKPOINT, AT["work"])
            arguments.append(travel.machine.processors[0].registers["a0"])
        assert arguments == [2, 3, 4]
        assert travel.machine.cycles == travel.first_cycle == 0


def test_the_last_write(tmp_path: Path) -> None:
    with calling(tmp_path) as travel:
        found = []
        while stop := travel.last_write(AT["counter"]):
            assert (stop.reason, stop.stores) == (StopReason.WATCHPOINT, True)
            memory = travel.machine.memory.virtual()
            found.append((int.from_bytes(memory.read(AT["counter"], 4), "big"), pc(travel)))
        store = AT["work"] + 20
        assert found == [(7, store), (4, store), (0, store)]


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_going_back_finds_what_going_forward_found(tmp_path: Path, data: st.DataObject) -> None:
    """Of two processors, too, where stops lie in the middle of cycles."""
    labels = symbols(TWO)
    points = data.draw(st.sets(st.sampled_from([labels["first"], labels["second"]]), min_size=1))
    with boot(tmp_path, TWO, cpus=2) as machine:
        travel = machine.travel()
        machine.engine.set_breakpoints(points)
        for length in data.draw(st.lists(st.integers(1, 5000), min_size=1, max_size=6)):
            travel.run(cycles=length)
        found: list[tuple[int, int]] = []
        stop = travel.run_back(points)
        while stop is not None and len(found) < 6:
            found.append((moment(travel.machine), stop.processor))
            assert len(found) < 2 or found[-1] < found[-2]
            stop = travel.run_back(points)
        # From here on forward there are the same stops: without this one, if it is one.
        here = travel.machine
        here.engine.set_breakpoints(points)
        again = []
        for _ in found:
            processor = here.run().processor
            again.append((moment(here), processor))
        assert again == found[::-1]


def test_a_step_back_of_each_processor(tmp_path: Path) -> None:
    labels = symbols(TWO)
    with boot(tmp_path, TWO, cpus=2) as machine:
        travel = machine.travel()
        travel.run(cycles=5000)
        for processor, label in ((0, "first"), (1, "second")):
            before = executed(travel.machine.board.processors[processor])
            assert travel.step_back(processor)
            assert executed(travel.machine.board.processors[processor]) == before - 1
            assert labels[label] <= pc(travel, processor) <= labels[label] + 8


def test_what_is_on_disk_is_not_undone(tmp_path: Path) -> None:
    image = tmp_path / "disk"
    disk_image.create(image, 4 << 20)
    with Machine("cms", disks=[image], input="echo one > a:/f; cat a:/f; format a\r") as machine:
        travel = machine.travel()
        travel.run(cycles=4_000_000)
        before, output = image.read_bytes(), machine.console.output
        digest = whole_digest(machine.board)
        travel.go_to(1_000_000)
        travel.run(cycles=2_000_000)
        assert travel.machine is not machine
        assert image.read_bytes() == before
        travel.machine.run(cycles=machine.cycles - travel.machine.cycles)
        assert travel.machine.console.output == output
        assert whole_digest(travel.machine.board) == digest


def test_the_past_takes_no_time_to_wait_for(tmp_path: Path) -> None:
    """Neither the pace of the machine nor its watchdog concern a visit to the past."""
    (tmp_path / "guest.elf").write_bytes(ticking())
    with Machine(tmp_path / "guest.elf", progress_timeout=2) as machine:
        travel = machine.travel()
        stop = machine.run(seconds=10)
        assert stop.reason == StopReason.NO_PROGRESS
        machine.run(seconds=1)
        machine.monitor.idling.pace = "real"
        cycle = machine.cycles - 1000
        travel.go_to(cycle)
        assert (travel.machine.cycles, travel.machine.monitor.idling.pace) == (cycle, "fast")


def test_what_was_changed_has_no_past(tmp_path: Path) -> None:
    with boot(tmp_path, SPINNING) as machine:
        travel = machine.travel()
        travel.run(cycles=1000)
        machine.processors[0].registers["t1"] = 7
        assert travel.run_back([symbols(SPINNING)["spin"]]) is None
        travel.run(cycles=500_000)
        assert travel.first_cycle == 1000
        travel.go_to(200_000)
        assert travel.machine.processors[0].registers["t1"] == 7


def test_another_state_has_another_past(tmp_path: Path) -> None:
    with boot(tmp_path, SPINNING) as machine:
        travel = machine.travel()
        travel.run(cycles=300_000)
        state = machine.save()
        travel.run(cycles=300_000)
        machine.load(state)
        assert travel.run_back([symbols(SPINNING)["spin"]]) is None
        travel.run(cycles=600_000)
        assert travel.first_cycle == 300_000
        digest = whole_digest(machine.board)
        travel.go_to(300_001)
        assert travel.run().reason == StopReason.LOG_END
        assert whole_digest(machine.board) == digest


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with boot(tmp_path, SPINNING) as machine:
        before = list(machine.observers)
        travel = machine.travel()
        travel.run(cycles=1000)
        travel.step_back()
        travel.close()
        assert (list(machine.observers), machine.board.input_port.recorders) == (before, [])
        assert machine.run(cycles=1000).reason == StopReason.CYCLE_LIMIT


def test_long_turns_cannot_be_cut(tmp_path: Path) -> None:
    with (
        boot(tmp_path, TWO, cpus=2, quantum=100) as machine,
        pytest.raises(StateError, match="turns of one cycle"),
    ):
        machine.travel()


def test_a_recorded_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with busy(1) as machine:
        recording = machine.record(log)
        machine.run(cycles=3_000_000)
        digest, output = whole_digest(machine.board), machine.console.output
        recording.finish()
    printed = bytearray()
    replay = Replay(log, output=printed.extend)
    travel = replay.travel()
    travel.go_to(2_000_000)
    travel.go_to(500_000)
    assert travel.machine.console.output == output[: len(travel.machine.console.output)]
    assert travel.step_back()
    stop = travel.run()
    assert stop.reason == StopReason.LOG_END
    assert whole_digest(travel.machine.board) == digest
    assert printed.decode() == travel.machine.console.output == output
    travel.go_to(10_000_000)
    assert travel.machine.cycles == 3_000_001
    with pytest.raises(StateError, match=r"Replay\.travel"):
        replay.machine.travel()
    replay.machine.close()


def test_what_is_being_recorded_can_be_visited_from_its_beginning(tmp_path: Path) -> None:
    image = tmp_path / "disk"
    disk_image.create(image, 4 << 20)
    script = "format a; echo one > a:/f; cat a:/f; ls a:\r"
    with Machine("cms", disks=[image], input=script, epoch=0) as machine:
        machine.run(cycles=100_000)
        machine.record(tmp_path / "log")
        seen = {}
        for _ in range(6):
            machine.run(cycles=1_000_000)
            seen[machine.cycles] = whole_digest(machine.board), machine.console.output
        travel = machine.travel()
        assert travel.first_cycle == 100_000
        machine.run(cycles=500_000)
        for cycle, expected in reversed(seen.items()):
            travel.go_to(cycle)
            assert (whole_digest(travel.machine.board), travel.machine.console.output) == expected
        # By hand: then it begins anew, also for a debugger that comes later.
        machine.processors[0].registers["k1"] = 7
        machine.run(cycles=500_000)
        assert travel.first_cycle == machine.travel().first_cycle == 6_600_000
        travel.close()
