"""A kernel with the structures of OS/161 and nothing behind them: threads, locks and stacks are
laid out in memory as the real one would leave them."""

from pathlib import Path
from typing import Any

from kseg import Machine
from kseg.isa.assembler import assemble
from tests.symbols.dwarf import TypeWriter, executable

FRAME = 24
SWITCHFRAME = 40

CODE = (
    """
        lui     t0, 0xbaad
        ori     t0, t0, 0xf00d
spin:   b       spin
        nop
caller: addiu   sp, sp, -24
        sw      ra, 20(sp)
        jal     lock_acquire
        nop
        jal     P
        nop
        jal     cv_wait
        nop
        jal     spinlock_acquire
        nop
        jal     deep
        nop
"""
    + "".join(
        f"""
{name}: addiu   sp, sp, -24
        sw      ra, 20(sp)
        jal     {called}
        nop
        lw      ra, 20(sp)
        nop
        jr      ra
        addiu   sp, sp, 24
"""
        for name, called in [
            ("lock_acquire", "wchan_sleep"),
            ("P", "wchan_sleep"),
            ("cv_wait", "wchan_sleep"),
            ("wchan_sleep", "thread_switch"),
            ("thread_switch", "switchframe_switch"),
            ("deep", "deep"),
        ]
    )
    + """
spinlock_acquire:
        addiu   sp, sp, -24
        sw      ra, 20(sp)
1:      b       1b
        nop
common_exception:
        jal     mips_trap
        addiu   a0, sp, 16
        lw      k0, 28(sp)
        nop
        lw      sp, 24(sp)
        jr      k0
        rfe
mips_trap:
        addiu   sp, sp, -24
        sw      ra, 20(sp)
        jal     kill_curthread
        nop
        lw      ra, 20(sp)
        nop
        jr      ra
        addiu   sp, sp, 24
kill_curthread:
        addiu   sp, sp, -24
        sw      ra, 20(sp)
1:      b       1b
        nop
switchframe_switch:
        jr      ra
        nop
        .data
allcpus: .word  0, 0, 0
kproc:  .word   0
"""
)

STRUCTURES = {
    "threadlistnode": (
        12,
        [("tln_prev", 0, "threadlistnode*"), ("tln_next", 4, "threadlistnode*"),
         ("tln_self", 8, "thread*")],
    ),
    "threadlist": (
        28,
        [("tl_head", 0, "threadlistnode"), ("tl_tail", 12, "threadlistnode"),
         ("tl_count", 24, "u32")],
    ),
    "thread": (
        80,
        [("t_name", 0, "char*"), ("t_wchan_name", 4, "char*"),
         ("t_state", 8, "enum:S_RUN,S_READY,S_SLEEP,S_ZOMBIE"),
         ("t_listnode", 12, "threadlistnode"), ("t_stack", 24, "void*"),
         ("t_context", 28, "switchframe*"), ("t_proc", 32, "proc*")],
    ),
    "proc": (8, [("p_name", 0, "char*"), ("p_pid", 4, "u32")]),
    "cpu": (16, [("c_number", 0, "u32"), ("c_hardware_number", 4, "u32"),
                 ("c_curthread", 8, "thread*")]),
    "switchframe": (
        SWITCHFRAME,
        [(f"sf_{name}", 4 * number, "u32")
         for number, name in enumerate("s0 s1 s2 s3 s4 s5 s6 s8 gp ra".split())],
    ),
    "array": (12, [("v", 0, "void*"), ("num", 4, "u32"), ("max", 8, "u32")]),
    "wchan": (32, [("wc_name", 0, "char*"), ("wc_threads", 4, "threadlist")]),
    "spinlock": (8, [("splk_lock", 0, "u32"), ("splk_holder", 4, "cpu*")]),
    "lock": (
        20,
        [("lk_name", 0, "char*"), ("lk_wchan", 4, "wchan*"), ("lk_lock", 8, "spinlock"),
         ("lk_owner", 16, "thread*")],
    ),
    "semaphore": (20, [("sem_name", 0, "char*"), ("sem_wchan", 4, "wchan*"),
                       ("sem_lock", 8, "spinlock"), ("sem_count", 16, "u32")]),
    "trapframe": (16, [("tf_vaddr", 0, "u32"), ("tf_cause", 4, "u32"), ("tf_sp", 8, "u32"),
                       ("tf_epc", 12, "u32")]),
    "cv": (16, [("cv_name", 0, "char*"), ("cv_wchan", 4, "wchan*")]),
}  # fmt: skip

TAKES = {
    "lock_acquire": [("lock", "lock*")],
    "P": [("sem", "semaphore*")],
    "cv_wait": [("cv", "cv*"), ("lock", "lock*")],
    "wchan_sleep": [("wc", "wchan*"), ("lk", "spinlock*")],
}

AT = assemble(f"__start:\n{CODE}").symbols


def image(structures: dict[str, Any] = STRUCTURES) -> bytes:
    """The kernel, with its debug information."""
    functions = {name: (AT[name], parameters) for name, parameters in TAKES.items()}
    return executable(CODE, TypeWriter(structures, functions).sections())


class SmallOS161:
    """A machine with the kernel in it, and what lays things out in its memory."""

    def __init__(
        self, directory: Path, cpus: int = 1, structures: dict[str, Any] = STRUCTURES
    ) -> None:
        path = directory / "kernel"
        path.write_bytes(image(structures))
        self.machine = Machine(path, cpus=cpus, ram="4M", epoch=0)
        self._memory = self.machine.memory.virtual()
        self._structures = structures
        self._free = 0x80100000
        self._stacks = 0x80200000
        self.cpus = [self._make("cpu", c_number=n, c_hardware_number=n) for n in range(cpus)]
        table = self._room(4 * cpus)
        for number, cpu in enumerate(self.cpus):
            self._memory.set_word(table + 4 * number, cpu)
        self._memory.set_word(AT["allcpus"], table)
        self._memory.set_word(AT["allcpus"] + 4, cpus)

    def _room(self, size: int) -> int:
        place = self._free
        self._free += (size + 7) & ~7
        return place

    def text(self, text: str) -> int:
        place = self._room(len(text) + 1)
        self._memory.write(place, text.encode() + b"\0")
        return place

    def offset(self, structure: str, member: str) -> int:
        return next(at for name, at, _ in self._structures[structure][1] if name == member)

    def set(self, structure: str, address: int, **members: int) -> None:
        for name, value in members.items():
            self._memory.set_word(address + self.offset(structure, name), value)

    def _make(self, structure: str, **members: int) -> int:
        place = self._room(self._structures[structure][0])
        self.set(structure, place, **members)
        return place

    def channel(self, name: str) -> int:
        channel = self._make("wchan", wc_name=self.text(name))
        head = channel + 4
        tail = head + 12
        self._memory.set_word(head + 4, tail)
        self._memory.set_word(tail, head)
        return channel

    def object(self, structure: str, name: str, **members: int) -> int:
        """A lock, semaphore or condition variable."""
        prefix = {"lock": "lk", "semaphore": "sem", "cv": "cv"}[structure]
        made = {f"{prefix}_name": self.text(name), f"{prefix}_wchan": self.channel(name)}
        return self._make(structure, **made, **members)

    def thread(self, name: str, state: str = "S_READY", stack: bool = True) -> int:
        states = ["S_RUN", "S_READY", "S_SLEEP", "S_ZOMBIE"]
        thread = self._make("thread", t_name=self.text(name), t_state=states.index(state))
        node = thread + self.offset("thread", "t_listnode")
        self._memory.set_word(node + 8, thread)
        if stack:
            low, self._stacks = self._stacks, self._stacks + 0x2000
            for word in range(4):
                self._memory.set_word(low + 4 * word, 0xBAADF00D)
            self.set("thread", thread, t_stack=low)
        return thread

    def sleep(self, thread: int, function: str, thing: int, structure: str) -> None:
        """Let a thread sleep in a function, called by `caller`, on an object's channel."""
        prefix = {"lock": "lk", "semaphore": "sem", "cv": "cv"}[structure]
        channel = self._memory.word(thing + self.offset(structure, f"{prefix}_wchan"))
        self.set("thread", thread, t_state=2, t_wchan_name=self._memory.word(channel))
        tail = channel + 16
        last = self._memory.word(tail)
        node = thread + self.offset("thread", "t_listnode")
        self._memory.set_word(node, last)
        self._memory.set_word(node + 4, tail)
        self._memory.set_word(last + 4, node)
        self._memory.set_word(tail, node)
        top = self._memory.word(thread + self.offset("thread", "t_stack")) + 0x1000
        calls = ["caller", function, "wchan_sleep", "thread_switch"]
        sp = top
        for name, called in zip(calls, [*calls[1:], "switchframe_switch"], strict=True):
            sp -= FRAME
            self._memory.set_word(sp + 16, thing if name == function else 0)
            returns = self._return_address(name, called)
            if called == "switchframe_switch":
                sp -= SWITCHFRAME
                self._memory.set_word(sp + 36, returns)
            else:
                self._memory.set_word(sp - FRAME + 20, returns)
        self.set("thread", thread, t_context=sp)

    def _return_address(self, function: str, called: str) -> int:
        jump = 3 << 26 | (AT[called] & 0xFFFFFFF) >> 2
        place = AT[function]
        while self._memory.word(place) != jump:
            place += 4
        return place + 8

    def run(self, thread: int, processor: int = 0) -> None:
        """Make a thread a processor's current one."""
        self.set("cpu", self.cpus[processor], c_curthread=thread)
        self.set("thread", thread, t_state=0)
        low = self._memory.word(thread + self.offset("thread", "t_stack"))
        registers = self.machine.processors[processor].registers
        registers["pc"] = AT["spin"]
        registers["sp"] = low + 0x1000

    def word(self, address: int, value: int) -> None:
        self._memory.set_word(address, value)

    def stack_of(self, thread: int) -> int:
        return self._memory.word(thread + self.offset("thread", "t_stack"))
