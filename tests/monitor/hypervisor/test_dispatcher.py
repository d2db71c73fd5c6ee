"""The dispatcher: what a guest left the hardware for; the same in CPython as natively."""

from collections import Counter
from typing import Any

import pytest

from kseg import Machine
from kseg.monitor.hypervisor.world import ExitKind
from tests.monitor.hypervisor.watched import (
    RUN_PROGRAM,
    exits,
    hypervisor_of,
    record_of,
    running,
    use_python,
)
from tests.monitor.observed import booted, differences, run_to, visible
from tests.monitor.random_kernels import random_kernel

MONITORS = ("trap-and-emulate", "hybrid")
ANSWER, PRIVILEGED, SHADOW_MISS = ExitKind.ANSWER, ExitKind.PRIVILEGED, ExitKind.SHADOW_MISS
FETCH, ACCESS = ExitKind.KERNEL_SEGMENT_FETCH, ExitKind.KERNEL_SEGMENT_ACCESS
SYSTEM_CALL, TLB_FAULT = ExitKind.SYSTEM_CALL, ExitKind.TLB_FAULT
OTHER, INTERRUPT, PAGE_STORE = (
    ExitKind.OTHER_EXCEPTION,
    ExitKind.INTERRUPT,
    ExitKind.PAGE_STORE,
)

Counts = dict[ExitKind, int]
STARTED = {SHADOW_MISS: 1, PRIVILEGED: 1}
"""By the kernel before it does anything."""
HANDLED = {PRIVILEGED: 3}
"""By the handler of exceptions."""

KERNEL: dict[str, Counts] = {
    # What a kernel in the window does, and what is counted for it.
    "addiu t0, t0, 1": {},
    "mfc0 t0, $12": {PRIVILEGED: 1},
    "mtc0 zero, $9": {PRIVILEGED: 1},
    "tlbwi": {PRIVILEGED: 1},
    "tlbp": {PRIVILEGED: 1},
    "li t0, KBASE + 0x2000; lw t1, 0(t0); sw t1, 4(t0)": {SHADOW_MISS: 1},
    "li t0, KBASE + 0x2000; li t1, KBASE + 0x5000; lw t2, 0(t0); sw t2, 0(t1)": {SHADOW_MISS: 2},
    "li t0, 0x80002000; lw t1, 0(t0)": {ACCESS: 1},
    "li t0, 0xa0002000; sw t1, 0(t0); sb t1, 5(t0)": {ACCESS: 2},
    "li t0, 0x80002001; lw t1, 0(t0)": {ACCESS: 1, **HANDLED},
    "li t0, DEVICES; lw t1, 4(t0)": {ACCESS: 1, ANSWER: 1},
    "li t0, DEVICES; sw zero, 4(t0)": {ACCESS: 1, ANSWER: 1},
    "li t0, 0xbfe00000; sw zero, 4(t0)": {ACCESS: 1, ANSWER: 1},
    "li t0, DEVICES - 0x1000000; lw t1, 0(t0)": {ACCESS: 1, ANSWER: 1, **HANDLED},
    "li t0, 0xc0000000; lw t1, 0(t0)": {ACCESS: 1, **HANDLED},
    "syscall": {SYSTEM_CALL: 1, **HANDLED},
    "break": {OTHER: 1, **HANDLED},
    "lw t1, 2(zero)": {OTHER: 1, **HANDLED},
    "li t0, 0x7fffffff; add t1, t0, t0": {OTHER: 1, **HANDLED},
    ".word 0x7c000000": {OTHER: 1, **HANDLED},
    "lw t1, 0x1000(zero)": {TLB_FAULT: 1, **HANDLED},
    "sw t1, 0x1000(zero)": {TLB_FAULT: 1, **HANDLED},
    # With an interrupt the first instruction of its handler is emulated.
    "li t0, 0x101; mtc0 t0, $12; mtc0 t0, $13; nop": {INTERRUPT: 1, PRIVILEGED: 4},
    # In kseg0 for a jump, which here fails because of where it leads, and six instructions.
    "la t0, (1f - KBASE) + 0x80000000; jr t0; nop; 1: nop; nop; la t0, done; jr t0; nop": {
        ACCESS: 1,
        FETCH: 6,
    },
}

PROGRAM: dict[str, Counts] = {
    # What a program does, and what is counted for it.
    "addiu t0, t0, 1": {},
    "li t0, 0x2000; lw t1, 0(t0); lw t1, 4(t0)": {SHADOW_MISS: 1},
    "li t0, 0x2000; lw t1, 0(t0); sw t1, 4(t0)": {SHADOW_MISS: 1},
    "syscall": {SYSTEM_CALL: 1, **HANDLED},
    "break": {OTHER: 1, **HANDLED},
    "mfc0 t0, $12": {OTHER: 1, **HANDLED},
    "rfe": {OTHER: 1, **HANDLED},
    "li t0, 0x80002000; lw t1, 0(t0)": {OTHER: 1, **HANDLED},
    "li t0, KBASE; lw t1, 0(t0)": {TLB_FAULT: 1, **HANDLED},
    "lw t1, 0x7000(zero)": {TLB_FAULT: 1, **HANDLED},
    "sw t1, 0x1000(zero)": {TLB_FAULT: 1, **HANDLED},
}
PRIVILEGED_TO_RUN_PROGRAM = sum(line.split()[0] in ("mtc0", "tlbwi", "rfe")
                                for line in RUN_PROGRAM.splitlines() if line.strip())  # fmt: skip

DISPATCHERS = [("interpreter", "native"), ("interpreter", "python"), ("reference", "python")]
each_dispatcher = pytest.mark.parametrize(("engine", "dispatcher"), DISPATCHERS)


def prepare(machine: Machine, dispatcher: str) -> None:
    """Nothing is rewritten, and the dispatcher is the one to be tested."""
    hypervisor = hypervisor_of(machine)
    hypervisor.world.rewrites = 0
    if dispatcher == "python":
        use_python(hypervisor)


def lines(text: str) -> str:
    return text.replace("; ", "\n        ")


def counted(body: str, program: str, engine: str, dispatcher: str, **where: Any) -> Counter:
    """What a kernel makes the monitor count."""
    with running(lines(body), lines(program), engine=engine, **where) as machine:
        prepare(machine, dispatcher)
        assert run_to(machine, 200)[0] == "cycle limit"
        record = record_of(machine)
        assert record.direct_cycles + record.emulated_cycles == 200
        state = machine.board.processors[0]
        assert state.pc & 0xFFF in (machine_end(machine), machine_end(machine) + 4)
        return Counter(exits(machine))


def machine_end(machine: Machine) -> int:
    """The offset in its page of the loop that the processor is in."""
    state = machine.board.processors[0]
    memory = machine.board.memory
    page = 0x3000 if state.status & 2 else 0
    word = (0x1000FFFF).to_bytes(4, "big")
    return memory.read(page, 4096).index(word)


@each_dispatcher
@pytest.mark.parametrize("body", KERNEL)
def test_what_a_kernel_does_is_counted(body: str, engine: str, dispatcher: str) -> None:
    found = counted(body, "", engine, dispatcher, monitor="trap-and-emulate")
    assert found == Counter(STARTED) + Counter(KERNEL[body])


@each_dispatcher
@pytest.mark.parametrize("program", PROGRAM)
def test_what_a_program_does_is_counted(program: str, engine: str, dispatcher: str) -> None:
    found = counted(RUN_PROGRAM, program, engine, dispatcher, monitor="trap-and-emulate")
    entered = Counter({SHADOW_MISS: 1, PRIVILEGED: PRIVILEGED_TO_RUN_PROGRAM})
    assert found == Counter(STARTED) + entered + Counter(PROGRAM[program])


@each_dispatcher
@pytest.mark.parametrize("program", PROGRAM)
def test_a_hybrid_monitor_counts_nothing_of_the_kernel(
    program: str, engine: str, dispatcher: str
) -> None:
    found = counted(RUN_PROGRAM, program, engine, dispatcher, monitor="hybrid", window=False)
    expected = Counter({SHADOW_MISS: 1}) + Counter(PROGRAM[program])
    del expected[PRIVILEGED]
    if program == "li t0, KBASE; lw t1, 0(t0)":
        expected[OTHER] = expected.pop(TLB_FAULT)  # in kseg0
    assert found == expected


@each_dispatcher
def test_a_kernel_in_kseg0_is_emulated(engine: str, dispatcher: str) -> None:
    found = counted("nop", "", engine, dispatcher, monitor="trap-and-emulate", window=False)
    assert found == {FETCH: 200}


@each_dispatcher
@pytest.mark.parametrize("monitor", MONITORS)
def test_stores_to_a_kept_page_are_counted_once(engine: str, dispatcher: str, monitor: str) -> None:
    body = "li t0, KBASE + 0x5000; sw t0, 0(t0); sw t0, 4(t0)"
    with running(lines(body), monitor=monitor, engine=engine) as machine:
        prepare(machine, dispatcher)
        memory: Any = machine.board.memory
        allocator = hypervisor_of(machine).allocator
        allocator.share(memory, 5, memory.frame_of(5))
        run_to(machine, 100)
        assert exits(machine)[PAGE_STORE] == 1
        assert memory.read(0x5000, 8) == (0x40005000).to_bytes(4, "big") * 2
        assert list(allocator.inconsistencies()) == []


def figures(machine: Machine) -> dict[str, Any]:
    """What both dispatchers must agree on, besides what can be seen."""
    record = record_of(machine)
    return {
        "exits": exits(machine),
        "direct": record.direct_cycles,
        "emulated": record.emulated_cycles,
    }


@pytest.mark.slow
@pytest.mark.parametrize("monitor", MONITORS)
@pytest.mark.parametrize("seed", range(12))
def test_both_dispatchers_do_the_same_with_random_kernels(seed: int, monitor: str) -> None:
    window = seed % 3 == 0
    kernel = random_kernel(seed, plain=window)
    program = kernel.window_program if window else kernel.program
    found = []
    for dispatcher in ("native", "python"):
        with booted(program, monitor, "interpreter") as machine:
            prepare(machine, dispatcher)
            seen = []
            for cycle in (3_000, 7_777, 15_000):
                ending = run_to(machine, cycle)
                seen.append((ending, figures(machine)))
            found.append((seen, visible(machine)))
    (native, native_state), (python, python_state) = found
    assert differences(native_state, python_state) == []
    for (_, seen), (_, other) in zip(native, python, strict=True):
        # An entry that the guest writes as it was already is foreseen by native code only.
        assert abs(seen["exits"].pop(SHADOW_MISS, 0) - other["exits"].pop(SHADOW_MISS, 0)) <= 2
    assert native == python


@pytest.mark.slow("trap-and-emulate")
@pytest.mark.parametrize("monitor", MONITORS)
@pytest.mark.parametrize("guest", ["cms", "cms-kuseg"])
def test_both_dispatchers_do_the_same_with_cms(guest: str, monitor: str) -> None:
    found = []
    for dispatcher in ("native", "python"):
        with Machine(
            guest, "echo x; halt", monitor=monitor, engine="interpreter", epoch=0
        ) as machine:
            prepare(machine, dispatcher)
            stop = machine.run()
            found.append((stop, figures(machine), visible(machine)))
    assert differences(found[0][2], found[1][2]) == []
    assert found[0][:2] == found[1][:2]
    assert "x\n" in found[0][2]["console"]
