"""cms, the guest that comes along: its table of processes (guests/cms/kernel/process.h).

Its images have symbols and no debug information; so the structure's layout is written down here,
and a test compares it with what the compiler makes of the sources.
"""

from kseg.inspection.machine import InspectedMachine
from kseg.isa import registers as r
from kseg.kernels.cms_calls import CALLS
from kseg.kernels.contract import GuestThread, GuestThreads, Wait
from kseg.kernels.findings import findings
from kseg.kernels.kernel_memory import KernelMemory
from kseg.kernels.stacks import Marks, check_stacks
from kseg.kernels.switched import context_on_stack, first_frame
from kseg.symbols.symbol_file import SymbolFile
from kseg.symbols.symbol_table import Symbols
from kseg.unwind.backtrace import Context, Unwinder, context_of

PROCESSES = 16
SIZE = 392
STATE, NUMBER, PARENT, NAME, STACK, STACK_POINTER = 0, 4, 8, 12, 40, 44
DIRECTORY = 48
WAITING_FOR, WAKE_TIME = 164, 168
"""Offsets in `struct process`, in bytes."""
STATES = {1: "new", 2: "ready", 3: "sleeping", 4: "ended"}
PAGE = 4096
STACK_MARK = 0x57AC4E4D
EVENTS = {
    "input": "console input",
    "output": "room for console output",
    "last_status": "the disk",
    "busy": "the drive, which another process uses",
    "result": "the host's files",
}
"""What it means to sleep on a variable, by its name."""
MOST_FRAMES = 24
_SLEEP = ("switch_stack", "schedule", "process_sleep", "process_sleep_until")


def recognise(machine: InspectedMachine, symbols: Symbols, file: SymbolFile) -> "CMS | None":
    """The awareness of the guest's processes, if `file` is a kernel of cms."""
    table = next(iter(file.named("processes")), None)
    names = ("current", "switch_stack", "kernel_stack_top")
    if table is None or table.size != PROCESSES * SIZE or not all(map(file.named, names)):
        return None
    return CMS(machine, symbols, file, table.address)


class CMS:
    """The processes of cms, which have one thread each."""

    name = "cms"
    calls = CALLS

    def __init__(
        self, machine: InspectedMachine, symbols: Symbols, file: SymbolFile, table: int
    ) -> None:
        self._machine, self._symbols, self._file, self._table = machine, symbols, file, table
        self._base = file.code_range[0] & ~0x1FFFFFFF
        """Where the kernel is linked: kseg0, or a window in kuseg for a monitor."""

    def current(self, processor: int) -> GuestThread | None:
        memory = KernelMemory(self._machine, self._base)
        address = self._current(memory)
        return self._process(memory, address) if address and processor == 0 else None

    def physical(self, processor: int, address: int) -> int | None:  # noqa: ARG002
        memory = KernelMemory(self._machine, self._base)
        directory = memory.number(self._current(memory) + DIRECTORY)
        table = memory.number(directory + 4 * (address >> 22))
        entry = memory.number(table + 4 * (address >> 12 & 0x3FF))
        return entry & r.VPN_MASK | address & ~r.VPN_MASK if entry & r.ENTRY_LO_V else None

    def threads(self) -> GuestThreads:
        memory = KernelMemory(self._machine, self._base)
        unwinder = Unwinder(self._machine.board.profile, memory, self._symbols)
        current = self._current(memory)
        threads = []
        for index in range(PROCESSES):
            thread = self._process(memory, self._table + index * SIZE)
            if thread is None:
                continue
            if thread.address == current:
                thread.processor = 0
                if thread.state == "ready":
                    thread.state = "running"
            if thread.sleeps:
                thread.wait = self._wait(memory, thread)
            context = self._context(memory, thread)
            if context is not None:
                thread.trace = unwinder.trace(context, MOST_FRAMES)
                thread.first_frame = first_frame(thread, _SLEEP)
            threads.append(thread)
        check_stacks(memory, threads, Marks(STACK_MARK, 1), self._file)
        return GuestThreads(self.name, threads, findings(threads, all_wait=False))

    def _current(self, memory: KernelMemory) -> int:
        return memory.number(self._file.named("current")[0].address)

    def _process(self, memory: KernelMemory, address: int) -> GuestThread | None:
        place, rest = divmod(address - self._table, SIZE)
        state = STATES.get(memory.number(address + STATE))
        if rest or not 0 <= place < PROCESSES or state is None:
            return None
        name = memory.text(address + NAME) or "?"
        thread = GuestThread(address, name, state, name, memory.number(address + NUMBER))
        stack = memory.number(address + STACK)
        if stack and stack % PAGE == 0 and memory.word(stack) is not None:
            thread.stack = (stack, stack + PAGE)
        return thread

    def _context(self, memory: KernelMemory, thread: GuestThread) -> Context | None:
        """The registers that a process has, or goes on with."""
        if thread.processor is not None:
            state = self._machine.processors[0].state
            if state.pc >= self._base:
                thread.sp = int(state.gpr[29])
            return context_of(state)
        frame = memory.number(thread.address + STACK_POINTER)
        if thread.state == "ended" or memory.word(frame) is None:
            return None
        thread.sp = frame
        return context_on_stack(memory, frame)

    def _wait(self, memory: KernelMemory, thread: GuestThread) -> Wait:
        event = memory.number(thread.address + WAITING_FOR)
        if event == thread.address + WAKE_TIME:
            return Wait("the clock")
        if event == thread.address:
            children = [
                f"{each.process_number}"
                for index in range(PROCESSES)
                if (each := self._process(memory, self._table + index * SIZE)) is not None
                and memory.number(each.address + PARENT) == thread.address
            ]
            return Wait("the end of a child", note=f"of process {', '.join(children)}")
        symbol = self._file.symbol_at(event)
        if symbol is not None and symbol.name in EVENTS:
            return Wait(EVENTS[symbol.name])
        return Wait("an event", "" if symbol is None else symbol.name, event)
