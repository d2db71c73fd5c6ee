"""However a recording ends, what is there of it is repeated."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kseg import Machine
from kseg.api.recording import Recording
from kseg.errors import LogError
from kseg.history import log
from kseg.history.log_reader import read_log
from kseg.monitor.stop import StopReason
from tests.cli.command import environment
from tests.cli.kernels import breaking, misusing, panicking, spinning
from tests.history.logs import DIGESTS, board, recorded, replayed
from tests.history.machines import busy


class TestEnds:
    def test_power_off(self, tmp_path: Path) -> None:
        with Machine("cms", "echo x; halt") as machine:
            machine.record(tmp_path / "log")
            machine.run()
        stop, found, output = replayed(tmp_path / "log")
        assert (stop.reason, stop.exit_code) == (StopReason.POWER_OFF, 0)
        assert (found, output) == (board(machine), machine.console.output)

    @pytest.mark.parametrize("engine", ["interpreter", "reference"])
    @pytest.mark.parametrize(
        ("program", "reason", "mark"),
        [
            (misusing(), StopReason.FATAL, "fatal: "),
            (panicking(), StopReason.POWER_OFF, ""),
        ],
    )
    def test_of_the_guest(
        self, tmp_path: Path, engine: str, program: bytes, reason: StopReason, mark: str
    ) -> None:
        path, guest = tmp_path / "log", tmp_path / "guest"
        guest.write_bytes(program)
        with Machine(guest, engine="interpreter") as machine:
            machine.record(path)
            stop = machine.run()
        assert stop.reason is reason
        found, state, _ = replayed(path, engine=engine)
        assert (found, state) == (stop, board(machine))
        assert [each.text.startswith(mark) for each in read_log(path).markers] == [True] * bool(
            mark
        )

    def test_a_break_that_the_user_waited_for(self, tmp_path: Path) -> None:
        path, guest = tmp_path / "log", tmp_path / "guest"
        guest.write_bytes(breaking())
        with Machine(guest, engine="interpreter") as machine:
            machine.engine.stop_on_break = True
            machine.record(path)
            assert machine.run().reason is StopReason.BREAK
        stop, _, _ = replayed(path)
        assert stop.reason is StopReason.LOG_END

    def test_a_debugger_that_the_guest_asked_for(self, tmp_path: Path) -> None:
        path, guest = tmp_path / "log", tmp_path / "guest"
        guest.write_bytes(panicking())
        with Machine(guest, stop_for_debugger=True) as machine:
            machine.record(path)
            assert machine.run().reason is StopReason.DEBUGGER
        assert replayed(path)[0].reason is StopReason.LOG_END

    def test_no_progress(self, tmp_path: Path) -> None:
        guest = tmp_path / "guest"
        guest.write_bytes(spinning())
        with Machine(guest, progress_timeout=1) as machine:
            machine.record(tmp_path / "log")
            assert machine.run().reason is StopReason.NO_PROGRESS
        stop, found, _ = replayed(tmp_path / "log")
        assert stop.reason is StopReason.LOG_END
        assert found["cycles"] == machine.cycles

    @pytest.mark.parametrize(
        "run",
        [
            lambda machine: machine.run(until="cms> "),
            lambda machine: machine.run(seconds=0.01),
            lambda machine: machine.run(cycles=0),
            lambda machine: machine.run(),
        ],
    )
    def test_of_the_user(self, tmp_path: Path, run: Callable[[Machine], object]) -> None:
        with Machine("cms", "echo x") as machine:
            recording = Recording(machine, tmp_path / "log", DIGESTS)
            run(machine)
            recording.finish(exit_code=77)
        stop, found, output = replayed(tmp_path / "log")
        assert found["cycles"] == machine.cycles
        assert output == machine.console.output
        assert stop.exit_code == 77 or stop.reason is StopReason.IDLE

    def test_stops_of_the_user_on_the_way(self, tmp_path: Path) -> None:
        """A condition may hold where the recorder would have looked."""
        with busy(0) as machine:
            recording = Recording(machine, tmp_path / "log", DIGESTS)
            while machine.cycles < 900_000:
                stop = recording._recorder.next_cycle
                machine.run(until=lambda stop=stop: machine.cycles >= (stop or 0))  # type: ignore[misc]
                machine.monitor.interrupt()
                machine.run(cycles=10_000)
                machine.run(cycles=1)
            recording.finish()
            assert replayed(tmp_path / "log")[1] == board(machine)


class TestTrouble:
    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with busy(0) as alone:
            alone.run(cycles=900_000)
        for failing in (3, 9, 20):
            path, calls = tmp_path / f"log{failing}", []

            def append(
                self: log.LogWriter,
                data: bytes,
                calls: list[int] = calls,
                failing: int = failing,
                real: Any = log.LogWriter._append,
            ) -> None:
                calls.append(len(data))
                if len(calls) >= failing:
                    self._file.write(data[: len(data) // 2])
                    self._take_back()
                    raise LogError(f"log {self.path}: No space left on device")
                real(self, data)

            with monkeypatch.context() as patched, recorded(path) as machine:
                patched.setattr(log.LogWriter, "_append", append)
                machine.run(cycles=900_000)
                assert machine.recording is not None
                assert not machine.recording.goes_on
                assert board(machine) == board(alone)
                assert machine.messages == [machine.recording.problem]
                assert "No space left on device; the recording ends at cycle" in machine.messages[0]
            stop, found, _ = replayed(path)
            assert stop.message == "the recording was cut short"
            assert found["cycles"] == read_log(path).last_cycle < 900_000

    def test_a_limit_on_files(self, tmp_path: Path) -> None:
        """In a child, whose files may have only so many bytes."""
        program = """
            import resource, sys
            from tests.history.logs import recorded
            with recorded(sys.argv[1]) as machine:
                size = 40_000
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
                machine.memory.set_word(0x90000, 1)
                machine.run(cycles=700_000)
                for number in range(200):
                    machine.memory.write(0xA0000 + 4096 * number % 0x50000, bytes([number]) * 999)
                    machine.run(cycles=1000)
                print(machine.cycles, *machine.messages)
        """
        path = tmp_path / "log"
        run = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), path],
            capture_output=True, text=True, env=environment(), timeout=60, check=False,
        )  # fmt: skip
        assert run.stdout.startswith(f"900000 log {path}: File too large; the recording ends at")
        assert (run.stdout.count("\n"), run.stderr) == (1, "")
        assert replayed(path)[0].reason is StopReason.LOG_END

    def test_a_process_that_is_killed(self, tmp_path: Path) -> None:
        """While the guest waits for input: all that it was given is in the log."""
        path = tmp_path / "log"
        child = subprocess.Popen(
            [sys.executable, "-m", "kseg", "run", "--record", path, "cms"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(),
        )  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        os.set_blocking(child.stdout.fileno(), True)
        seen = b""
        child.stdin.write(b"echo typed in time\n")
        child.stdin.flush()
        while seen.count(b"cms> ") < 2:
            seen += os.read(child.stdout.fileno(), 4096)
        deadline = time.monotonic() + 20
        while b"input" not in _entries(path) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        stop, _, output = replayed(path)
        assert stop.message == "the recording was cut short"
        assert output
        assert seen.decode().startswith(output)
        assert len(read_log(path).history.inputs) == len("echo typed in time\r")

    def test_a_signal_in_the_middle(self, tmp_path: Path) -> None:
        """Wherever it strikes, the log can be replayed."""
        with busy(0) as alone:
            alone.run(cycles=2_000_000)
        for number in range(6):
            path = tmp_path / str(number)

            class Struck(BaseException):
                pass

            def strike(*_arguments: object) -> None:
                raise Struck

            old = signal.signal(signal.SIGALRM, strike)
            try:
                with recorded(path) as machine:
                    signal.setitimer(signal.ITIMER_REAL, 0.005 + 0.004 * number)
                    while True:
                        machine.run(cycles=50_000)
                        machine.console.sendline()
            except Struck:
                pass
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, old)
            assert replayed(path)[0].reason in (StopReason.LOG_END, StopReason.IDLE)


def _entries(path: Path) -> bytes:
    """What a log that is being written has so far."""
    try:
        return b"input" if read_log(path).history.inputs else b""
    except LogError:
        return b""
