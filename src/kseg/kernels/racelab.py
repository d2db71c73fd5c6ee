"""racelab, the kernel of the exercises: its table of threads (guests/racelab/thread.h), as the
debug information describes it."""

from kseg.inspection.machine import InspectedMachine
from kseg.kernels.calls import UNKNOWN_CALLS
from kseg.kernels.contract import GuestThread, Wait
from kseg.kernels.kernel_memory import KernelMemory
from kseg.kernels.switched import TableOfThreads
from kseg.symbols.symbol_file import SymbolFile
from kseg.symbols.symbol_table import Symbols
from kseg.symbols.types import Structure

MOST_THREADS = 64
STACK, BOOT_STACK = 2048, 4096
STATES = {1: "ready", 2: "sleeping"}
WAIT_EVENT, WAIT_LOCK = range(2)


def recognise(machine: InspectedMachine, symbols: Symbols, file: SymbolFile) -> "Racelab | None":
    """The awareness of the guest's threads, if `file` is the kernel of racelab."""
    table = next(iter(file.named("threads")), None)
    if table is None or not all(map(file.named, ("current", "switch_stack", "use_after_free"))):
        return None
    thread, lock = (file.types.structure(name) for name in ("thread", "lock"))
    if thread is None or lock is None or not lock.has("name", "holder"):
        return None
    if not thread.has("state", "name", "kind", "waiting_for", "stack_pointer", "stack"):
        return None
    return Racelab(machine, symbols, file, thread, lock)


class Racelab(TableOfThreads):
    name = "racelab"
    calls = UNKNOWN_CALLS
    sleep = ("switch_stack", "schedule", "thread_sleep")
    is_over_when_idle = True

    def __init__(
        self,
        machine: InspectedMachine,
        symbols: Symbols,
        file: SymbolFile,
        thread: Structure,
        lock: Structure,
    ) -> None:
        table = file.named("threads")[0]
        count = min(table.size // thread.size, MOST_THREADS)
        places = [table.address + number * thread.size for number in range(count)]
        super().__init__(machine, symbols, file, places)
        self._layout, self._lock = thread, lock

    def _thread(self, memory: KernelMemory, address: int) -> GuestThread | None:
        state = STATES.get(memory.member(self._layout, address, "state"))
        name = memory.text(memory.member(self._layout, address, "name"))
        if state is None or name is None:
            return None
        thread = GuestThread(address, name, state)
        stack = memory.member(self._layout, address, "stack")
        if stack and stack % 8 == 0 and memory.word(stack) is not None:
            size = BOOT_STACK if address == self._places[0] else STACK
            thread.stack = (stack, stack + size)
        return thread

    def _stack_pointer(self, memory: KernelMemory, thread: GuestThread) -> int:
        return memory.member(self._layout, thread.address, "stack_pointer")

    def _wait(self, memory: KernelMemory, thread: GuestThread) -> Wait:
        kind = memory.member(self._layout, thread.address, "kind")
        what = memory.member(self._layout, thread.address, "waiting_for")
        if kind == WAIT_EVENT:
            return Wait(memory.text(what) or "an event", address=0)
        # Locks and condition variables both begin with their names.
        name = memory.text(memory.number(what)) or ""
        if kind != WAIT_LOCK:
            return Wait("condition variable", name, what)
        holder = memory.member(self._lock, what, "holder")
        if self._at(memory, holder) is not None:
            return Wait("lock", name, what, holder)
        return Wait("lock", name, what, free=not holder, note="" if holder else "nobody holds it")
