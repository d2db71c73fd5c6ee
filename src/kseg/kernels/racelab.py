"""racelab, the kernel of the exercises: its table of threads (guests/racelab/thread.h), as the
debug information describes it."""

from kseg.inspection.machine import InspectedMachine
from kseg.kernels.calls import UNKNOWN_CALLS
from kseg.kernels.contract import GuestThread, GuestThreads, Wait
from kseg.kernels.findings import findings
from kseg.kernels.kernel_memory import KernelMemory
from kseg.kernels.stacks import Marks, check_stacks
from kseg.kernels.switched import context_on_stack, first_frame
from kseg.symbols.symbol_file import SymbolFile
from kseg.symbols.symbol_table import Symbols
from kseg.symbols.types import Structure
from kseg.unwind.backtrace import Context, Unwinder, context_of

MOST_THREADS = 64
STACK, BOOT_STACK = 2048, 4096
STACK_MAGIC = 0x57AC4E4D
STATES = {1: "ready", 2: "sleeping"}
WAIT_EVENT, WAIT_LOCK, WAIT_CONDITION = range(3)
MOST_FRAMES = 24
_SLEEP = ("switch_stack", "schedule", "thread_sleep")


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


class Racelab:
    """The threads of racelab."""

    name = "racelab"
    calls = UNKNOWN_CALLS

    def __init__(
        self,
        machine: InspectedMachine,
        symbols: Symbols,
        file: SymbolFile,
        thread: Structure,
        lock: Structure,
    ) -> None:
        self._machine, self._symbols, self._file = machine, symbols, file
        self._layout, self._lock = thread, lock
        table = file.named("threads")[0]
        count = min(table.size // thread.size, MOST_THREADS)
        self._places = [table.address + number * thread.size for number in range(count)]

    def current(self, processor: int) -> GuestThread | None:
        memory = KernelMemory(self._machine)
        return self._thread(memory, self._current(memory)) if processor == 0 else None

    def physical(self, processor: int, address: int) -> int | None:  # noqa: ARG002
        return None

    def threads(self) -> GuestThreads:
        memory = KernelMemory(self._machine)
        unwinder = Unwinder(self._machine.board.profile, memory, self._symbols)
        current = self._current(memory)
        found = [self._thread(memory, address) for address in self._places]
        threads = [each for each in found if each is not None]
        known = {each.address for each in threads}
        for thread in threads:
            if thread.address == current:
                thread.processor = 0
                if thread.state == "ready":
                    thread.state = "running"
            if thread.sleeps:
                thread.wait = self._wait(memory, thread, known)
            context = self._context(memory, thread)
            if context is not None:
                thread.trace = unwinder.trace(context, MOST_FRAMES)
                thread.first_frame = first_frame(thread, _SLEEP)
        check_stacks(memory, threads, Marks(STACK_MAGIC, 1), self._file)
        return GuestThreads(
            self.name, threads, findings(threads, all_wait=self._machine.board.all_idle)
        )

    def _current(self, memory: KernelMemory) -> int:
        return memory.number(self._file.named("current")[0].address)

    def _thread(self, memory: KernelMemory, address: int) -> GuestThread | None:
        if address not in self._places:
            return None
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

    def _context(self, memory: KernelMemory, thread: GuestThread) -> Context | None:
        """The registers that a thread has, or goes on with."""
        if thread.processor is not None:
            state = self._machine.processors[0].state
            thread.sp = int(state.gpr[29])
            return context_of(state)
        thread.sp = memory.member(self._layout, thread.address, "stack_pointer")
        return context_on_stack(memory, thread.sp)

    def _wait(self, memory: KernelMemory, thread: GuestThread, known: set[int]) -> Wait:
        kind = memory.member(self._layout, thread.address, "kind")
        what = memory.member(self._layout, thread.address, "waiting_for")
        if kind == WAIT_EVENT:
            return Wait(memory.text(what) or "an event", address=0)
        # Locks and condition variables both begin with their names.
        name = memory.text(memory.number(what)) or ""
        if kind != WAIT_LOCK:
            return Wait("condition variable", name, what)
        holder = memory.member(self._lock, what, "holder")
        if holder in known:
            return Wait("lock", name, what, holder)
        return Wait("lock", name, what, free=not holder, note="" if holder else "nobody holds it")
