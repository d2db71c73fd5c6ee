"""System calls in traces."""

import json
from pathlib import Path

import pytest

from kseg import Machine
from kseg.api import Replay
from kseg.api.trace_text import TraceText
from kseg.api.tracing import TraceEvent
from tests.cli.command import kseg
from tests.unwind.programs import boot

GUEST = "echo hi; cat nofile; halt"


def calls(kinds: tuple[str, ...] = ("syscall",), **options: object) -> list[TraceEvent]:
    with Machine("cms", GUEST, epoch=0) as machine:
        trace = machine.trace(*kinds, **options)  # type: ignore[arg-type]
        machine.run()
        trace.close()
        return trace.take()


def test_calls_and_returns_by_name() -> None:
    texts = [event.text for event in calls()]
    assert 'echo 2: write(1, "hi\\n", 3)' in texts
    assert "echo 2: write -> 3" in texts
    assert 'cat 3: open("nofile", 0x1)' in texts
    assert "cat 3: open -> error 1 NOT_FOUND" in texts
    assert texts[-1] == "shell 1: halt()"


def test_each_return_is_its_call() -> None:
    events = calls()
    waits = [event for event in events if event.call is not None and event.call.name == "wait"]
    call, returned = waits[:2]
    assert call.call is not None
    assert returned.call is not None
    assert (call.call.process, call.call.returned, returned.call.returned) == ("shell", False, True)
    assert returned.pc == call.pc + 4
    assert returned.call.cycles == returned.cycle - call.cycle
    assert returned.call.result == 2
    # The child ran meanwhile.
    between = events[events.index(call) : events.index(returned)]
    assert {event.call.process for event in between if event.call} == {"shell", "echo"}


def test_the_guest_notices_nothing() -> None:
    with Machine("cms", GUEST, epoch=0) as plain, Machine("cms", GUEST, epoch=0) as traced:
        traced.trace("syscall")
        assert (plain.run(), plain.cycles) == (traced.run(), traced.cycles)
        assert plain.console.output == traced.console.output
        assert plain.memory.read(0, plain.memory.size) == traced.memory.read(0, plain.memory.size)


def test_every_engine_says_the_same() -> None:
    found = []
    for engine in ("reference", "interpreter"):
        with Machine("cms", "halt", epoch=0, engine=engine) as machine:
            trace = machine.trace("syscall")
            machine.run()
            found.append(trace.take())
    assert found[0] == found[1] != []


def test_beside_other_events() -> None:
    both = calls(("exception", "return", "syscall"))
    alone = calls(("exception", "return"))
    assert [event for event in both if event.kind != "syscall"] == alone
    assert [event for event in both if event.kind == "syscall"] == calls()
    # A call stands behind its exception, a return behind its RFE.
    first = next(n for n, event in enumerate(both) if event.kind == "syscall")
    assert (both[first - 1].kind, both[first - 1].cycle) == ("exception", both[first].cycle)
    cycles = [event.cycle for event in both]
    assert cycles == sorted(cycles)


@pytest.mark.parametrize("kinds", [("syscall",), ("syscall", "instruction", "disk")])
def test_the_first_and_the_last(kinds: tuple[str, ...]) -> None:
    everything = calls(kinds, from_cycle=1_800_000)
    assert calls(kinds, from_cycle=1_800_000, most=5) == everything[:5]
    assert calls(kinds, from_cycle=1_800_000, last=7) == everything[-7:]


def test_filters() -> None:
    everything = calls()
    place = everything[0].pc
    here = calls(addresses=[(place, place)])
    assert {event.pc for event in here} == {place, place + 4}
    asid = everything[0].asid
    assert {event.asid for event in calls(asids=[asid])} == {asid}
    assert calls(kernel=False) == everything
    assert calls(user=False) == []
    assert calls(processors=[1]) == []
    middle = everything[len(everything) // 2].cycle
    assert all(event.cycle >= middle for event in calls(from_cycle=middle))


def test_json() -> None:
    with Machine("cms", GUEST, epoch=0) as machine:
        trace = machine.trace("syscall")
        machine.run()
        text = TraceText(machine.board.profile)
        lines = [json.loads(line) for part in trace.take_parts() for line in text.json_lines(part)]
    opened = next(line for line in lines if line["name"] == "open")
    assert (opened["kind"], opened["phase"]) == ("syscall", "call")
    assert (opened["process"], opened["process_number"]) == ("cat", 3)
    assert opened["arguments"] == ['"nofile"', "0x1"]
    assert opened["values"][1] == 1
    failed = next(line for line in lines if line["name"] == "open" and line["phase"] == "return")
    assert (failed["error"], failed["error_name"]) == (1, "NOT_FOUND")
    assert "result" not in failed


def test_on_the_command_line_and_of_a_recorded_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Machine("cms", GUEST, epoch=0) as machine:
        machine.record(log)
        machine.run()
    result = kseg("trace", "-e", "syscall", "-o", "-", "--replay", log)
    assert result.returncode == 0
    lines = [line for line in result.stdout.splitlines() if ": open" in line]
    assert lines[0].split()[2:4] == ["0", "u"]
    assert lines[0].endswith('  cat 3: open("nofile", 0x1)')
    with Replay(log) as replay:
        trace = replay.machine.trace("syscall")
        replay.machine.run()
        assert trace.take() == calls()


UNKNOWN = """
        la      k0, 0x80000080
        la      t0, vector
        lw      t1, 0(t0)
        sw      t1, 0(k0)
        lw      t1, 4(t0)
        sw      t1, 4(k0)
        mtc0    zero, c0_entryhi
        li      t1, 0x00010600
        mtc0    t1, c0_entrylo
        tlbwr
        li      t1, 0x08
        mtc0    t1, c0_status
        la      t0, 0x80010000
        la      t1, user
        lw      t2, 0(t1)
        sw      t2, 0(t0)
        lw      t2, 4(t1)
        sw      t2, 4(t0)
        li      v0, 77
        li      a0, 1
        li      a3, 0
        jr      zero
        rfe
handle: mfc0    k0, c0_epc
        li      v0, 5
        addiu   k0, k0, 4
        jr      k0
        rfe
vector: j       handle
        nop
user:   syscall
        b       .
        nop
"""


def test_a_kernel_that_is_not_known(tmp_path: Path) -> None:
    with boot(tmp_path, UNKNOWN) as machine:
        trace = machine.trace("syscall")
        machine.run(cycles=200)
        assert [event.text for event in trace.take()][:2] == [
            "call_77(0x1, 0, 0, 0)",
            "call_77 -> 5",
        ]
