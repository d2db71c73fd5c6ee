"""Random kernels: a fixed skeleton with random services, page tables, programs and periods.

Everything is a function of one seed. A kernel is for the board system161 with one processor, 256K
of RAM, a serial card in slot 0, the random source in slot 28 and the timer in slot 29. It runs four
programs in four address spaces until all have ended, prints "done" and switches off; what a random
piece makes of that is part of the game, so a run of one has a limit.

A *plain* kernel does nothing in which the address that it is linked at shows. It can also be linked
at WINDOW, where a monitor that runs guest kernels in user mode shows them physical memory
(docs/cms.md).
"""

import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kseg.isa.assembler import Program, assemble
from tests.monitor.kernel_pieces import REFILLS, KernelPieces
from tests.monitor.user_pieces import UserPieces

KSEG0, WINDOW = 0x80000000, 0x40000000
PROGRAMS = range(4)
SERVICES = 16
SKELETON = (Path(__file__).parent / "kernel_skeleton.s").read_text()

TABLES, DATA, FRAMES_OF_PROGRAMS = 0x10000, 0x14000, 0x20000
SAVED = [number for number in range(1, 32) if number not in (26, 27)]
"""The registers in a frame: all but k0 and k1."""


@dataclass(frozen=True)
class RandomKernel:
    """A kernel's source, but for where it is linked."""

    seed: int
    body: str

    def source(self, window: bool = False) -> str:
        """The whole source, for `kseg asm`."""
        base = WINDOW if window else KSEG0
        uncached = WINDOW if window else 0xA0000000
        devices = 0x5FE00000 if window else 0xBFE00000
        places = (("KBASE", base), ("UNCACHED", uncached), ("DEVICES", devices))
        return "".join(f".equ {name}, {value:#x}\n" for name, value in places) + self.body

    @cached_property
    def program(self) -> Program:
        """Linked in kseg0."""
        return assemble(self.source(), KSEG0)

    @cached_property
    def window_program(self) -> Program:
        """Linked in the window."""
        return assemble(self.source(window=True), WINDOW)


def random_kernel(seed: int, plain: bool = False) -> RandomKernel:
    """The kernel of a seed."""
    rng = random.Random(seed)
    pieces = KernelPieces(rng, plain)
    for number in range(3, SERVICES):
        pieces.routine(f"service{number}", rng.randrange(1, 6))
    for name in ("on_break", "on_reserved", "on_overflow"):
        pieces.routine(name, rng.randrange(0, 3))
    programs = [UserPieces(rng, number, plain) for number in PROGRAMS]
    texts = [program.write() for program in programs]
    code = "\n".join(pieces.lines)
    for number, program in enumerate(programs):
        targets = [*program.patchable, f"u{number}_entry"]
        while f"{{user{number}}}" in code:
            code = code.replace(f"{{user{number}}}", rng.choice(targets), 1)
    refills = REFILLS[:2] if plain else REFILLS
    parts = [
        f".equ FIRST_REFILL, {rng.choice(refills)}",
        f".equ TICK, {rng.randrange(150, 4000)}",
        _skeleton(rng, plain),
        code,
        *(_table(rng, number) for number in PROGRAMS),
        _data(rng),
    ]
    for number, text in enumerate(texts):
        parts += [f".org KBASE + {FRAMES_OF_PROGRAMS + 0x2000 * number:#x}", text]
    parts.append(f".org KBASE + {0x28000:#x}")
    parts += [f".word {rng.getrandbits(32):#x}" for _ in range(64)]
    return RandomKernel(seed, "\n".join(parts) + "\n")


def _skeleton(rng: random.Random, plain: bool) -> str:
    """The fixed part, with what it has in capital letters written out."""
    text = SKELETON
    save = "\n".join(f"sw ${n}, {4 * n}(k1)" for n in SAVED)
    restore = "\n".join(f"lw ${n}, {4 * n}(k1)" for n in SAVED)
    boot = [f"li t0, {rng.randrange(300, 5000)}", "mtc0 t0, $11"] if rng.random() < 0.7 else []
    if rng.random() < 0.7:
        boot += ["li t9, TIMER", f"li t1, {rng.randrange(20, 200)}", "li t0, 1"]
        # After a wait the timer's interrupts come in time; the first burst is a long one.
        boot += ["sw t0, 8(t9)", "sw t1, 16(t9)", "wait"]
    note = []
    if plain:
        note = ["lw t2, checksum", "nop"]
        for number in (*range(2, 26), 32, 33):
            note += [
                f"lw t3, {4 * number}(fp)",
                "sll t4, t2, 5",
                "addu t2, t2, t4",
                "addu t2, t2, t3",
            ]
        note += ["sw t2, checksum"]
    for name, lines in (("NOTE", note), ("SAVE", [save]), ("RESTORE", [restore])):
        text = text.replace(f"        {name}_REGISTERS\n", "\n".join(lines) + "\n")
    return text.replace("        BOOT\n", "\n".join(boot) + "\n")


def _table(rng: random.Random, number: int) -> str:
    """The page table of a program, and what its pages may become."""
    own = 0x20 + 2 * number
    uncached = rng.choice((0, 0x800))
    final = {
        1: own << 12 | rng.choice((0x200, 0x600)),
        2: own + 1 << 12 | 0x600 | uncached,
        3: 0x28 + number << 12 | 0x600 | uncached,
        4: 0x2C << 12 | 0x600,
        5: own << 12 | 0x600,
        6: 0x2E << 12 | 0x200,
        7: 0x2F << 12 | rng.choice((0x200, 0x600)),
        8: 0x03000000 | 0x600,
        9: 0x1FFD0000 | rng.choice((0xA00, 0xA00, 0x200)),
        12: 0x2D << 12 | 0x700,
        13: 0x28 + rng.randrange(4) << 12 | 0x600,
    }
    first = {}
    for page, entry in final.items():
        kind = rng.random()
        if kind < 0.5:
            first[page] = entry
        elif kind < 0.75:
            first[page] = entry & ~0x400
        else:
            first[page] = entry & ~0x200 if kind < 0.9 or page == 12 else 0
    final.pop(8 if rng.random() < 0.5 else 6)
    lines = [f".org KBASE + {TABLES + 0x1000 * number:#x}"]
    if number == 0:
        lines.append("tables:")
    lines += [f".word {first.get(page, 0):#x}" for page in range(64)]
    lines.append(f".org KBASE + {TABLES + 0x1000 * number + 0x800:#x}")
    lines += [f".word {final.get(page, 0):#x}" for page in range(64)]
    return "\n".join(lines)


def _data(rng: random.Random) -> str:
    """The kernel's variables, the handlers, and the programs' frames."""
    handlers = ["interrupt", "tlb_fault", "tlb_fault", "tlb_fault", "skip", "skip", "skip", "skip"]
    handlers += ["system_call", "on_break", "on_reserved", "skip", "on_overflow"]
    services = ["end_program", "yield", "print", *(f"service{n}" for n in range(3, SERVICES))]
    lines = [f".org KBASE + {DATA:#x}"]
    variables = {"turn": rng.randrange(64) << 8, "current": 0, "alive": 15, "resched": 0}
    variables |= {"fixup": 0, "ticks": rng.randrange(5, 40), "table": "tables", "frame": "frames"}
    variables |= {"kernel_stack": "frames", "checksum": 0}
    lines += [f"{name}: .word {value}" for name, value in variables.items()]
    lines.append("asids: " + f".word {', '.join(str(n << 6) for n in rng.sample(range(64), 4))}")
    lines.append(f"handlers: .word {', '.join(handlers + ['skip'] * 19)}")
    lines.append(f"services: .word {', '.join(services)}")
    lines.append("scratch: .space 128")
    lines.append(f".org KBASE + {DATA + 0x3000:#x}")
    lines.append("frames:")
    for number in PROGRAMS:
        registers = [rng.choice((rng.getrandbits(32), rng.randrange(64))) for _ in range(32)]
        bases = {28: 0x3000, 29: 0x4000, 17: 0x7000, 18: 0xC000, 19: 0x80000000, 21: 0x6000}
        for register, value in bases.items():
            registers[register] = value + (16 * rng.randrange(64) if value < KSEG0 else 0)
        registers[22] = rng.choice((0xA000, 0xF000, 0x00555000))
        registers[23] = 0x7FFFFFFF
        status = rng.choice((0xFF0C, 0xFF0C, 0x1000FF0C, 0x7F0C, 0x0408, 0xFF0C))
        entry = f"(u{number}_entry - u{number}) + 0x1000"
        words = [*(f"{value:#x}" for value in registers), "0", "0", f"{status:#x}", "0", entry]
        lines.append(f".org KBASE + {DATA + 0x3000 + 0x100 * number:#x}")
        lines.append(f".word {', '.join(words)}")
    return "\n".join(lines)
