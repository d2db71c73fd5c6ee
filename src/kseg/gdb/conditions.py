"""Whether a breakpoint's condition holds, as far as GDB has left that to the stub."""

from kseg.gdb.access import registers
from kseg.gdb.agent_expression import EvaluationError
from kseg.gdb.inferior import Inferior
from kseg.gdb.threads import Thread
from kseg.monitor.stop import Stop, StopReason


class _EvaluationContext:
    """What an expression sees of a processor. Implements `agent_expression.EvaluationContext`."""

    def __init__(self, thread: Thread) -> None:
        machine = thread.inferior.machine
        self._file = registers(thread)
        self._big = machine.board.byte_order == "big"
        self._memory = machine.memory.virtual(thread.processor)

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, "big" if self._big else "little")

    def register(self, number: int) -> int:
        return self._number(self._file.read(number))

    def memory(self, address: int, size: int) -> int:
        return self._number(self._memory.read(address & 0xFFFFFFFF, size))


def holds(inferior: Inferior, stop: Stop) -> bool:
    """Whether a stop is one, and not at breakpoints none of whose conditions holds. A condition
    that has no value is GDB's business, which says why."""
    if stop.reason is not StopReason.BREAKPOINT:
        return True
    thread = Thread(inferior, stop.processor)
    conditions = inferior.points.conditions(thread.it.state.pc)
    context = _EvaluationContext(thread) if conditions else None
    for condition in conditions:
        assert context is not None
        try:
            if condition.value(context):
                return True
        except EvaluationError:
            return True
    return not conditions
