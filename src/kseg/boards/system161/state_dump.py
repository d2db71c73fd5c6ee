"""The whole machine as text: what the trace card's dump register writes, in System/161's words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kseg.boards.system161.cards import CONTROLLERS
from kseg.boards.system161.interrupts import LAMEBUS_LINE, PROCESSOR_LINE
from kseg.boards.system161.meter import REPORT
from kseg.devices.disk import COPIED_IN, COPIED_OUT, ROTATED
from kseg.devices.hex_dump import hex_dump
from kseg.engine.state import TLB_SIZE, ProcessorState
from kseg.isa.exceptions import DESCRIPTIONS
from kseg.machine.clock import SECOND
from kseg.machine.event_queue import Event
from kseg.machine.statistics import activity_line, processor_line, processor_statistics

if TYPE_CHECKING:
    from kseg.boards.system161.board import System161

TRACES = {
    "k": "kinsn", "u": "uinsn", "j": "jump", "t": "tlb", "x": "exn", "i": "irq",
    "d": "disk", "n": "net", "e": "emufs",
}  # fmt: skip

EVENTS = {
    ("mainboard", "power off"): "poweroff",
    ("timer", "expired"): "timer",
    ("serial", "sent"): "serial write",
    ("serial", "received"): "serial read",
    ("nic", "send"): "packet send",
    ("nic", "keep alive"): "net keepalive",
    ("emufs", "done"): "emufs",
    ("disk", "seek"): "disk seek",
    ("meter", REPORT): REPORT,
}
"""What is pending, by the kind of its owner and its name."""

DISK_PROGRESS = {
    COPIED_IN: "disk cache write",
    ROTATED: "disk rotation",
    COPIED_OUT: "disk cache read",
}


def dump(board: "System161") -> Iterator[str]:
    """Lines, while a register access by `board.bus.asking_processor` is being answered."""
    yield f"mainloop: shutoff_flag {int(board.state.powered_off)} stopped_in_debugger 0"
    if board.trace_flags:
        names = " ".join(name for flag, name in TRACES.items() if flag in board.trace_flags)
        yield f"Tracing enabled: {names} "
    listening = f"listening at {board.debugger_at}" if board.debugger_at else "not listening"
    yield f"gdb support: not active, {listening}"
    clock = board.clock
    total = clock.run_cycles + clock.idle_cycles
    yield f"{total} cycles ({clock.run_cycles} run, {clock.idle_cycles} global-idle)"
    for processor in board.processors:
        statistics = processor_statistics(processor)
        # The cycle of the access itself has begun.
        asks = processor.identity == board.bus.asking_processor
        yield processor_line(statistics, extra_kernel_cycles=int(asks))
    yield activity_line([processor_statistics(each) for each in board.processors], board.activity)
    seconds, nanoseconds = divmod(clock.now, SECOND)
    start_seconds, start_nanoseconds = clock.start
    yield (
        f"clock: {seconds}.{nanoseconds:09d} secs elapsed"
        f" (start at {start_seconds}.{start_nanoseconds:09d})"
    )
    if not clock.pending:
        yield "clock: No events pending"
    for event in clock.pending:
        yield f"clock: at {event.due:12d}: {_event(event)}"
    yield f"{len(board.processors)} cpus: MIPS r3000"
    for processor in board.processors:
        yield from dump_processor(processor, processor.identity == board.bus.asking_processor)
    for card in board.bus.cards:
        yield f"************ Slot {card.slot} ************"
        yield from card.describe()
    yield "RAM:"
    yield from hex_dump(board.memory.read(0, board.memory.ram.size))


def _event(event: Event) -> str:
    kind = event.owner.partition("@")[0]
    if (kind, event.name) == ("disk", "progress"):
        return DISK_PROGRESS.get(event.argument, "disk")
    if kind in CONTROLLERS:
        kind = "mainboard"
    return EVENTS.get((kind, event.name), f"{event.owner} {event.name}")


def dump_processor(cpu: ProcessorState, executing: bool) -> Iterator[str]:
    """One processor's registers and TLB; `executing`: it is in the middle of an instruction."""
    yield f"cpu {cpu.identity}:"
    for row in range(0, 32, 4):
        yield (
            "".join(
                f"r{number}: {' ' if number < 10 else ''}0x{cpu.gpr[number]:08x}  "
                for number in range(row, row + 4)
            )
            + " "
        )
    pc = cpu.pc
    if executing:
        pc = cpu.next_pc if cpu.in_delay_slot else pc + 4
    after = cpu.next_pc if cpu.in_delay_slot and not executing else pc + 4
    yield (
        f"lo:  0x{cpu.lo:08x}  hi:  0x{cpu.hi:08x}  pc:  0x{pc & 0xFFFFFFFF:08x}"
        f"  npc: 0x{after & 0xFFFFFFFF:08x}"
    )
    for number in range(TLB_SIZE):
        blank = " " if number < 10 else ""
        entry = dump_tlb_entry(cpu.tlb_entry_hi[number], cpu.tlb_entry_lo[number])
        yield f"TLB: index {number}, {blank}{entry}"
    yield f"TLB: tlbhi/lo, {dump_tlb_entry(cpu.entry_hi, cpu.entry_lo)}"
    failed = "[last probe failed]" if cpu.index & 0x80000000 else ""
    yield f"tlb index: {cpu.index >> 8 & 0x3F} {failed}"
    yield f"tlb random: {8 + (cpu.clock - cpu.random_origin + 55) % 56}"
    yield f"Status register: {_status(cpu.status)}"
    yield f"Cause register: {_cause(cpu)}"
    yield f"VAddr register: 0x{cpu.bad_vaddr:08x}"
    yield f"Context register: 0x{cpu.context:08x}"
    yield f"EPC register: 0x{cpu.epc:08x}"


def dump_tlb_entry(high: int, low: int) -> str:
    """One TLB entry, without its number."""
    process = high >> 6 & 0x3F
    space = "global, " if low & 0x100 else f"pid {process}, {' ' if process < 10 else ''}"
    flags = _letters(low, (0x200, "V"), (0x400, "D"), (0x800, "N"))
    return f"vpn 0x{high & 0xFFFFF000:08x}, {space}ppn 0x{low & 0xFFFFF000:08x} ({flags})"


def _letters(word: int, *letters: tuple[int, str]) -> str:
    return "".join(letter if word & bit else "-" for bit, letter in letters)


def _status(status: int) -> str:
    units = _letters(status, (1 << 31, "3"), (1 << 30, "2"), (1 << 29, "1"), (1 << 28, "0"))
    vectors = _letters(status, (1 << 22, "B"))
    mask = _letters(
        status, (1 << 15, "H"), (1 << 14, "h"), (1 << 13, "h"), (1 << 12, "h"), (1 << 11, "H"),
        (1 << 10, "H"), (1 << 9, "S"), (1 << 8, "S"),
    )  # fmt: skip
    stack = _letters(status, (32, "U"), (16, "I"), (8, "U"), (4, "I"), (2, "U"), (1, "I"))
    return f"{units}-----{vectors}------{mask}--{stack}"


def _cause(cpu: ProcessorState) -> str:
    code = cpu.cause >> 2 & 0x1F
    lines = cpu.interrupt_lines
    name = DESCRIPTIONS[code] if code < len(DESCRIPTIONS) else "???"
    return (
        f"{'B' if cpu.cause >> 31 else '-'} {cpu.cause >> 28 & 3}"
        f" {'H' if cpu.timer_line else '-'}---"
        f"{_letters(lines, (PROCESSOR_LINE, 'H'), (LAMEBUS_LINE, 'H'))}"
        f"{_letters(cpu.cause, (0x200, 'S'), (0x100, 'S'))} {code} [{name}]"
    )
