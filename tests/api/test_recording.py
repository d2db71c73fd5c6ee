"""What is recorded is repeated, whatever happened meanwhile."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kseg import Machine
from kseg.api.recording import Recording
from kseg.api.replay import Replay
from kseg.errors import DivergenceError, LogError, StateError
from kseg.gdb.stub import Stub
from kseg.gdb.target import OneMachine
from kseg.history.log_reader import read_log
from kseg.machine import disk_image
from kseg.monitor.stop import StopReason
from tests.cli.kernels import POWER_OFF, kernel
from tests.history.logs import DIGESTS, OFTEN, board, recorded, replayed
from tests.history.machines import EPOCH, busy
from tests.unwind.programs import TWO

WAYS = [
    ("interpreter", "bare"),
    ("translator", "bare"),
    ("interpreter", "hybrid"),
    ("interpreter", "trap-and-emulate"),
]

READING_A_FILE = f"""
        li      t0, 0xbfe10000          # emufs, in slot 1
        li      t1, 'n' << 24 | 'a' << 16 | 'm' << 8 | 'e'
        li      t2, 0xbfe18000
        sw      t1, 0(t2)
        sw      zero, 0(t0)             # from the root
        li      t1, 4
        sw      t1, 8(t0)
        li      a0, 1                   # open
        jal     perform
        nop
        sw      zero, 4(t0)
        li      t1, 20
        sw      t1, 8(t0)
        li      a0, 5                   # read
        jal     perform
        nop
        li      t3, 0x80020000
        addiu   t4, t3, 20
1:      lw      t1, 0(t2)
        addiu   t2, t2, 4
        sw      t1, 0(t3)
        addiu   t3, t3, 4
        bne     t3, t4, 1b
        nop
        {POWER_OFF}
perform: sw     a0, 12(t0)
1:      lw      t1, 16(t0)
        nop
        beqz    t1, 1b
        nop
        jr      ra
        sw      zero, 16(t0)
"""


def repeats(path: Path, machine: Machine, printed: str | None = None, **options: Any) -> None:
    """Hold a replay's end against the machine that was recorded."""
    _, found, output = replayed(path, **options)
    assert found == board(machine)
    assert machine.console.output.endswith(output if printed is None else printed)


@pytest.mark.parametrize("monitor", ["bare", "hybrid", "trap-and-emulate"])
@pytest.mark.parametrize("engine", ["interpreter", "translator"])
def test_in_every_way(tmp_path: Path, engine: str, monitor: str) -> None:
    path = tmp_path / "log"
    with recorded(path, OFTEN, engine=engine, monitor=monitor) as machine:
        assert machine.run().reason is StopReason.IDLE
        recording = machine.recording
        assert recording is not None
        recording.finish()
        assert not recording.goes_on
        for other in WAYS:
            repeats(path, machine, engine=other[0], monitor=other[1])
        assert len(read_log(path).keyframes) > 20
        for start in (1, 700_000, 1_000_001, machine.cycles + 5):
            repeats(path, machine, start=start)


def test_on_the_reference(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with recorded(path) as machine:
        machine.run(cycles=250_000)
        machine.recording.finish()  # type: ignore[union-attr]
        repeats(path, machine, engine="reference")
    with recorded(tmp_path / "other", engine="reference") as machine:
        machine.run(cycles=150_000)
        machine.recording.finish()  # type: ignore[union-attr]
        repeats(tmp_path / "other", machine, engine="translator")


def test_a_recording_that_begins_anywhere(tmp_path: Path) -> None:
    for number, cycle in enumerate((1, 333_333, 781_234)):
        with busy(cycle) as machine:
            path = tmp_path / str(number)
            machine.record(path)
            machine.run(cycles=500_000)
            machine.close()
            with Replay(path) as replay:
                assert replay.machine.cycles == cycle
            repeats(path, machine)


@pytest.mark.parametrize("cpus", [2, 4])
@pytest.mark.parametrize("source", [TWO, None])
def test_several_processors(tmp_path: Path, cpus: int, source: str | None) -> None:
    path, guest = tmp_path / "log", tmp_path / "guest"
    options: dict[str, Any] = {"cpus": cpus, "engine": "interpreter", "epoch": EPOCH}
    if source is not None:
        guest.write_bytes(kernel(source))
    else:
        options |= {"arguments": "primes 30; date", "seed": 3}
    with Machine("cms" if source is None else guest, **options) as machine:
        recording = Recording(machine, path, OFTEN)
        machine.run(cycles=300_000)
        recording.finish()
        for engine in ("interpreter", "translator", "reference"):
            repeats(path, machine, engine=engine)


def test_long_turns_of_several_processors_cannot_be_recorded(tmp_path: Path) -> None:
    with (
        Machine("cms", cpus=2, quantum=1000) as machine,
        pytest.raises(StateError, match="leave out --quantum"),
    ):
        machine.record(tmp_path / "log")
    with Machine("cms", quantum=1000, input="halt\r") as machine:
        recording = machine.record(tmp_path / "log")
        machine.run()
        recording.finish()
        repeats(tmp_path / "log", machine)


def test_breakpoints_between_processors(tmp_path: Path) -> None:
    """They stop one processor before the others, at the very cycles of the recorder's checks,
    too."""
    guest, path = tmp_path / "guest", tmp_path / "log"
    guest.write_bytes(kernel(TWO))
    with Machine(guest, cpus=2, engine="interpreter", epoch=EPOCH) as machine:
        machine.run(cycles=200)
        recording = Recording(machine, path, OFTEN)
        engine: Any = machine.engine
        for _ in range(200):
            engine.set_breakpoints([machine.processors[1].pc])
            assert machine.run(cycles=777).reason in (
                StopReason.BREAKPOINT,
                StopReason.CYCLE_LIMIT,
            )
            if machine.processors[0].state.clock != machine.processors[1].state.clock:
                machine.processors[0].registers["s0"] = 7
        engine.set_breakpoints([])
        machine.run(cycles=40_000)
        recording.finish()
        repeats(path, machine, engine="reference")


@pytest.mark.slow
def test_typed_at_the_pace_of_a_person(tmp_path: Path) -> None:
    """From another thread, while the guest rests and while it computes."""
    path = tmp_path / "log"
    with Machine("cms", pace="real", seed=1) as machine:
        recording = Recording(machine, path, DIGESTS)
        machine.monitor.idling.wait_for_input = True

        def person() -> None:
            for text in (b"echo one\r", b"prime", b"s 2000\r", b"ls a:\r", b"sleep 1\r", b"halt\r"):
                time.sleep(0.05)
                for byte in text:
                    machine.board.input_port.type(bytes([byte]))
                    time.sleep(0.002)

        thread = threading.Thread(target=person)
        thread.start()
        assert machine.run().reason is StopReason.POWER_OFF
        thread.join()
        recording.finish()
        for engine, monitor in WAYS:
            repeats(path, machine, engine=engine, monitor=monitor)


class TestDisks:
    SCRIPT = "format a:; echo one > a:/f; cat a:/f; ls a:; echo two > a:/g; cat a:/g\r"

    @pytest.mark.parametrize("overlay", [False, True])
    def test_an_image_that_is_gone_afterwards(self, tmp_path: Path, overlay: bool) -> None:
        from kseg.boards.system161.configuration import parse_configuration

        image, path = tmp_path / "disk", tmp_path / "log"
        disk_image.create(image, 5 << 20)
        with Machine("cms", "format a:; echo before > a:/old; halt", disks=image) as machine:
            machine.run()
        text = (
            f"0 serial\n2 disk file={image} rpm=3600 {'overlay' if overlay else ''}\n"
            "28 random autoseed\n29 timer\n31 mainboard ramsize=1M cpus=1"
        )
        script = "cat a:/old; echo two > a:/g; cat a:/g; ls a:; halt\r"
        configuration = parse_configuration(text)
        with Machine("cms", config=configuration, input=script, engine="interpreter") as machine:
            recording = Recording(machine, path, OFTEN)
            assert machine.run().reason is StopReason.POWER_OFF
            recording.finish()
            assert "before" in machine.console.output
        image.write_bytes(b"changed")
        repeats(path, machine)
        image.unlink()
        found = read_log(path)
        middle = found.last_cycle // 2
        assert found.history.sectors[2]
        repeats(path, machine, start=middle, monitor="hybrid")
        assert not image.exists()

    def test_a_disk_in_memory(self, tmp_path: Path) -> None:
        with Machine("cms", input=self.SCRIPT, seed=2) as machine:
            recording = Recording(machine, tmp_path / "log", OFTEN)
            machine.run()
            recording.finish()
            assert "two" in machine.console.output
            repeats(tmp_path / "log", machine)
            repeats(tmp_path / "log", machine, start=machine.cycles // 2)

    def test_the_doom_counter(self, tmp_path: Path) -> None:
        image, path = tmp_path / "disk", tmp_path / "log"
        disk_image.create(image, 5 << 20)
        with Machine("cms", "format a:", disks=image, doom=4) as machine:
            machine.record(path)
            assert machine.run().reason is StopReason.DOOM
        stop, found, _ = replayed(path)
        assert (stop.reason, stop.exit_code) == (StopReason.DOOM, 3)
        assert found == board(machine)
        assert next(each.text for each in read_log(path).markers).startswith("doom")


@pytest.mark.slow
def test_files_of_the_host(tmp_path: Path) -> None:
    """Of emufs: what the host says is in the log, and the host is not asked again."""
    shared, path, guest = tmp_path / "shared", tmp_path / "log", tmp_path / "guest"
    shared.mkdir()
    (shared / "name").write_bytes(b"contents of the file")
    guest.write_bytes(kernel(READING_A_FILE))
    with Machine(guest, share=shared, engine="interpreter") as machine:
        recording = Recording(machine, path, OFTEN)
        assert machine.run().reason is StopReason.POWER_OFF
        recording.finish()
        assert machine.memory.read(0x20000, 20) == b"contents of the file"
    (shared / "name").unlink()
    shared.rmdir()
    for engine in ("interpreter", "reference"):
        repeats(path, machine, engine=engine)
    assert sum(map(len, read_log(path).history.answers.values())) == 2


def test_a_second_recording(tmp_path: Path) -> None:
    with busy(0) as machine:
        first = machine.record(tmp_path / "a")
        with pytest.raises(LogError, match="is being recorded already"):
            machine.record(tmp_path / "b")
        machine.run(cycles=100_000)
        first.finish()
        first.finish()
        with pytest.raises(LogError, match="a: exists; give another name"):
            machine.record(tmp_path / "a")
        machine.record(tmp_path / "b")
        machine.run(cycles=100_000)
        machine.close()
        repeats(tmp_path / "b", machine)
        assert read_log(tmp_path / "a").last_cycle == 100_000
    with Replay(tmp_path / "a") as replay, pytest.raises(LogError, match="repeats a recorded run"):
        replay.machine.record(tmp_path / "c")
    for path in (tmp_path / "missing" / "x", tmp_path):
        with busy(0) as machine, pytest.raises(LogError, match=r"No such|exists"):
            machine.record(path)
        assert machine.board.input_port.recorders == []


class TestEdits:
    """Changes that did not come through the input port."""

    @pytest.mark.slow(10000000)
    @pytest.mark.parametrize(
        "change",
        [
            lambda machine: machine.memory.set_word(0x90000, 0x1234),
            lambda machine: machine.memory.virtual(0).write(0x80090001, b"xyz"),
            lambda machine: machine.processors[0].registers.update({"s7": 5, "k1": 9}),
            lambda machine: machine.board.reset(),
        ],
    )
    @pytest.mark.parametrize("cycle", [100_000, 640_000, 10_000_000])
    def test_replays_follow(
        self, tmp_path: Path, change: Callable[[Machine], object], cycle: int
    ) -> None:
        """The last cycle is one at which the guest rests for ever."""
        with recorded(tmp_path / "log") as machine:
            machine.run(cycles=cycle)
            change(machine)
            change(machine)
            machine.run(cycles=100_000)
            machine.console.sendline("echo still here")
            machine.run(cycles=300_000)
            change(machine)
            machine.recording.finish()  # type: ignore[union-attr]
            for engine, monitor in WAYS:
                repeats(tmp_path / "log", machine, engine=engine, monitor=monitor)
        assert len(read_log(tmp_path / "log").keyframes) == 3

    def test_a_debugger_that_writes(self, tmp_path: Path) -> None:
        with recorded(tmp_path / "log") as machine:
            machine.run(cycles=640_000)
            stub = Stub(OneMachine(machine))
            stub.inferior.attach()
            assert stub.answer(b"M80090000,2:beef") == b"OK"
            assert stub.answer(b"X80090002,2:xy") == b"OK"
            machine.run(cycles=100_000)
            assert stub.answer(b"P10=00000007") == b"OK"
            machine.run(cycles=100_000)
            machine.recording.finish()  # type: ignore[union-attr]
            repeats(tmp_path / "log", machine)
            assert machine.memory.read(0x90000, 4) == b"\xbe\xefxy"
        assert len(read_log(tmp_path / "log").keyframes) == 3

    def test_other_changes_are_for_the_user_to_tell(self, tmp_path: Path) -> None:
        with recorded(tmp_path / "log") as machine:
            machine.run(cycles=300_000)
            machine.board.memory.write(0x80000, b"by hand")
            machine.recording.changed()  # type: ignore[union-attr]
            machine.run(cycles=300_000)
            machine.recording.finish()  # type: ignore[union-attr]
            repeats(tmp_path / "log", machine)
        with recorded(tmp_path / "other") as machine:
            machine.run(cycles=300_000)
            machine.board.memory.write(0x80000, b"by hand")
            machine.run(cycles=300_000)
        with pytest.raises(DivergenceError, match="memory or devices are not what they were"):
            replayed(tmp_path / "other")

    def test_nothing_is_loaded(self, tmp_path: Path) -> None:
        with busy() as machine:
            machine.save(tmp_path / "snapshot")
            state = machine.save()
            machine.record(tmp_path / "log")
            for what in (tmp_path / "snapshot", state):
                with pytest.raises(StateError, match="being recorded"):
                    machine.load(what)
            machine.run(cycles=100_000)
            machine.recording.finish()  # type: ignore[union-attr]
            repeats(tmp_path / "log", machine)
            machine.load(tmp_path / "snapshot")


class TestDerived:
    """Machines that come from others."""

    def test_clones(self, tmp_path: Path) -> None:
        image = tmp_path / "disk"
        disk_image.create(image, 5 << 20)
        with Machine("cms", "format a:; echo old > a:/f", disks=image, ram="1M") as machine:
            recording = Recording(machine, tmp_path / "parent", OFTEN)
            machine.console.expect("cms> ")
            with machine.fork() as clone:
                clone.console.sendline("cat a:/f; echo new > a:/f")
                other = Recording(clone, tmp_path / "clone", OFTEN)
                machine.console.sendline("echo parent > a:/f; ls a:")
                machine.console.expect("cms> ")
                clone.console.expect("cms> ")
                other.finish()
                machine.run()
                recording.finish()
                assert clone.cycles == replayed(tmp_path / "clone")[1]["cycles"]
                assert "old" in replayed(tmp_path / "clone")[2]
                assert "parent" not in replayed(tmp_path / "clone")[2]
                repeats(tmp_path / "parent", machine)

    def test_snapshots(self, tmp_path: Path) -> None:
        with busy(400_000) as machine:
            machine.save(tmp_path / "snapshot")
        with Machine.from_snapshot(tmp_path / "snapshot", monitor="hybrid") as other:
            recording = Recording(other, tmp_path / "log", OFTEN)
            other.run(cycles=400_000)
            other.save(tmp_path / "snapshot")
            other.run(cycles=400_000)
            recording.finish()
            repeats(tmp_path / "log", other, monitor="bare")

    def test_clones_of_replays(self, tmp_path: Path) -> None:
        with recorded(tmp_path / "log") as machine:
            machine.run(cycles=900_000)
        with Replay(tmp_path / "log") as replay:
            replay.machine.run(cycles=444_444)
            with replay.machine.fork() as clone:
                clone.run(cycles=900_000 - 444_444)
                assert board(clone)["state"] == board(machine)["state"]
