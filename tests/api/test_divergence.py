"""Where a replay begins to differ is found to the cycle."""

from pathlib import Path
from typing import Any

import pytest

from kseg import Machine
from kseg.api.recording import Recording
from kseg.api.replay import Replay
from kseg.engine.contract import Exit, ExitReason
from kseg.engine.interpreter.engine import Interpreter
from kseg.engine.reference.engine import ReferenceEngine
from kseg.errors import DivergenceError
from kseg.history import log
from kseg.history.recorder import Intervals
from kseg.history.replay_verifier import Divergence
from kseg.machine import disk_image
from kseg.monitor import drivers, run_loop
from kseg.monitor.stop import StopReason
from tests.cli.kernels import kernel
from tests.history.logs import DIGESTS, OFTEN, frames, recorded, together
from tests.unwind.programs import SPINNING

WRONG = 83_111
"""The cycle in which the broken engine does something else."""


def explained(path: Path, **options: Any) -> tuple[DivergenceError, list[str]]:
    with Replay(path, **options) as replay:
        with pytest.raises(DivergenceError) as caught:
            replay.machine.run()
        return caught.value, replay.explain(caught.value)


def spun(path: Path, intervals: Intervals = DIGESTS, engine: str = "interpreter") -> Path:
    """A log of a guest that counts."""
    guest = path.with_name("guest")
    guest.write_bytes(kernel(SPINNING))
    with Machine(guest, engine=engine, epoch=0) as machine:
        recording = Recording(machine, path, intervals)
        machine.run(cycles=200_000)
        recording.finish()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return spun(tmp_path / "log")


def break_engine(monkeypatch: pytest.MonkeyPatch, kind: Any, spoil: Any) -> None:
    """Let an engine do what `spoil` does whenever it comes to the cycle."""
    real = kind.run

    def run(self: Any, budget: int) -> Exit:
        if self.clock < WRONG < self.clock + budget:
            budget = WRONG - self.clock
        left = real(self, budget)
        if self.clock == WRONG and left.reason is ExitReason.BUDGET:
            spoil(self.processors[0])
        return left

    monkeypatch.setattr(kind, "run", run)
    # The burst loop is to call that one.
    monkeypatch.setattr(drivers, "driver_of", drivers.PlainDriver)
    monkeypatch.setattr(run_loop, "driver_of", drivers.PlainDriver)


def spoil_register(processor: Any) -> None:
    processor.gpr[23] ^= 0x40


def test_a_register(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_engine(monkeypatch, ReferenceEngine, spoil_register)
    error, lines = explained(path, engine="reference")
    assert isinstance(error, Divergence)
    assert "processors or time are not what they were at cycle 100000" in str(error)
    assert "they were the same at cycle 80000" in str(error)
    assert lines[0].startswith(f"the first cycle that differs is {WRONG}, after processor 0 was at")
    assert lines[1] == ("as recorded (interpreter, bare) and as replayed (reference, bare):")
    assert "processor 0: gpr[23]" in lines[2]
    assert len(lines) == 3


@pytest.mark.slow
def test_the_engine_that_has_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        break_engine(broken, ReferenceEngine, spoil_register)
        spun(tmp_path / "log", engine="reference")
        _, lines = explained(tmp_path / "log", engine="interpreter")
    assert lines[0].startswith(f"the first cycle that differs is {WRONG}")
    # Now that it is mended, nobody does what the log says.
    _, lines = explained(tmp_path / "log", engine="interpreter")
    assert "between cycles 80000 and 100000" in lines[0]
    assert "do the same as each other, and not what the log says" in lines[0]
    assert lines[1].startswith("the log was altered")


def test_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Replay(path, engine="reference") as replay:
        memory = replay.machine.board.memory
        break_engine(monkeypatch, ReferenceEngine, lambda _: memory.write(0xF0000, b"x"))
        with pytest.raises(DivergenceError, match="memory or devices are not what they were"):
            replay.machine.run()


def test_an_engine_that_goes_astray(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never comes to the next check."""

    def switch_off(processor: Any) -> None:
        processor.pc, processor.in_delay_slot = 0xBFC00FFC, 0

    break_engine(monkeypatch, ReferenceEngine, switch_off)
    _, lines = explained(path, engine="reference")
    assert lines[0].startswith(f"the first cycle that differs is {WRONG}")
    assert any("processor 0: pc" in line for line in lines)


def test_from_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spun(tmp_path / "log", OFTEN)
    break_engine(monkeypatch, Interpreter, spoil_register)
    with Replay(tmp_path / "log", engine="interpreter", start=100_000) as replay:
        assert replay.machine.run().reason is StopReason.LOG_END
    with Replay(tmp_path / "log", engine="interpreter", start=60_000) as replay:
        with pytest.raises(DivergenceError, match="at cycle 100000") as caught:
            replay.machine.run()
        # Both engines are the broken one.
        assert "do the same as each other" in replay.explain(caught.value)[0]


def altered(path: Path, kind: str, **changes: Any) -> Path:
    """A log in which the third entry of a kind says something else."""
    found = frames(path)
    seen = 0
    for name, body in found:
        for entry in body if name == log.ENTRIES else ():
            if entry["type"] == kind:
                seen += 1
                if seen == 3:
                    entry |= changes
    assert seen >= 3
    other = path.with_name("altered")
    other.write_bytes(together(found))
    return other


def test_an_altered_log(path: Path) -> None:
    error, lines = explained(altered(path, "digest", processors=bytes(8)), engine="interpreter")
    assert "at cycle 60000; they were the same at cycle 40000" in str(error)
    assert "between cycles 40000 and 60000" in lines[0]
    assert lines[1].startswith("the log was altered")


def test_an_input_that_was_altered(tmp_path: Path) -> None:
    with recorded(tmp_path / "log") as machine:
        machine.run(cycles=1_500_000)
    other = altered(tmp_path / "log", "input", data=b"!")
    error, lines = explained(other)
    assert isinstance(error, Divergence)
    assert "do the same as each other" in lines[0]


def test_a_sector_that_was_never_read(tmp_path: Path) -> None:
    """The machine asks for what the log does not have."""
    disk_image.create(tmp_path / "disk", 5 << 20)
    with Machine("cms", "format a:; ls a:", disks=tmp_path / "disk", seed=1, epoch=0) as machine:
        recording = Recording(machine, tmp_path / "log", DIGESTS)
        machine.run()
        recording.finish()
    found = [
        (kind, [each for each in body if each["type"] != "sector"] if kind == log.ENTRIES else body)
        for kind, body in frames(tmp_path / "log")
    ]
    (tmp_path / "altered").write_bytes(together(found))
    error, lines = explained(tmp_path / "altered")
    assert "the machine reads sector" in str(error)
    assert lines


def test_another_version(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kseg.api import divergence

    monkeypatch.setattr(divergence, "__version__", "9.9")
    _, lines = explained(altered(path, "digest", processors=bytes(8)))
    assert "replay it with that version" in lines[1]
