"""A supervised processor beside another one, as a monitor has them, with a small program."""

from dataclasses import dataclass
from typing import Any

from kseg.engine import ExitReason, Hardware, ProcessorState, create
from kseg.engine.contract import Exit
from kseg.isa import registers as r
from kseg.isa.assembler import assemble
from kseg.memory.paged import FRAME_WRITABLE, PagedMemory
from kseg.memory.pages import PAGE_SIZE
from kseg.memory.physical import PhysicalMemory

NUMBER = 1
"""The supervised processor's; number 0 stands still."""
CODE, DATA, CLEAN, INVALID, MISSING = 0x10000, 0x20000, 0x21000, 0x22000, 0x23000
"""Virtual pages; nothing maps the last."""
KERNEL = r.KSEG0

V, D, G = r.ENTRY_LO_V, r.ENTRY_LO_D, r.ENTRY_LO_G
ENTRIES = {
    0: (CODE, 0x1000 | V | G),
    1: (DATA, 0x2000 | V | D | G),
    2: (CLEAN, 0x3000 | V | G),
    3: (INVALID, 0x4000 | D | G),
}
REGISTERS = {"gp": DATA, "s1": CLEAN, "s2": INVALID, "s3": MISSING, "s4": KERNEL, "s5": 0x7FFFFFFF}

KINDS = [
    (engine, profile, order)
    for engine in ("reference", "interpreter", "translator")
    for profile, order in (("mips161", "big"), ("r3000", "little"))
]
"""Engine, profile, byte order."""


def snapshot(state: ProcessorState) -> dict[str, Any]:
    """All of a processor, by name, but for what cannot be seen."""
    found: dict[str, Any] = {}
    for field in ProcessorState._fields_:
        value = getattr(state, field[0])
        found[field[0]] = list(value) if hasattr(value, "__len__") else value
    del found["discard"]
    return found


def processor(pc: int, *, user: bool = True, supervised: bool = True) -> ProcessorState:
    """One that has the pages above in its TLB, and their addresses in registers."""
    state = ProcessorState()
    state.reset(status=r.STATUS_KUC if user else 0, pc=pc)
    state.enabled, state.supervised = 1, int(supervised)
    for index, (high, low) in ENTRIES.items():
        state.tlb_entry_hi[index], state.tlb_entry_lo[index] = high, low
    for name, value in REGISTERS.items():
        state.gpr[r.GPR_NUMBERS[name]] = value
    return state


@dataclass
class Machine:
    """One that is about to execute its program's first instruction."""

    engine: Hardware
    state: ProcessorState
    memory: PhysicalMemory
    symbols: dict[str, int]

    def run(self, cycles: int, **options: bool) -> Exit:
        return self.engine.run_processor(NUMBER, self.state.clock + cycles, **options)

    def run_to(self, label: str) -> None:
        """Step to an instruction, which must be reached without an exit."""
        while self.state.pc != self.symbols[label]:
            assert self.run(1) == Exit(ExitReason.BUDGET, NUMBER)

    def add_entry(self, index: int, entry_hi: int, entry_lo: int) -> None:
        self.engine.write_tlb_entry(NUMBER, index, entry_hi, entry_lo)


def machine(
    kind: tuple[str, str, str],
    source: str,
    *,
    kernel: bool = False,
    supervised: bool = True,
    memory: PhysicalMemory | None = None,
) -> Machine:
    """A machine of a kind; the program runs in user mode at CODE, or in kernel mode in kseg0."""
    engine, profile, order = kind
    origin = KERNEL + 0x1000 if kernel else CODE
    program = assemble(source, origin, order, profile)
    memory = memory or PhysicalMemory(1 << 16)
    memory.write(0x1000, program.code)
    state = processor(program.entry, user=not kernel, supervised=supervised)
    other = ProcessorState()
    other.reset(0, 0)
    hardware = create(engine, profile, order, memory, [other, state])
    memory.on_write(hardware.memory_changed)
    return Machine(hardware, state, memory, program.symbols)


PAGES = 8


class Guest:
    """A state and a memory, all pages of which may be written in frames from `first` on."""

    def __init__(
        self,
        made: Machine,
        kind: tuple[str, str, str],
        first: int,
        source: str,
        *,
        base: int = CODE,
        user: bool = True,
    ) -> None:
        self.memory = PagedMemory(PAGES * PAGE_SIZE, made.memory)
        for page in range(PAGES):
            self.memory.frames[page] = (first + page) * PAGE_SIZE | FRAME_WRITABLE
        program = assemble(source, base, kind[2], kind[1])
        self.symbols = program.symbols
        self.memory.write(0x1000, program.code)
        self.state = processor(program.entry, user=user)
        self.order = "big" if kind[2] == "big" else "little"
        self.made = made

    def enter(self, window: int | None = None) -> None:
        self.made.engine.replace_processor(NUMBER, self.state, self.memory, window)

    def run(self, cycles: int) -> Exit:
        return self.made.engine.run_processor(NUMBER, self.state.clock + cycles)

    def put(self, address: int, word: int) -> None:
        self.memory.write(address, word.to_bytes(4, self.order))

    def word(self, address: int) -> int:
        return int.from_bytes(self.memory.read(address, 4), self.order)

    def moves(self, page: int, frame: int, *, writable: bool) -> None:
        """A page lies in another frame, with what it had."""
        data = self.memory.read(page * PAGE_SIZE, PAGE_SIZE)
        self.made.memory.write(frame * PAGE_SIZE, data)
        self.memory.frames[page] = frame * PAGE_SIZE | FRAME_WRITABLE * writable
        self.made.engine.page_moved(NUMBER, page)


def host(kind: tuple[str, str, str]) -> Machine:
    """A machine with memory for a few of them."""
    return machine(kind, "nop", memory=PhysicalMemory(64 * PAGE_SIZE))
