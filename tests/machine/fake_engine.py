"""An engine whose guest is a Python generator: for tests of boards and monitors alone.

The program yields what processor 0 does next and is sent the answer:

    yield Run(100)              # a hundred cycles of computing
    value = yield Load(0x1FE00000)      # None is a bus error
    accepted = yield Store(0x1FE00000, 3)
    yield Wait()                # until an interrupt line rises

Each access takes one cycle. When the program returns, the processor computes for ever.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from kseg.engine.contract import Exit, ExitReason
from kseg.engine.state import ProcessorState


@dataclass
class Run:
    cycles: int


@dataclass
class Load:
    address: int
    size: int = 4


@dataclass
class Store:
    address: int
    value: int
    size: int = 4
    mask: int = 0xFFFFFFFF


@dataclass
class Wait:
    pass


@dataclass
class Break:
    pass


Action = Run | Load | Store | Wait | Break
Program = Generator[Action, int | bool | None, None]


class FakeEngine:
    """Implements `kseg.engine.contract.Engine`."""

    name = "fake"

    def __init__(self, processors: Sequence[ProcessorState], program: Program) -> None:
        self.processors = processors
        self.stop_on_break = False
        self.clock = processors[0].clock
        self.changes: list[tuple[int, int]] = []
        self.steady = False
        self._program = program
        self._action: Action | None = next(program, None)
        self._answer: int | bool | None = None
        self._asked = False

    def _advance(self, answer: int | bool | None = None) -> None:
        try:
            self._action = self._program.send(answer)
        except StopIteration:
            self._action = None

    def run(self, cycles: int) -> Exit:
        assert cycles > 0
        limit = self.clock + cycles
        cpu = self.processors[0]
        if self._asked:
            self._asked = False
            self._pass(1)
            self._advance(self._answer)
        while True:
            if cpu.waiting and cpu.interrupt_lines:
                cpu.waiting = 0
            if cpu.waiting or not cpu.enabled:
                return Exit(ExitReason.IDLE)
            if self.clock >= limit:
                return Exit(ExitReason.BUDGET)
            match self._action:
                case None:
                    self._pass(limit - self.clock)
                case Run(count):
                    now = min(count, limit - self.clock)
                    self._pass(now)
                    if now == count:
                        self._advance()
                    else:
                        self._action = Run(count - now)
                case Load(address, size):
                    self._asked = True
                    return Exit(ExitReason.DEVICE_LOAD, 0, address, size)
                case Store(address, value, size, mask):
                    self._asked = True
                    return Exit(ExitReason.DEVICE_STORE, 0, address, size, value, mask)
                case Wait():
                    self._pass(1)
                    cpu.waiting = int(not cpu.interrupt_lines)
                    self._advance()
                case Break():
                    self._advance()
                    return Exit(ExitReason.BREAK)

    def _pass(self, cycles: int) -> None:
        self.clock += cycles
        self.processors[0].clock += cycles
        self.processors[0].kernel_cycles += cycles

    def complete_load(
        self,
        value: int | None,
        *,
        steady: bool = False,
    ) -> None:
        self._answer = value
        self.steady = steady

    def state_changed(self) -> None:
        self.clock = self.processors[0].clock

    def complete_store(self, accepted: bool) -> None:
        self._answer = accepted

    def skip(self, cycles: int) -> None:
        self.clock += cycles
        self.processors[0].clock += cycles

    def memory_changed(self, address: int, length: int) -> None:
        self.changes.append((address, length))
