"""Every public method takes what it should; all else is a KsegError of one line."""

import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import kseg
from kseg import Host, KsegError, Machine, Replay, StopReason, Watchpoint, explore

WRONG: list[Any] = [
    None, True, -1, 0, 1, 1.5, -0.0, math.nan, math.inf, 1 << 31, 1 << 40, 1 << 64, -(1 << 70),
    "", "x", "a\0b", "\ud800", "x" * 5000, b"", b"x", bytearray(b"x"), [], ["x"], [None], (1, 2),
    {}, {"a": 1}, object(), Decimal("NaN"), Path(), Path("x" * 5000), lambda: True, print, int,
    range(3), 3j, Watchpoint(8, 4, True, True), SimpleNamespace(), re.compile(b"x"),
]  # fmt: skip

CMS = {"epoch": 0, "ram": "512K", "engine": "interpreter"}

Call = Callable[[Any, Any], object]
"""Of something, with an argument."""

MACHINE: dict[str, Call] = {
    "run cycles": lambda m, x: m.run(cycles=_small(x)),
    "run seconds": lambda m, x: m.run(seconds=_small(x), cycles=1000),
    "run until": lambda m, x: m.run(until=_quick(x), cycles=1000),
    "run until_pc": lambda m, x: m.run(until_pc=x, cycles=1000),
    "run watch": lambda m, x: m.run(watch=x, cycles=1000),
    "step count": lambda m, x: m.step(_small(x)),
    "step processor": lambda m, x: m.step(processor=x),
    "preemptions": lambda m, x: setattr(m, "preemptions", x),
    "fork reseed": lambda m, x: m.fork(reseed=x).close(),
    "fork output": lambda m, x: m.fork(output=x).close(),
    "fork message": lambda m, x: m.fork(message=x).close(),
    "save base": lambda m, x: m.save("other.kseg", base=x),
    "load": lambda m, x: m.load(x),
    "travel memory": lambda m, x: m.travel(memory=x).close(),
    "trace kind": lambda m, x: m.trace(x).close(),
    "trace kernel": lambda m, x: m.trace("jump", kernel=x).close(),
    "trace processors": lambda m, x: m.trace("jump", processors=x).close(),
    "trace addresses": lambda m, x: m.trace("jump", addresses=x).close(),
    "trace a range": lambda m, x: m.trace("jump", addresses=[x]).close(),
    "trace asids": lambda m, x: m.trace("jump", asids=x).close(),
    "trace from_cycle": lambda m, x: m.trace("jump", from_cycle=x).close(),
    "trace to_cycle": lambda m, x: m.trace("jump", to_cycle=x).close(),
    "trace last": lambda m, x: m.trace("jump", last=_small(x)).close(),
    "trace most": lambda m, x: m.trace("jump", most=_small(x)).close(),
    "trace receive": lambda m, x: m.trace("jump", receive=x).close(),
    "backtrace": lambda m, x: m.backtrace(x),
    "address_space": lambda m, x: m.address_space(x),
    "report stop": lambda m, x: m.report(x),
    "report lines": lambda m, x: m.report(last_exceptions=x),
    "report replay": lambda m, x: m.report(replay=x),
    "profile hz": lambda m, x: m.profile(hz=x, cycles=100),
    "profile stacks": lambda m, x: m.profile(stacks=x, cycles=100),
    "profile seconds": lambda m, x: m.profile(seconds=_small(x), cycles=100),
    "symbols add": lambda m, x: m.symbols.add(x),
    "symbols addresses": lambda m, x: m.symbols.addresses(x),
    "symbols describe": lambda m, x: m.symbols.describe(x),
    "symbols location": lambda m, x: m.symbols.location(x),
    "expect": lambda m, x: m.console.expect(x, timeout=0),
    "expect timeout": lambda m, x: m.console.expect("cms", timeout=_small(x)),
    "send": lambda m, x: m.console.send(x),
    "sendline": lambda m, x: m.console.sendline(x),
    "memory read": lambda m, x: m.memory.read(x, 4),
    "memory read length": lambda m, x: m.memory.read(0, x),
    "memory write": lambda m, x: m.memory.write(x, b"abcd"),
    "memory write data": lambda m, x: m.memory.write(0x7000, x),
    "memory word": lambda m, x: m.memory.word(x),
    "memory set_word": lambda m, x: m.memory.set_word(0x7000, x),
    "memory string": lambda m, x: m.memory.string(x),
    "memory string limit": lambda m, x: m.memory.string(0, x),
    "virtual": lambda m, x: m.memory.virtual(x),
    "virtual physical": lambda m, x: m.memory.virtual().physical(x),
    "virtual read": lambda m, x: m.memory.virtual().read(x, 4),
    "virtual read length": lambda m, x: m.memory.virtual().read(0x80000000, x),
    "virtual write": lambda m, x: m.memory.virtual().write(x, b"abcd"),
    "virtual write data": lambda m, x: m.memory.virtual().write(0x80007000, x),
    "virtual word": lambda m, x: m.memory.virtual().word(x),
    "virtual set_word": lambda m, x: m.memory.virtual().set_word(0x80007000, x),
    "virtual string": lambda m, x: m.memory.virtual().string(x),
    "register": lambda m, x: m.processors[0].registers[x],
    "register set": lambda m, x: m.processors[0].registers.__setitem__(x, 0),
    "register value": lambda m, x: m.processors[0].registers.__setitem__("t0", x),
    "register pc": lambda m, x: m.processors[0].registers.__setitem__("pc", x),
    "register in": lambda m, x: x in m.processors[0].registers,
    "register get": lambda m, x: m.processors[0].registers.get(x),
    "register delete": lambda m, x: m.processors[0].registers.__delitem__(x),
    "tlb": lambda m, x: m.processors[0].tlb[x],
    "tlb slice": lambda m, x: m.processors[0].tlb[x:],
    "record": lambda m, x: m.record(x),
    "explore seeds": lambda m, x: explore(m, _none(x), expect="x", seconds=0.001),
    "explore expect": lambda m, x: explore(m, 1, expect=x, seconds=0.001),
    "explore strategy": lambda m, x: explore(m, 1, expect="x", strategy=x),
    "explore jobs": lambda m, x: explore(m, 1, expect="x", jobs=x, seconds=0.001),
    "explore seconds": lambda m, x: explore(m, 1, expect="x", seconds=0.001 if x == 1 else x),
    "explore preemptions": lambda m, x: explore(m, 1, expect="x", preemptions=x, seconds=0.001),
}
NEW: dict[str, Call] = {
    name: lambda _m, x, name=name: Machine("cms", **{**CMS, name: x}).close()
    for name in (
        "arguments", "config", "cpus", "ram", "engine", "monitor", "rewriting", "disks", "share",
        "compiler_share", "seed", "input", "pace", "epoch", "doom", "progress_timeout", "quantum",
        "stop_for_debugger", "output", "message",
    )
}  # fmt: skip
NEW["kernel"] = lambda _m, x: Machine(x, **CMS).close()
NEW |= {
    f"snapshot {name}": lambda _m, x, name=name: Machine.from_snapshot(
        **{"path": "it.kseg", "engine": "interpreter", name: x}
    ).close()
    for name in (
        "path", "engine", "monitor", "rewriting", "compiler_share", "disks", "share", "trust",
        "pace", "progress_timeout", "stop_for_debugger", "overlay", "output", "message",
    )
}  # fmt: skip
NEW |= {
    f"replay {name}": lambda _m, x, name=name: Replay(
        **{"log": "it.log", "engine": "interpreter", name: x}
    ).close()
    for name in ("log", "engine", "monitor", "start", "output", "message")
}
NEW |= {
    f"host {name}": lambda _m, x, name=name: Host(
        **{"ram": "8M", "engine": "interpreter", name: x}
    ).close()
    for name in ("ram", "engine", "disks", "pace", "time_slice", "overcommit")
}
GUEST: dict[str, Call] = {
    f"add {name}": lambda h, x, name=name: h.add(
        **{"name": f"g{len(h.guests)}", "kernel": "cms", "ram": "512K", name: x}
    ).end()
    for name in (
        "name", "kernel", "arguments", "monitor", "weight", "cap", "reservation", "ram", "disks",
        "config", "seed", "epoch", "input", "output", "message",
    )
}  # fmt: skip
GUEST |= {
    "run until": lambda h, x: h.run(until=_quick(x), cycles=100),
    "run cycles": lambda h, x: h.run(cycles=_small(x)),
    "run seconds": lambda h, x: h.run(seconds=_small(x), cycles=100),
    "end stop": lambda h, x: h.add(f"g{len(h.guests)}", "cms", ram="512K").end(x),
    "type": lambda h, x: h.guests["one"].type(x),
}
TRAVEL: dict[str, Call] = {
    "go_to": lambda t, x: t.go_to(x),
    "step_back": lambda t, x: t.step_back(x),
    "run_back": lambda t, x: t.run_back(x),
    "run_back watch": lambda t, x: t.run_back((), x),
    "last_write": lambda t, x: t.last_write(x),
    "last_write length": lambda t, x: t.last_write(0x80003000, x),
    "run until": lambda t, x: t.run(until=_quick(x), cycles=1000),
    "run cycles": lambda t, x: t.run(cycles=_small(x)),
    "run until_pc": lambda t, x: t.run(until_pc=x, cycles=1000),
}


def _small(value: Any) -> Any:
    """Not so large that it would take for ever."""
    large = isinstance(value, int | float) and not isinstance(value, bool) and value > 5
    return 5 if large and value < math.inf else value


def _none(value: Any) -> Any:
    """No seeds, instead of many."""
    return 0 if isinstance(value, int) and not isinstance(value, bool) and value > 0 else value


def _quick(value: Any) -> Any:
    """Functions that take nothing."""
    return (lambda: True) if callable(value) else value


def tried(call: Call, of: Any) -> list[str]:
    """What went wrong, for all that was tried."""
    found = []
    for value in WRONG:
        try:
            call(of, value)
        except KsegError as error:
            text = str(error)
            if "\n" in text:
                found.append(f"{value!r:.40}: more than a line: {text:.80}")
        except Exception as error:
            found.append(f"{value!r:.40}: {type(error).__name__}: {error!s:.80}")
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("arguments")
    with Machine("cms", **CMS) as machine:
        machine.save(found / "it.kseg")
        with machine.record(found / "it.log"):
            machine.run(cycles=1000)
    return found


@pytest.fixture(autouse=True)
def _there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine("cms", "primes 100", **CMS) as found:
        found.run(cycles=50_000)
        yield found


@pytest.mark.parametrize("name", MACHINE)
def test_of_a_machine(machine: Machine, name: str) -> None:
    assert tried(MACHINE[name], machine) == []
    if machine.recording is not None:
        machine.recording.finish()


@pytest.mark.parametrize("name", NEW)
def test_of_what_is_made(name: str) -> None:
    assert tried(NEW[name], None) == []


@pytest.mark.parametrize("name", GUEST)
def test_of_a_host(name: str) -> None:
    with Host(ram="64M", engine="interpreter") as host:
        host.add("one", "cms", ram="512K")
        assert tried(GUEST[name], host) == []


@pytest.mark.parametrize("name", TRAVEL)
def test_of_time_travel(name: str) -> None:
    with Machine("cms", "primes 100", **CMS) as machine, machine.travel() as travel:
        travel.run(cycles=30_000)
        assert tried(TRAVEL[name], travel) == []


def test_of_a_recording(tmp_path: Path) -> None:
    with Machine("cms", "halt", **CMS) as machine:
        recording = machine.record(tmp_path / "log")
        assert tried(lambda r, x: r.mark(x), recording) == []
        codes = [value for value in WRONG if value is not None and value not in (0, 1)]
        for code in codes:
            with pytest.raises(KsegError):
                recording.finish(code)
        machine.run()
        recording.finish(7)
    with Replay(tmp_path / "log", engine="interpreter") as replay:
        assert replay.machine.run().reason is StopReason.POWER_OFF
        for error in WRONG:
            with pytest.raises(KsegError):
                replay.explain(error)


def test_closed_ones_refuse(tmp_path: Path) -> None:
    machine = Machine("cms", "halt", **CMS)
    travel = machine.travel()
    machine.run()
    machine.close()
    machine.close()
    for act in (
        machine.run, machine.step, machine.save, machine.fork, machine.travel, machine.reset,
        machine.profile, lambda: machine.trace("jump"), lambda: machine.record(tmp_path / "log"),
        lambda: machine.load(machine), lambda: machine.console.expect("x"),
        lambda: machine.save(tmp_path / "x"), lambda: machine.memory.set_word(0, 1),
        lambda: machine.processors[0].registers.update(t0=1),
        lambda: explore(machine, 1, expect="x"), lambda: travel.go_to(0), travel.step_back,
    ):  # fmt: skip
        with pytest.raises(KsegError):
            act()
    assert "cms" in machine.console.output
    assert machine.cycles > 0
    repr(machine)
    travel.close()
    travel.close()
    with pytest.raises(KsegError, match="closed"):
        travel.run()


def test_what_kseg_exports() -> None:
    assert set(kseg.__all__) <= set(dir(kseg))
    for name in kseg.__all__:
        assert getattr(kseg, name) is not None
    assert kseg.StopReason is StopReason
    assert issubclass(kseg.ConsoleTimeout, KsegError)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        kseg.nothing  # noqa: B018


def test_importing_imports_nothing_else() -> None:
    import subprocess
    import sys

    code = "import kseg, sys; dir(kseg); print(sorted(m for m in sys.modules if 'kseg' in m))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "['kseg', 'kseg.version']"


def test_large_things_are_shown_short() -> None:
    with Machine("cms", "primes 400", input="x" * 100_000, **CMS) as machine:
        machine.run(cycles=100_000)
        machine.console.output  # noqa: B018
        trace = machine.trace("instruction")
        machine.run(cycles=5000)
        with Replay("it.log") as replay:
            shown = [
                machine, machine.console, machine.memory, machine.processors, machine.symbols,
                machine.console.output and machine.console, trace, replay, replay.log,
                replay.log.first, machine.save(), machine.board, machine.engine, machine.monitor,
                replay.travel(),
            ]  # fmt: skip
            for each in shown:
                assert len(repr(each)) < 2000, type(each)
