"""OS/161 2.x: threads of its kernel, found by the structures' debug information.

There is no list of all threads. But each has a list node that points back to the thread
(`t_listnode.tln_self`), a word that is its own address less what is known: so RAM is searched for
such words, and what is found must look like a thread in every other respect too. Source:
kern/include/thread.h, cpu.h, threadlist.h and kern/thread/thread.c of OS/161 2.0.3.
"""

from typing import NamedTuple

from kseg.inspection.machine import InspectedMachine
from kseg.isa import registers as r
from kseg.kernels.contract import MOST_THREADS, GuestThread, GuestThreads, KernelAwareness
from kseg.kernels.findings import findings
from kseg.kernels.kernel_memory import KernelMemory
from kseg.kernels.os161_calls import CALLS
from kseg.kernels.os161_faults import program_overflow
from kseg.kernels.os161_waits import Waits
from kseg.kernels.stacks import Marks, check_stacks, guess_size
from kseg.kernels.switched import MOST_FRAMES, first_frame, switched_out
from kseg.symbols.symbol_file import SymbolFile
from kseg.symbols.symbol_table import Symbols
from kseg.symbols.types import Structure, Types
from kseg.unwind.backtrace import Backtrace, Context, Unwinder, context_of

MOST_PROCESSORS = 32
MOST_FRAMES_OF_ALL = 1000
MAGIC = 0xBAADF00D
"""Four words at the low end of a stack (THREAD_STACK_MAGIC in thread.c)."""
MAGIC_WORDS = 4
STACK = 4096
STATES = {"S_RUN": "running", "S_READY": "ready", "S_SLEEP": "sleeping", "S_ZOMBIE": "ended"}
_SAVED = {
    **{f"sf_s{number}": 16 + number for number in range(8)},
    "sf_s8": 30, "sf_gp": 28, "sf_ra": 31,
}  # fmt: skip
"""What the switch frame's members are called, and which registers they are."""
_PIDS = ("p_pid", "pid", "p_id", "proc_id", "p_procid")
_SLEEP = ("switchframe_switch", "thread_switch", "wchan_sleep")


class Layout(NamedTuple):
    """The structures without which nothing can be said."""

    thread: Structure
    node: Structure
    switchframe: Structure
    cpu: Structure


def recognise(machine: InspectedMachine, symbols: Symbols, file: SymbolFile) -> "OS161 | None":
    """The awareness of the guest's threads, if `file` is an OS/161 kernel with debug
    information."""
    if not (file.named("thread_switch") and file.named("switchframe_switch")):
        return None
    types = file.types
    found = [types.structure(n) for n in ("thread", "threadlistnode", "switchframe", "cpu")]
    thread, node, switchframe, cpu = found
    if thread is None or node is None or switchframe is None or cpu is None:
        return None
    wanted = ("t_name", "t_state", "t_listnode", "t_stack", "t_context")
    if not (
        thread.has(*wanted)
        and node.has("tln_prev", "tln_next", "tln_self")
        and switchframe.has("sf_ra")
        and cpu.has("c_curthread")
    ):
        return None
    return OS161(machine, symbols, file, Layout(thread, node, switchframe, cpu))


class OS161(KernelAwareness):
    name = "OS/161"
    calls = CALLS

    def __init__(
        self, machine: InspectedMachine, symbols: Symbols, file: SymbolFile, layout: Layout
    ) -> None:
        self._machine, self._symbols, self._file = machine, symbols, file
        self._types: Types = file.types
        self._layout = layout
        states = self._types.enumeration(layout.thread.member("t_state").type)
        self._states = states or dict(enumerate(STATES))

    def current(self, processor: int) -> GuestThread | None:
        memory = KernelMemory(self._machine)
        address = self._current_threads(memory).get(processor)
        return None if address is None else self._thread(memory, address)

    def threads(self) -> GuestThreads:
        memory = KernelMemory(self._machine)
        current = self._current_threads(memory)
        found: dict[int, GuestThread] = {}
        remark = "" if memory.is_searched_whole else "not all of the memory was searched"
        for address in [*current.values(), *self._candidates(memory)]:
            if len(found) >= MOST_THREADS:
                remark = f"more than {MOST_THREADS} threads"
                break
            if address not in found:
                thread = self._thread(memory, address)
                if thread is not None and self._is_alive(memory, thread, current):
                    found[address] = thread
        threads = sorted(found.values(), key=_order)
        for processor, address in current.items():
            if address in found:
                found[address].processor = processor
        self._trace(memory, threads)
        self._find_waits(memory, threads)
        self._check_stacks(memory, threads)
        trapframe = self._types.structure("trapframe")
        for thread in threads:
            thread.program_overflow = program_overflow(memory, thread, trapframe)
        states = [each.state for each in self._machine.processors]
        all_wait = all(each.waiting or not each.enabled for each in states)
        return GuestThreads(self.name, threads, findings(threads, all_wait=all_wait), remark)

    # Finding them.

    def _current_threads(self, memory: KernelMemory) -> dict[int, int]:
        """Addresses of the processors' current threads, by the numbers that the hardware has."""
        cpu = self._layout.cpu
        found: dict[int, int] = {}
        for address in self._cpus(memory):
            number = "c_hardware_number" if cpu.has("c_hardware_number") else "c_number"
            processor = memory.member(cpu, address, number) if cpu.has(number) else len(found)
            thread = memory.member(cpu, address, "c_curthread")
            if thread and processor < len(self._machine.processors):
                found[processor] = thread
        return found

    def _cpus(self, memory: KernelMemory) -> list[int]:
        """Addresses of the structures of all CPUs: `allcpus` is an array of pointers to them."""
        symbol = next(iter(self._file.named("allcpus")), None)
        array_ = self._types.structure("array")
        if symbol is None:
            return []
        at, count = symbol.address, symbol.address + 4
        if array_ is not None and array_.has("v", "num"):
            at, count = (symbol.address + array_.offset(each) for each in ("v", "num"))
        first = memory.number(at)
        addresses = [
            memory.number(first + 4 * number)
            for number in range(min(memory.number(count), MOST_PROCESSORS))
        ]
        return [each for each in addresses if each >= r.KSEG0]

    def _candidates(self, memory: KernelMemory) -> list[int]:
        layout = self._layout
        node = layout.thread.offset("t_listnode")
        return memory.pointing_to_before(node + layout.node.offset("tln_self"))

    def _thread(self, memory: KernelMemory, address: int) -> GuestThread | None:
        """The thread at an address, if what is there can be one."""
        layout = self._layout.thread
        if address & 3 or memory.word(address) is None:
            return None
        name = self._named(memory, layout, address, "t_name")
        state = self._states.get(memory.member(layout, address, "t_state"))
        stack = memory.member(layout, address, "t_stack")
        if name is None or state is None or stack % 8 or (stack and memory.word(stack) is None):
            return None
        thread = GuestThread(address, name, STATES.get(state, state.removeprefix("S_").lower()))
        thread.stack = (stack, stack + STACK) if stack else None
        if layout.has("t_proc"):
            self._take_process(memory, thread, memory.member(layout, address, "t_proc"))
        return thread

    def _named(
        self, memory: KernelMemory, layout: Structure, address: int, member: str
    ) -> str | None:
        """A name: an array of characters, or a pointer to some."""
        where = address + layout.offset(member)
        if layout.member(member).type.kind == "array":
            return memory.text(where)
        return memory.text(memory.number(where))

    def _take_process(self, memory: KernelMemory, thread: GuestThread, process: int) -> None:
        layout = self._types.structure("proc")
        if layout is None or not process:
            return
        kernel = next(iter(self._file.named("kproc")), None)
        if kernel is not None and memory.number(kernel.address) == process:
            return
        if layout.has("p_name"):
            thread.process = self._named(memory, layout, process, "p_name") or ""
        for name in _PIDS:
            if layout.has(name):
                thread.process_number = memory.member(layout, process, name)
                break

    def _is_alive(self, memory: KernelMemory, thread: GuestThread, current: dict[int, int]) -> bool:
        """What is asleep is on a list; memory that was freed may look like a thread still."""
        if thread.address in current.values():
            return True
        offset = self._layout.thread.offset("t_listnode")
        node, layout = thread.address + offset, self._layout.node
        following, before = (memory.member(layout, node, name) for name in ("tln_next", "tln_prev"))
        if not following and not before:
            # Being created or waking up; or freed.
            name = ""
            if self._layout.thread.has("t_wchan_name"):
                pointer = memory.member(self._layout.thread, thread.address, "t_wchan_name")
                name = memory.text(pointer) or "" if pointer else ""
            return thread.state == "ready" and name != "DESTROYED"
        return (
            memory.number(following + layout.offset("tln_prev")) == node
            and memory.number(before + layout.offset("tln_next")) == node
        )

    # What they do.

    def _trace(self, memory: KernelMemory, threads: list[GuestThread]) -> None:
        profile = self._machine.board.profile
        unwinder = Unwinder(profile, memory, self._symbols)
        left = MOST_FRAMES_OF_ALL
        for thread in threads:
            if thread.processor is None:
                context = self._saved(memory, thread)
            else:
                context = self._running(thread)
            if context is None or not left:
                continue
            trace = unwinder.trace(context, min(MOST_FRAMES, left))
            left -= len(trace.frames)
            if trace.frames and trace.frames[-1].user:
                trace = Backtrace(trace.frames)
            thread.trace = trace
            thread.first_frame = first_frame(trace, _SLEEP)

    def _running(self, thread: GuestThread) -> Context | None:
        assert thread.processor is not None
        state = self._machine.processors[thread.processor].state
        if state.pc >= r.KSEG0:
            thread.sp = int(state.gpr[29])
        return context_of(state)

    def _saved(self, memory: KernelMemory, thread: GuestThread) -> Context | None:
        """The registers that a thread goes on with when it is switched to."""
        frame = memory.member(self._layout.thread, thread.address, "t_context")
        if not frame or memory.word(frame) is None or thread.state == "ended":
            return None
        layout = self._layout.switchframe
        thread.sp = frame
        places = {
            number: frame + layout.offset(name)
            for name, number in _SAVED.items()
            if layout.has(name)
        }
        return switched_out(memory, places, frame + layout.size)

    def _find_waits(self, memory: KernelMemory, threads: list[GuestThread]) -> None:
        waits = Waits(memory, self._file, self._layout.thread, self._layout.node, threads)
        cpus = {
            address: memory.member(self._layout.cpu, address, "c_curthread")
            for address in self._cpus(memory)
        }
        for thread in threads:
            if thread.sleeps:
                thread.wait = waits.of_sleeper(thread)
            elif thread.processor is not None:
                state = self._machine.processors[thread.processor].state
                thread.wait = waits.of_spinner(thread, list(map(int, state.gpr)), cpus)
        waits.complete(threads)

    def _check_stacks(self, memory: KernelMemory, threads: list[GuestThread]) -> None:
        size = guess_size(threads, STACK)
        unmarked = set()
        for thread in threads:
            if thread.stack is not None:
                thread.stack = (thread.stack[0], thread.stack[0] + size)
            else:
                thread.stack = _boot_stack(thread)
                unmarked.add(thread.address)
        marks = Marks(MAGIC, MAGIC_WORDS) if self._marks_stacks() else None
        check_stacks(memory, threads, marks, self._file, unmarked)

    def _marks_stacks(self) -> bool:
        """Does the kernel's code load the magic number? It might have another one, or none."""
        order = self._file.byte_order
        start, end = self._file.code_range
        code = self._file.code_at(start, end - start) or b""
        high = MAGIC >> 16
        return any(
            (0x3C00 | register).to_bytes(2, "big") + high.to_bytes(2, "big") in code
            if order == "big"
            else high.to_bytes(2, "little") + (0x3C00 | register).to_bytes(2, "little") in code
            for register in range(32)
        )


def _boot_stack(thread: GuestThread) -> tuple[int, int] | None:
    """That of the first thread, which no structure knows: a page with the outermost frame in it."""
    outermost = thread.trace.frames[-1].sp if thread.trace.frames else None
    if outermost is None or thread.trace.end or thread.trace.frames[-1].user:
        return None
    top = (outermost + STACK - 1) // STACK * STACK
    return top - STACK, top


def _order(thread: GuestThread) -> tuple[bool, bool, int]:
    return (thread.state == "ended", thread.state != "running", thread.address)
