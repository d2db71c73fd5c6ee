"""Stops of `Machine.run` at instructions and accesses, and single steps."""

from pathlib import Path

import pytest

from kseg import Machine, Replay, StopReason, Watchpoint
from kseg.engine import ENGINES
from kseg.errors import KsegError
from kseg.machine.processor_state import executed

WAYS = [(engine, "bare") for engine in ENGINES] + [
    ("interpreter", "hybrid"),
    ("reference", "hybrid"),
    ("translator", "hybrid"),
]
WAY = pytest.mark.parametrize(("engine", "monitor"), WAYS)
CMS = {"epoch": 0, "ram": "512K"}


@WAY
def test_stops_before_a_function_by_name_and_by_address(engine: str, monitor: str) -> None:
    with Machine("cms", "halt", engine=engine, monitor=monitor, **CMS) as machine:
        stop = machine.run(until_pc="kernel_main")
        (address,) = machine.symbols.addresses("kernel_main")
        assert (stop.reason, stop.address, stop.exit_code) == ("breakpoint", address, None)
        place = machine.symbols.describe(address)
        assert stop.message == f"about to execute {address:#010x} ({place})"
        assert machine.processors[0].pc == address
        # Not that at which it stands: it never comes there again.
        assert machine.run(until_pc=[address, "kernel_main"]).reason is StopReason.POWER_OFF


@WAY
def test_stops_before_an_access(engine: str, monitor: str) -> None:
    with Machine("cms", "echo hi; halt", engine=engine, monitor=monitor, **CMS) as machine:
        machine.run(until_pc="kernel_main")
        sp = machine.processors[0].registers["sp"]
        stop = machine.run(watch=Watchpoint(sp - 64, sp - 1, False, True))
        assert stop.reason is StopReason.WATCHPOINT
        assert stop.stores
        assert sp - 64 <= stop.address < sp
        assert stop.message.startswith(f"about to write to {stop.address:#010x} at 0x8")
        pc = machine.processors[0].pc
        machine.step()
        assert machine.processors[0].pc != pc
        assert machine.run(watch=0x9FFF0000).reason is StopReason.POWER_OFF


def test_goes_from_one_to_the_next() -> None:
    with Machine("cms", "primes 20; halt", engine="interpreter", **CMS) as machine:
        (address,) = machine.symbols.addresses("kernel_main")
        vector = 0x80000080
        cycles = []
        while machine.run(until_pc=(vector, address)).reason is StopReason.BREAKPOINT:
            cycles.append(machine.cycles)
        assert len(cycles) == len(set(cycles)) > 10
        assert cycles == sorted(cycles)
        # The same moments as those at which a run backwards stops.
    with (
        Machine("cms", "primes 20; halt", engine="interpreter", **CMS) as machine,
        machine.travel() as travel,
    ):
        travel.run()
        back = []
        while travel.run_back((vector, "kernel_main")) is not None:
            back.append(travel.machine.cycles)
        assert back[::-1] == cycles
        travel.go_to(0)
        assert travel.run(until_pc="kernel_main").reason is StopReason.BREAKPOINT
        assert travel.machine.cycles == cycles[0]


def test_limits_and_conditions_count_too() -> None:
    with Machine("cms", "primes 20; halt", engine="interpreter", **CMS) as machine:
        assert machine.run(until_pc=0x80000080, cycles=10).reason is StopReason.CYCLE_LIMIT
        assert machine.cycles == 10
        stop = machine.run(until_pc=0x9FFF0000, until="cms")
        assert stop.reason is StopReason.CONDITION
        # Nothing is set any more.
        assert machine.run().reason is StopReason.POWER_OFF


def test_in_a_replay_and_while_recorded(tmp_path: Path) -> None:
    cycles = []
    with (
        Machine("cms", "primes 20; halt", engine="interpreter", **CMS) as machine,
        machine.record(tmp_path / "log"),
    ):
        while machine.run(until_pc=0x80000080).reason is StopReason.BREAKPOINT:
            cycles.append(machine.cycles)
    with Replay(tmp_path / "log", engine="interpreter") as replay:
        for cycle in cycles:
            assert replay.machine.run(until_pc=0x80000080).reason is StopReason.BREAKPOINT
            assert replay.machine.cycles == cycle


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"until_pc": 3}, "no instruction has the address 0x3"),
        ({"until_pc": -4}, "give an address"),
        ({"until_pc": 1 << 32}, "give an address"),
        ({"until_pc": "no_such_function"}, "no symbol 'no_such_function'"),
        ({"until_pc": 1.5}, "give an address, a name"),
        ({"until_pc": [None]}, "give an address"),
        ({"watch": "no_such_thing"}, "no symbol 'no_such_thing'"),
        ({"watch": Watchpoint(8, 4, True, True)}, "from 8 to"),
        ({"watch": b"x"}, "give an address, a name"),
        ({"watch": [b"x"]}, "give an address"),
    ],
)
def test_what_cannot_be_looked_for(arguments: dict[str, object], text: str) -> None:
    with Machine("cms", engine="interpreter", **CMS) as machine:
        with pytest.raises(KsegError, match=text):
            machine.run(**arguments)
        assert machine.cycles == 0


class TestStep:
    @WAY
    def test_executes_one_instruction(self, engine: str, monitor: str) -> None:
        with Machine("cms", "halt", engine=engine, monitor=monitor, **CMS) as machine:
            state = machine.board.processors[0]
            for count in (1, 1, 5, 0, 100):
                before = executed(state)
                assert machine.step(count).reason is StopReason.CYCLE_LIMIT
                assert executed(state) == before + count

    def test_follows_the_instructions(self) -> None:
        pcs = []
        with Machine("cms", "halt", engine="interpreter", **CMS) as machine:
            with machine.trace("instruction") as trace:
                machine.run(cycles=500)
            wanted = [event.pc for event in trace.take()]
        with Machine("cms", "halt", engine="interpreter", **CMS) as machine:
            while len(pcs) < len(wanted):
                pcs.append(machine.processors[0].pc)
                machine.step()
        assert pcs == wanted

    def test_waits_and_ends_with_the_machine(self) -> None:
        with Machine("cms", "sleep 1; halt", engine="interpreter", **CMS) as machine:
            machine.run(until=lambda: machine.board.all_idle)
            before = machine.time
            assert machine.step().reason is StopReason.CYCLE_LIMIT
            assert machine.time > before
            machine.run(cycles=1)
            assert machine.step(10**9).reason is StopReason.POWER_OFF

    def test_of_another_processor(self) -> None:
        with Machine("cms", "halt", cpus=2, engine="interpreter", **CMS) as machine:
            with pytest.raises(KsegError, match="no processor 2: the machine has 2"):
                machine.step(processor=2)
            machine.step(3)
            assert executed(machine.board.processors[0]) == 3
