"""`Machine.trace`: one stream of what processors and devices do, on every engine the same."""

import json

import pytest

from kseg import Machine
from kseg.api.trace_text import TraceText
from kseg.api.tracing import KINDS, Part, TraceEvent, events
from kseg.engine import ENGINES
from kseg.errors import KsegError

COMMAND = "echo hello; ls; halt"
KERNEL_PAGE = (0x80000000, 0x80000FFF)


def traced(engine: str, *kinds: str, command: str = COMMAND, **wanted) -> list[TraceEvent]:
    with Machine("cms", command, engine=engine, epoch=0) as machine:
        with machine.trace(*kinds, **wanted) as trace:
            machine.run()
        return trace.take()


@pytest.mark.slow("translator")
@pytest.mark.parametrize("engine", ["interpreter", "translator"])
def test_every_engine_records_the_same(engine):
    wanted = {"to_cycle": 60_000}
    assert traced(engine, *KINDS, **wanted) == traced(
        "reference", *KINDS, command=COMMAND, **wanted
    )


def test_translations_stay_while_exceptions_are_traced():
    with Machine(
        "cms", "dhrystone 100000; halt", engine="translator", compiler_share=1000
    ) as machine:
        with machine.trace("exception", "interrupt", "tlb", "return", "address-space") as trace:
            machine.run()
        if machine.engine.name == "translator":
            assert machine.engine.statistics.translated_cycles > 1_000_000
        assert trace.take() == traced(
            "interpreter", "exception", "interrupt", "tlb", "return", "address-space",
            command="dhrystone 100000; halt",
        )  # fmt: skip


def test_tracing_changes_nothing():
    with Machine("cms", COMMAND, epoch=0) as plain, Machine("cms", COMMAND, epoch=0) as machine:
        machine.trace(*KINDS, last=5)
        assert machine.run() == plain.run()
        assert machine.cycles == plain.cycles
        assert machine.time == plain.time
        assert machine.board.save() == plain.board.save()


def test_times_are_those_of_the_machine():
    found = traced("interpreter", "instruction", "line", addresses=[KERNEL_PAGE])
    times = [event.time for event in found]
    assert times == sorted(times)
    by_cycle = {event.cycle: event.time for event in found if event.kind == "instruction"}
    offsets = {time - cycle * 40 for cycle, time in by_cycle.items()}
    # Idle time jumps: the same cycle count does not always mean the same time.
    assert len(offsets) > 1
    assert max(offsets) - min(offsets) < 10_000


def test_a_device_acts_after_the_instruction_that_accesses_it():
    found = traced("interpreter", "instruction", "line", last=100_000)
    lowered = [
        place
        for place, event in enumerate(found)
        if event.text == "slot 0: interrupt request off" and found[place - 1].kind == "instruction"
    ]
    assert lowered
    for place in lowered:
        access = found[place - 1]
        assert access.cycle == found[place].cycle
        assert access.word >> 26 in (0x23, 0x2B)


def test_last_most_and_receive():
    whole = traced("interpreter", "exception", "line")
    assert traced("interpreter", "exception", "line", last=7) == whole[-7:]
    assert traced("interpreter", "exception", "line", most=7) == whole[:7]
    parts: list[Part] = []
    assert traced("interpreter", "exception", "line", receive=parts.append) == []
    assert list(events(parts)) == whole


def test_conditions():
    found = traced("interpreter", "instruction", kernel=False, most=500)
    assert len(found) == 500
    assert all(event.user for event in found)
    found = traced("interpreter", "jump", addresses=[KERNEL_PAGE], user=False, most=50)
    assert all(KERNEL_PAGE[0] <= event.pc <= KERNEL_PAGE[1] for event in found)
    assert len(found) == 50
    found = traced("interpreter", "exception", from_cycle=53_000, to_cycle=56_000)
    assert found
    assert all(53_000 <= event.cycle <= 56_000 for event in found)
    assert traced("interpreter", "exception", processors=[5]) == []


def test_a_machine_that_loads_a_state_is_traced_on():
    with Machine("cms", COMMAND, epoch=0) as machine:
        state = machine.save()
        with machine.trace("exception") as trace:
            machine.run()
            machine.load(state)
            machine.run()
        found = trace.take()
        assert len(found) > 10
        assert found[: len(found) // 2] == found[len(found) // 2 :]


def test_what_cannot_be():
    with Machine("cms", COMMAND) as machine:
        for wanted in ({"most": 0}, {"last": 1 << 40}, {"addresses": [(4, 0)]}, {"asids": [99]}):
            with pytest.raises(ValueError, match=r"\d"):
                machine.trace("exception", **wanted)
        with pytest.raises(ValueError, match="no events 'nonsense'; there are: instruction"):
            machine.trace("nonsense")
        with machine.trace("exception"), pytest.raises(KsegError, match="being traced already"):
            machine.trace("exception")
        machine.trace("exception").close()


@pytest.mark.parametrize("engine", ENGINES)
def test_text_and_json_say_the_same(engine):
    with Machine("cms", COMMAND) as machine, machine.trace("exception", most=1) as trace:
        machine.run(cycles=100_000)
        (first,) = trace.take()
    with Machine("cms", COMMAND, engine=engine) as machine:
        with machine.trace(*KINDS, most=4000, from_cycle=first.cycle - 2000) as trace:
            machine.run(cycles=first.cycle + 5000)
        text = TraceText(machine.board.profile, lambda address: f"at-{address:x}")
        parts = trace.take_parts()
    lines = [line for part in parts for line in text.lines(part)]
    objects = [json.loads(line) for part in parts for line in text.json_lines(part)]
    assert len(lines) == len(objects) == 4000
    assert {each["kind"] for each in objects} >= {"instruction", "jump", "exception", "line"}
    for line, told in zip(lines, objects, strict=True):
        assert line.split()[0] == str(told["cycle"])
        if "pc" in told:
            assert f"{told['pc']:08x} <at-{told['pc']:x}>" in line
        if told["kind"] == "syscall":
            assert line.endswith(f"  {told['text']}")
            continue
