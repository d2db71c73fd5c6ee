"""Threads that are not on a processor; the bundled guests' kernels, which have theirs in a table
(`switch_stack` is in guests/cms/include/trap_frame.h)."""

from collections.abc import Container, Mapping, Sequence

from kseg.inspection.machine import InspectedMachine
from kseg.isa.registers import KSEG0
from kseg.isa.unknown import UNKNOWN, Number
from kseg.kernels.contract import GuestThread, GuestThreads, KernelAwareness, Wait
from kseg.kernels.findings import findings
from kseg.kernels.kernel_memory import KernelMemory
from kseg.kernels.stacks import Marks, check_stacks
from kseg.symbols.symbol_file import SymbolFile
from kseg.symbols.symbol_table import Symbols
from kseg.unwind.backtrace import Backtrace, Context, Unwinder, context_of

MOST_FRAMES = 24
SAVED = (16, 17, 18, 19, 20, 21, 22, 23, 30, 31)
"""The registers that `switch_stack` leaves on a stack, from the stack pointer up."""
STACK_MARK = 0x57AC4E4D
"""The word at the low end of a stack."""


def switched_out(memory: KernelMemory, places: Mapping[int, int], sp: int) -> Context:
    """The registers that a thread goes on with when it is switched to: some are in memory, by
    number."""
    registers: list[Number] = [UNKNOWN] * 32
    registers[0], registers[29] = 0, sp
    for number, place in places.items():
        registers[number] = memory.number(place)
    return Context(memory.number(places[31]), registers, user=False, after_call=True)


def first_frame(trace: Backtrace, sleep: Container[str]) -> int:
    """The frame in which a thread would say that it stands: behind those that put it to sleep."""
    first = 0
    for number, frame in enumerate(trace.frames[:8]):
        if frame.name in sleep:
            first = number + 1
    return first if first < len(trace.frames) else 0


class TableOfThreads(KernelAwareness):
    """A kernel for one processor: a table of threads, one of which is `current`."""

    sleep: tuple[str, ...]
    """The functions that put a thread to sleep."""
    is_over_when_idle: bool
    """Whether no device can wake a thread."""

    def __init__(
        self,
        machine: InspectedMachine,
        symbols: Symbols,
        file: SymbolFile,
        places: Sequence[int],
        lowest: int = KSEG0,
    ) -> None:
        """`places` are the addresses of the table's entries, `lowest` is where the kernel is
        linked."""
        self._machine, self._symbols, self._file = machine, symbols, file
        self._places, self._lowest = places, lowest

    def _thread(self, memory: KernelMemory, address: int) -> GuestThread | None:
        """The thread whose entry is at an address of the table, if it has one."""
        raise NotImplementedError

    def _wait(self, memory: KernelMemory, thread: GuestThread) -> Wait:
        """What a thread waits for that sleeps."""
        raise NotImplementedError

    def _stack_pointer(self, memory: KernelMemory, thread: GuestThread) -> int:
        """Of a thread that is not on the processor."""
        raise NotImplementedError

    def current(self, processor: int) -> GuestThread | None:
        memory = self._memory()
        return self._at(memory, self._current(memory)) if processor == 0 else None

    def threads(self) -> GuestThreads:
        memory = self._memory()
        unwinder = Unwinder(self._machine.board.profile, memory, self._symbols)
        current = self._current(memory)
        found = (self._thread(memory, place) for place in self._places)
        threads = [each for each in found if each is not None]
        for thread in threads:
            if thread.address == current:
                thread.processor = 0
                if thread.state == "ready":
                    thread.state = "running"
            if thread.sleeps:
                thread.wait = self._wait(memory, thread)
            context = self._context(memory, thread)
            if context is not None:
                thread.trace = unwinder.trace(context, MOST_FRAMES)
                thread.first_frame = first_frame(thread.trace, self.sleep)
        check_stacks(memory, threads, Marks(STACK_MARK, 1), self._file)
        all_wait = self.is_over_when_idle and self._machine.board.all_idle
        return GuestThreads(self.name, threads, findings(threads, all_wait=all_wait))

    def _memory(self) -> KernelMemory:
        return KernelMemory(self._machine, self._lowest)

    def _at(self, memory: KernelMemory, address: int) -> GuestThread | None:
        return self._thread(memory, address) if address in self._places else None

    def _current(self, memory: KernelMemory) -> int:
        return memory.number(self._file.named("current")[0].address)

    def _context(self, memory: KernelMemory, thread: GuestThread) -> Context | None:
        """The registers that a thread has, or goes on with."""
        if thread.processor is not None:
            state = self._machine.processors[0].state
            if state.pc >= self._lowest:
                thread.sp = int(state.gpr[29])
            return context_of(state)
        frame = self._stack_pointer(memory, thread)
        if thread.state == "ended" or not frame or memory.word(frame) is None:
            return None
        thread.sp = frame
        places = {register: frame + 4 * number for number, register in enumerate(SAVED)}
        return switched_out(memory, places, frame + 4 * len(SAVED))
