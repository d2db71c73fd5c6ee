"""cms, the guest that comes along: its table of processes (guests/cms/kernel/process.h).

Its images have symbols and no debug information; so the structure's layout is written down here,
and a test compares it with what the compiler makes of the sources.
"""

from kseg.inspection.machine import InspectedMachine
from kseg.isa import registers as r
from kseg.kernels.cms_calls import CALLS
from kseg.kernels.contract import GuestThread, Wait
from kseg.kernels.kernel_memory import KernelMemory
from kseg.kernels.switched import TableOfThreads
from kseg.symbols.symbol_file import SymbolFile
from kseg.symbols.symbol_table import Symbols

PROCESSES = 16
SIZE = 392
STATE, NUMBER, PARENT, NAME, STACK, STACK_POINTER = 0, 4, 8, 12, 40, 44
DIRECTORY = 48
WAITING_FOR, WAKE_TIME = 164, 168
"""Offsets in `struct process`, in bytes."""
STATES = {1: "new", 2: "ready", 3: "sleeping", 4: "ended"}
PAGE = 4096
EVENTS = {
    "input": "console input",
    "output": "room for console output",
    "last_status": "the disk",
    "busy": "the drive, which another process uses",
    "result": "the host's files",
}
"""What it means to sleep on a variable, by its name."""


def recognise(machine: InspectedMachine, symbols: Symbols, file: SymbolFile) -> "CMS | None":
    """The awareness of the guest's processes, if `file` is a kernel of cms."""
    table = next(iter(file.named("processes")), None)
    names = ("current", "switch_stack", "kernel_stack_top")
    if table is None or table.size != PROCESSES * SIZE or not all(map(file.named, names)):
        return None
    places = [table.address + index * SIZE for index in range(PROCESSES)]
    # Linked in kseg0, or in a window in kuseg for a monitor.
    return CMS(machine, symbols, file, places, file.code_range[0] & ~0x1FFFFFFF)


class CMS(TableOfThreads):
    """The processes of cms, which have one thread each."""

    name = "cms"
    calls = CALLS
    sleep = ("switch_stack", "schedule", "process_sleep", "process_sleep_until")
    is_over_when_idle = False

    def physical(self, processor: int, address: int) -> int | None:  # noqa: ARG002
        memory = self._memory()
        directory = memory.number(self._current(memory) + DIRECTORY)
        table = memory.number(directory + 4 * (address >> 22))
        entry = memory.number(table + 4 * (address >> 12 & 0x3FF))
        return entry & r.VPN_MASK | address & ~r.VPN_MASK if entry & r.ENTRY_LO_V else None

    def _thread(self, memory: KernelMemory, address: int) -> GuestThread | None:
        state = STATES.get(memory.number(address + STATE))
        if state is None:
            return None
        name = memory.text(address + NAME) or "?"
        thread = GuestThread(address, name, state, name, memory.number(address + NUMBER))
        stack = memory.number(address + STACK)
        if stack and stack % PAGE == 0 and memory.word(stack) is not None:
            thread.stack = (stack, stack + PAGE)
        return thread

    def _stack_pointer(self, memory: KernelMemory, thread: GuestThread) -> int:
        return memory.number(thread.address + STACK_POINTER)

    def _wait(self, memory: KernelMemory, thread: GuestThread) -> Wait:
        event = memory.number(thread.address + WAITING_FOR)
        if event == thread.address + WAKE_TIME:
            return Wait("the clock")
        if event == thread.address:
            children = [
                f"{each.process_number}"
                for place in self._places
                if (each := self._thread(memory, place)) is not None
                and memory.number(each.address + PARENT) == thread.address
            ]
            return Wait("the end of a child", note=f"of process {', '.join(children)}")
        symbol = self._file.symbol_at(event)
        if symbol is not None and symbol.name in EVENTS:
            return Wait(EVENTS[symbol.name])
        return Wait("an event", "" if symbol is None else symbol.name, event)
