"""The random kernels do what they are for, so that comparing them says something."""

from collections import Counter

import pytest

from kseg import Machine
from kseg.isa import registers as r
from kseg.isa.exceptions import MNEMONICS
from kseg.isa.instruction_set import instruction_set
from kseg.memory.physical import MemoryRangeError
from tests.monitor.observed import LAST_CYCLE, MEASURE, booted, run_to, trace
from tests.monitor.random_kernels import random_kernel

KERNELS = 40
OPERATIONS = "tlbr tlbwi tlbwr tlbp rfe wait".split()
REGISTERS = (0, 1, 2, 4, 8, 9, 10, 11, 12, 13, 14, 15)


class Coverage:
    """Counts what happens, step by step."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._exceptions: list[int] = [0] * 32
        self._refills = 0
        self._next = ""

    def look(self, machine: Machine) -> None:
        state = machine.board.processors[0]
        exceptions = list(state.exceptions)
        taken = [code for code in range(32) if exceptions[code] > self._exceptions[code]]
        refill = state.tlb_refills > self._refills
        for code in taken:
            name = MNEMONICS[code] + (" refill" if refill else "")
            origin = "user" if state.status & 8 else "kernel"
            slot = " in slot" if state.cause & r.CAUSE_BD else ""
            self.counts[f"{name} from {origin}{slot}"] += 1
        if not taken and self._next:
            self.counts[self._next] += 1
        self._exceptions, self._refills = exceptions, state.tlb_refills
        self._next = self._privileged(machine)

    def _privileged(self, machine: Machine) -> str:
        """The instruction that comes next, if it is one for CP0 in kseg0 or kseg1."""
        pc = machine.board.processors[0].pc
        if not r.KSEG0 <= pc < r.KSEG2:
            return ""
        try:
            data = machine.board.memory.read(pc & r.UNMAPPED_MASK, 4)
        except MemoryRangeError:
            return ""
        word = int.from_bytes(data, "big")
        encoding = instruction_set("mips161").decode(word) if word >> 26 == 0x10 else None
        if encoding is None:
            return ""
        name = encoding.instruction.name
        return f"{name} {word >> 11 & 31}" if name in ("mfc0", "mtc0") else name


@pytest.fixture(scope="module")
def covered() -> Counter[str]:
    """What some kernels do."""
    total: Counter[str] = Counter()
    for seed in range(KERNELS):
        coverage = Coverage()
        found = trace(random_kernel(seed).program, coverage.look)
        total += coverage.counts
        total["kernels that end"] += found.last == LAST_CYCLE
        total["system calls"] += len(found.calls)
    return total


@pytest.mark.slow
@pytest.mark.parametrize("name", MNEMONICS)
def test_every_exception_happens(name: str, covered: Counter[str]) -> None:
    assert covered[f"{name} from user"] + covered[f"{name} from user in slot"] >= 2 or name == "IBE"
    assert covered[f"{name} from kernel"] + covered[f"{name} from kernel in slot"] >= 2


@pytest.mark.parametrize("name", [*MNEMONICS[:6], *MNEMONICS[8:]])
def test_exceptions_happen_in_delay_slots(name: str, covered: Counter[str]) -> None:
    kinds = [f"{name} from user", f"{name} from kernel", f"{name} refill from user"]
    assert sum(covered[f"{kind} in slot"] for kind in kinds) >= 1


@pytest.mark.parametrize("name", ["TLBL", "TLBS"])
@pytest.mark.parametrize("origin", ["user", "kernel"])
def test_refills_happen_in_programs_and_within_the_kernel(
    name: str, origin: str, covered: Counter[str]
) -> None:
    assert covered[f"{name} refill from {origin}"] >= 10


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_privileged_operation_is_executed(name: str, covered: Counter[str]) -> None:
    assert covered[name] >= 10


def test_every_control_register_is_read_and_written(covered: Counter[str]) -> None:
    assert [n for n in REGISTERS if not covered[f"mfc0 {n}"]] == []
    assert [n for n in REGISTERS if not covered[f"mtc0 {n}"]] == []


def test_most_kernels_end(covered: Counter[str]) -> None:
    assert covered["kernels that end"] >= KERNELS // 2
    assert covered["system calls"] >= 8 * KERNELS


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_plain_kernels_are_the_same_code_at_both_places(seed: int) -> None:
    kernel = random_kernel(seed, plain=True)
    assert len(kernel.window_program.code) == len(kernel.program.code)
    assert all(0x40000000 <= at < 0x40040000 for at in kernel.window_program.symbols.values())
    with booted(kernel.program, *MEASURE) as machine:
        assert run_to(machine, LAST_CYCLE)[0] == "power-off"
        assert machine.console.output.endswith("done\n")
