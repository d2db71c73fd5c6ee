"""Random programs that go on for ever in loops, so that translations of them are worth making.

Everything is a function of one seed. A program has a main loop of nested loops, functions that it
calls (some of them across the end of a page), jump tables, handlers of exceptions that go on behind
the instruction concerned, and rarely executed pieces that do what a translation must notice: stores
into code, TLB writes, other address spaces, device accesses, interrupts.

Physical pages: 0 is the vectors and handlers, 1 to 5 code, 6 and 7 data, 8 to 12 the same code a
little different, 13 data. Virtual addresses of code equal the physical ones but for the segment.
"""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from kseg.engine import Engine, ProcessorState
from kseg.isa.instruction_set import instruction_set
from kseg.isa.profile import profile_named
from kseg.memory.physical import PhysicalMemory
from tests.engine.random_programs import RAM_SIZE, Machine, random_floating_point
from tests.engine.translator import assembly as a
from tests.engine.translator.assembly import Assembly

CODE = range(1, 6)
DATA = 0x6000
SHADOW = 7
"""How many pages above the code its variation lies."""
ALIAS = 0x10000
"""A second virtual address of all pages, where there is a TLB."""
RESTART = 0x200
TEMPORARIES = (a.V0, a.V1, a.A0, a.A1, a.T0, a.T1, a.T2, a.T3)
COUNTERS = (a.S0, a.S1, a.S2, a.S3)
BASES = (a.GP, a.SP, a.T8)
MMIO = 0xBFE00000
DEVICE_FRAME = 40

_ALU = (0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2A, 0x2B, 0x04, 0x06, 0x07)
_ALU_IMMEDIATE = (8, 9, 9, 9, 10, 11, 12, 13, 14)
_LOADS = (32, 33, 34, 35, 35, 35, 36, 37, 38)
_STORES = (40, 41, 42, 43, 43, 46)
_FLOATING = [
    f"{name}.{letter}"
    for letter in "sd"
    for name in "add sub mul div add sub mul mov abs neg c.olt c.eq c.ngt cvt.w".split()
] + "cvt.s.w cvt.d.w cvt.s.d cvt.d.s cvt.s.d cvt.d.s".split()
_SIZES = {32: 1, 36: 1, 40: 1, 33: 2, 37: 2, 41: 2, 35: 4, 43: 4}


@dataclass(frozen=True)
class Program:
    """Words by physical address, and how a processor begins."""

    words: dict[int, int]
    start: int
    status: int
    tlb: list[tuple[int, int]]


class _Writer:
    """Writes one program."""

    def __init__(self, seed: int, profile: str) -> None:
        self.rng = random.Random(seed)
        self.profile = profile_named(profile)
        self.asm = Assembly()
        rng = self.rng
        self.user = rng.random() < 0.3
        mapped = self.user or rng.random() < 0.4
        self.segment = 0 if mapped else rng.choice((0x80000000, 0x80000000, 0xA0000000))
        self.rarity = rng.choice((1, 3, 7, 15))
        self.trouble = rng.choice((0.0, 0.1, 0.25, 0.4))
        """How likely a piece is one that is rarely executed and seldom harmless."""
        self.labels = 0
        self.functions: list[str] = []
        self.patches: list[str] = []
        self.depth = 0

    def label(self) -> str:
        self.labels += 1
        return f"l{self.labels}"

    def goto(self, physical: int) -> None:
        self.asm.at = self.segment | physical

    def temporary(self) -> int:
        return self.rng.choice(TEMPORARIES) if self.rng.random() < 0.97 else self.rng.randrange(32)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    # Single instructions.

    def computation(self) -> int:
        """One that computes, and now and then traps."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.4:
            function = rng.choice(_ALU)
            return a.register(function, self.temporary(), self.temporary(), self.temporary())
        if kind < 0.75:
            value = rng.choice((rng.randrange(-8, 8), rng.getrandbits(16)))
            opcode = rng.choice(_ALU_IMMEDIATE)
            return a.immediate(opcode, self.temporary(), self.temporary(), value)
        if kind < 0.85:
            function = rng.choice((0, 2, 3))
            return a.register(function, 0, self.temporary(), self.temporary(), rng.randrange(32))
        if kind < 0.9:
            return a.lui(self.temporary(), rng.getrandbits(16))
        if kind < 0.97 or self.profile.early_fetch_faults:
            return a.NOP
        return a.mfc0(self.temporary(), rng.choice((a.STATUS, a.CAUSE, a.EPC, a.BAD_VADDR)))

    def multiplication(self) -> int:
        rng = self.rng
        if self.chance(0.4):
            return a.register(rng.choice((24, 25, 26, 27)), self.temporary(), self.temporary(), 0)
        if self.chance(0.2):
            return a.register(rng.choice((17, 19)), self.temporary(), 0, 0)
        return a.register(rng.choice((16, 18)), 0, 0, self.temporary())

    def access(self) -> int:
        """A load or store, mostly where there is memory and aligned."""
        rng = self.rng
        opcode = rng.choice(_LOADS if self.chance(0.6) else _STORES)
        offset = rng.randrange(0, 64) & -_SIZES.get(opcode, 1)
        if self.chance(self.trouble / 4):
            offset = rng.choice((rng.randrange(64), rng.getrandbits(16)))
        base = rng.choice(BASES) if self.chance(0.99) else self.temporary()
        return a.immediate(opcode, base, self.temporary(), offset)

    def floating_point(self) -> int:
        """Of the floating-point unit: mostly arithmetic, which is mostly left to the host."""
        rng = self.rng
        kind = rng.random()
        t, v, w = (rng.choice((0, 2, 4, 6, 8)) for _ in "tvw")
        if kind < 0.2:
            opcode = rng.choice((0x31, 0x31, 0x39))
            return a.immediate(opcode, rng.choice(BASES), t, 4 * rng.randrange(16))
        if kind < 0.35:
            move = rng.choice((0, 4, 2))
            return 17 << 26 | move << 21 | self.temporary() << 16 | (31 if move == 2 else v) << 11
        if kind < 0.37:
            return 17 << 26 | 6 << 21 | rng.choice((0, *TEMPORARIES)) << 16 | 31 << 11
        name = rng.choice(_FLOATING)
        pattern = instruction_set(self.profile.name).by_name[name].pattern
        fields = {"t": t, "v": v, "w": w}
        return pattern.match | sum(
            field.insert(fields[letter]) for letter, field in pattern.fields.items()
        )

    def plain(self) -> int:
        """Any that is no branch."""
        if self.profile.has_floating_point and self.chance(0.5):
            return self.floating_point()
        kind = self.rng.random()
        if kind < 0.5:
            return self.computation()
        return self.access() if kind < 0.85 else self.multiplication()

    def condition(self) -> int:
        """A conditional branch, without its target."""
        rng = self.rng
        if self.profile.has_floating_point and self.chance(0.4):
            return 0x45000000 | rng.randrange(2) << 16  # bc1f, bc1t
        if self.chance(0.1):
            return rng.choice((a.beq(0, 0), a.bne(0, 0), a.immediate(1, 0, 1, 0)))
        if self.chance(0.5):
            form = rng.choice((a.beq, a.bne))
            return form(self.temporary(), self.temporary())
        if self.chance(0.5):
            return a.immediate(rng.choice((6, 7)), self.temporary(), 0, 0)
        return a.immediate(1, self.temporary(), rng.choice((0, 1, 0, 1, 16, 17)), 0)

    def slot(self) -> int:
        """What stands in a delay slot."""
        return self.rng.choice((a.NOP, self.plain(), self.plain(), self.access()))

    # Pieces.

    def piece(self) -> None:
        """A few instructions."""
        rng = self.rng
        if self.chance(self.trouble):
            self.rarely(rng.choice(self.troubles()))
            return
        kind = rng.random()
        if kind < 0.62:
            self.asm.emit(*(self.plain() for _ in range(rng.randrange(1, 4))))
        elif kind < 0.8:
            around = self.label()
            self.asm.branch(self.condition(), around)
            self.asm.emit(self.slot())
            self.asm.emit(*(self.plain() for _ in range(rng.randrange(0, 4))))
            self.asm.place(around)
        elif kind < 0.9 and self.functions:
            self.call()
        elif kind < 0.94:
            self.jump_table()
        elif kind < 0.95:
            # What several processors disturb each other in.
            asm, base = self.asm, rng.choice(BASES)
            asm.emit(a.lw(a.T3, 0, base), a.NOP, a.addiu(a.T3, a.T3, 1), a.sw(a.T3, 0, base))
        elif kind < 0.96:
            self.patches.append(self.label())
            self.asm.place(self.patches[-1])
            self.asm.emit(self.computation())
        elif self.depth < 3:
            self.loop(rng.randrange(1, 4))

    def call(self) -> None:
        """A call of a function written before this one, directly or through a register."""
        asm, rng, callee = self.asm, self.rng, self.rng.choice(self.functions)
        if self.chance(0.7):
            asm.jump(a.JAL, callee)
        else:
            elsewhere = 0
            if self.chance(0.4) and self.segment == 0:
                elsewhere = rng.choice((ALIAS if self.profile.has_tlb else 0, 0x80000000))
            elif self.chance(0.3) and self.segment:
                elsewhere = 0x20000000
            asm.address(a.T9, callee, elsewhere)
            asm.emit(a.jalr(a.T9))
        asm.emit(self.slot())

    def jump_table(self) -> None:
        """A jump to one of a few places, by the low bits of a register."""
        asm, rng = self.asm, self.rng
        table, end = self.label(), self.label()
        cases = [self.label() for _ in range(rng.choice((2, 4)))]
        asm.emit(a.andi(a.FP, self.temporary(), 4 * (len(cases) - 1)))
        asm.address(a.T9, table)
        asm.emit(a.addu(a.T9, a.T9, a.FP), a.lw(a.T9, 0, a.T9), a.NOP, a.jr(a.T9), self.slot())
        asm.place(table)
        for case in cases:
            asm.word(case)
        for case in cases:
            asm.place(case)
            asm.emit(self.plain())
            if self.chance(0.5):
                asm.branch(a.beq(0, 0), end)
                asm.emit(self.slot())
        asm.place(end)

    def loop(self, pieces: int) -> None:
        """Pieces, a few times over."""
        asm, counter, again = self.asm, COUNTERS[self.depth], self.label()
        asm.emit(a.addiu(counter, 0, self.rng.choice((1, 2, 5, 20, 60))))
        asm.place(again)
        self.depth += 1
        for _ in range(pieces):
            self.piece()
        self.depth -= 1
        asm.emit(a.addiu(counter, counter, -1))
        asm.branch(self.rng.choice((a.bne(counter, 0), a.immediate(7, counter, 0, 0))), again)
        asm.emit(self.rng.choice((a.addiu(a.S7, a.S7, 1), self.slot())))

    def function(self) -> None:
        """Something to call. It keeps ra on a stack if it calls others."""
        asm, name = self.asm, self.label()
        calls = bool(self.functions) and self.chance(0.5)
        asm.place(name)
        if calls:
            asm.emit(a.addiu(a.SP, a.SP, -8), a.sw(a.RA, 64, a.SP))
        else:
            known, self.functions = self.functions, []
        depth, self.depth = self.depth, 2
        for _ in range(self.rng.randrange(1, 4)):
            self.piece()
        self.depth = depth
        if calls:
            asm.emit(a.lw(a.RA, 64, a.SP), a.addiu(a.SP, a.SP, 8))
        else:
            self.functions = known
        asm.emit(a.jr(a.RA), self.slot())
        self.functions.append(name)

    # What a translation must notice.

    def rarely(self, trouble: Callable[[], None]) -> None:
        """Do it every so often."""
        around = self.label()
        self.asm.emit(a.addiu(a.S7, a.S7, 1), a.andi(a.AT, a.S7, self.rarity))
        self.asm.branch(a.bne(a.AT, 0), around)
        self.asm.emit(self.rng.choice((a.NOP, self.computation())))
        trouble()
        self.asm.place(around)

    def troubles(self) -> list[Callable[[], None]]:
        found = [
            self.store_into_code,
            self.store_into_code,
            self.raise_something,
            self.raise_something,
            self.ask_device,
            self.call_nowhere,
            self.write_status,
        ]
        if self.profile.has_tlb:
            found += [self.write_tlb, self.change_space] * (1 if self.segment else 4)
        if self.profile.timer:
            found += [self.set_timer, self.link, self.wait]
        return found

    def store_into_code(self) -> None:
        asm, rng = self.asm, self.rng
        target = rng.choice([*self.patches, *self.functions, f"l{rng.randrange(self.labels) + 1}"])
        offset = rng.choice((0, 0, 0, 4, 8, -4, 64))
        if target not in asm.labels:
            return
        if target in self.patches and offset == 0:
            asm.value(a.T9, self.computation())
            asm.address(a.AT, target)
        else:
            # The same again, which changes nothing but must be noticed all the same.
            asm.address(a.AT, target, offset)
            asm.emit(a.lw(a.T9, 0, a.AT), a.NOP)
        asm.emit(a.sw(a.T9, 0, a.AT))

    def raise_something(self) -> None:
        asm, rng = self.asm, self.rng
        kind = rng.randrange(5)
        if kind == 0:
            asm.emit(rng.choice((a.SYSCALL, a.BREAK, 0xFFFFFFFF, 0x4400_0000)))
        elif kind == 1:
            asm.emit(a.lui(a.AT, 0x7FFF), a.register(0x20, a.AT, a.AT, a.V0))
        elif kind == 2:
            asm.emit(a.lw(rng.choice(TEMPORARIES), rng.choice((1, 2, 3)), a.GP))
        elif kind == 3:
            asm.emit(a.lui(a.AT, 0x40), a.sw(a.V0, 0, a.AT))
        else:
            behind = self.label()
            asm.branch(a.beq(0, 0), behind)
            asm.emit(rng.choice((a.SYSCALL, a.sw(a.V0, 2, a.GP), a.lw(a.V0, 1, a.GP))))
            asm.place(behind)

    def ask_device(self) -> None:
        asm, rng = self.asm, self.rng
        asm.emit(a.lui(a.AT, MMIO >> 16 if not self.user else 0))
        offset = 0xD000 - 0x10000 if self.user else rng.choice((0, 4, 8))
        asm.emit(a.immediate(rng.choice((*_LOADS, *_STORES)), a.AT, self.temporary(), offset))

    def call_nowhere(self) -> None:
        """Jump to an address that is misaligned or where there is nothing."""
        asm, rng = self.asm, self.rng
        asm.value(a.AT, rng.choice((0x80004FFE, 0x80000001, 0x00500000, 0xE0000000, 0x90000000)))
        asm.emit(rng.choice((a.jr(a.AT), a.jalr(a.AT))), self.slot())

    def write_status(self) -> None:
        """Interrupts on or off, or for a while a data cache that is isolated."""
        asm, rng = self.asm, self.rng
        asm.emit(a.mfc0(a.AT, a.STATUS), a.NOP)
        if self.profile.status_fatal or self.chance(0.7):
            asm.emit(rng.choice((a.ori(a.AT, a.AT, 0xFF01), a.immediate(14, a.AT, a.AT, 0x2401))))
            asm.emit(a.mtc0(a.AT, a.STATUS))
        else:
            asm.emit(a.lui(a.T9, 1), a.register(0x25, a.AT, a.T9, a.T9), a.mtc0(a.T9, a.STATUS))
            asm.emit(*(self.access() for _ in range(3)))
            asm.emit(a.mtc0(a.AT, a.STATUS))

    def write_tlb(self) -> None:
        """Map a page, perhaps the present one, to the variation of its code, or to nothing."""
        asm, rng = self.asm, self.rng
        page = rng.choice((*CODE, *CODE, 6, 7, 13))
        space = rng.randrange(2)
        frame = rng.choice((page, page, page + SHADOW if page in CODE else page))
        flags = rng.choice((0xF00, 0xE00, 0x600, 0x600, 0x200, 0x400, 0))
        if self.profile.duplicate_tlb_is_fatal:
            flags &= 0xE00
        asm.emit(a.mfc0(a.FP, a.ENTRY_HI))
        asm.value(a.AT, (space * 16 + page) << 8)
        asm.emit(a.mtc0(a.AT, a.INDEX))
        asm.value(a.AT, page << 12 | space << 6)
        asm.emit(a.mtc0(a.AT, a.ENTRY_HI))
        asm.value(a.AT, frame << 12 | flags)
        asm.emit(a.mtc0(a.AT, a.ENTRY_LO), self.rng.choice((a.TLBWI,) * 9 + (a.TLBWR,)))
        asm.emit(a.mtc0(a.FP, a.ENTRY_HI))

    def change_space(self) -> None:
        asm = self.asm
        asm.emit(a.mfc0(a.AT, a.ENTRY_HI), a.NOP)
        asm.emit(a.immediate(14, a.AT, a.AT, 0x40), a.mtc0(a.AT, a.ENTRY_HI))

    def set_timer(self) -> None:
        self.asm.emit(a.addiu(a.AT, 0, self.rng.randrange(20, 500)), a.mtc0(a.AT, a.COMPARE))

    def link(self) -> None:
        self.asm.emit(a.immediate(48, a.GP, a.V0, 0), a.immediate(56, a.GP, a.V1, 0))

    def wait(self) -> None:
        self.asm.emit(a.WAIT)

    # The whole.

    def handlers(self) -> None:
        """What goes on behind the instruction that raised an exception."""
        asm = self.asm
        asm.at = 0x80000000
        asm.jump(a.J, "refill" if self.chance(0.5) and self.profile.has_tlb else "general")
        asm.emit(a.NOP)
        asm.at = 0x80000080
        asm.jump(a.J, "general")
        asm.emit(a.NOP)
        asm.at = 0x80000000 | RESTART
        asm.place("general")
        asm.emit(a.mfc0(a.K0, a.EPC), a.mfc0(a.K1, a.CAUSE), a.mfc0(a.AT, a.BAD_VADDR), a.NOP)
        asm.branch(a.beq(a.K0, a.AT), "restart")
        asm.emit(a.andi(a.AT, a.K1, 0x7C))
        asm.branch(a.beq(a.AT, 0), "interrupt")
        asm.emit(a.addiu(a.AT, a.AT, -(6 << 2)))
        asm.branch(a.beq(a.AT, 0), "restart")
        asm.emit(a.NOP)
        if self.segment == 0 and self.chance(0.5):
            # System calls change between user and kernel mode.
            asm.emit(a.addiu(a.AT, a.AT, -8))
            asm.branch(a.bne(a.AT, 0), "skip")
            asm.emit(a.NOP, a.mfc0(a.AT, a.STATUS), a.NOP, a.immediate(14, a.AT, a.AT, 8))
            asm.emit(a.mtc0(a.AT, a.STATUS))
        asm.place("skip")
        asm.branch(a.immediate(1, a.K1, 0, 0), "in_slot")
        asm.emit(a.addiu(a.K0, a.K0, 4))
        asm.emit(a.jr(a.K0), a.RFE)
        asm.place("in_slot")
        asm.emit(a.addiu(a.K0, a.K0, 4), a.jr(a.K0), a.RFE)
        asm.place("interrupt")
        asm.emit(a.mfc0(a.K1, a.STATUS), a.addiu(a.AT, 0, -(0x2405 & -self.rng.randrange(2)) - 1))
        asm.emit(a.register(0x24, a.K1, a.AT, a.K1), a.mtc0(a.K1, a.STATUS))
        if self.profile.timer:
            asm.emit(a.addiu(a.K1, 0, self.rng.randrange(100, 900)), a.mtc0(a.K1, a.COMPARE))
        asm.emit(a.NOP, a.jr(a.K0), a.RFE)
        asm.place("restart")
        if self.profile.has_tlb and self.segment == 0:
            self._map_code_again()
        asm.address(a.K0, "main")
        asm.emit(a.mfc0(a.K1, a.STATUS), a.addiu(a.AT, 0, -0xD))
        asm.emit(a.register(0x24, a.K1, a.AT, a.K1))
        asm.emit(a.ori(a.K1, a.K1, 0xC if self.user else 4), a.mtc0(a.K1, a.STATUS))
        asm.emit(a.NOP, a.jr(a.K0), a.RFE)
        self._refill()

    def _map_code_again(self) -> None:
        """Map the code of the first address space as it was, or the program would be over."""
        asm = self.asm
        for page in CODE:
            asm.emit(a.addiu(a.AT, 0, page << 8), a.mtc0(a.AT, a.INDEX))
            asm.emit(a.addiu(a.AT, 0, page << 12), a.mtc0(a.AT, a.ENTRY_HI))
            asm.emit(a.ori(a.AT, a.AT, 0x600), a.mtc0(a.AT, a.ENTRY_LO), a.TLBWI)
        asm.emit(a.mtc0(0, a.ENTRY_HI))

    def _refill(self) -> None:
        """Map the page that was missing to the frame of the same number, if it is one of these."""
        asm = self.asm
        asm.place("refill")
        asm.emit(a.mfc0(a.K0, a.BAD_VADDR), a.NOP, a.register(2, 0, a.K0, a.K1, 16))
        asm.branch(a.bne(a.K1, 0), "general")
        asm.emit(a.register(2, 0, a.K0, a.K0, 12))
        asm.emit(a.register(0, 0, a.K0, a.K0, 12), a.ori(a.K0, a.K0, 0x600), a.mfc0(a.K1, a.EPC))
        asm.emit(a.mtc0(a.K0, a.ENTRY_LO), a.NOP, a.TLBWR, a.jr(a.K1), a.RFE)

    def main(self) -> None:
        asm, rng = self.asm, self.rng
        asm.place("main")
        segment = self.segment or rng.choice((0, 0 if self.user else 0x80000000))
        for base, offset in zip(BASES, (0, 0x800, 0xFE0), strict=True):
            asm.value(base, segment | DATA + offset)
        again = self.label()
        asm.place(again)
        for _ in range(rng.randrange(1, 4)):
            if self.chance(0.7):
                self.loop(rng.randrange(1, 6))
            else:
                self.piece()
        asm.jump(a.J, again)
        asm.emit(self.slot())

    def write(self) -> Program:
        """All of it."""
        rng = self.rng
        self.goto(0x4FFC)
        self.functions.append("last")
        self.asm.place("last")
        self.asm.emit(self.computation(), self.computation(), a.jr(a.RA), self.slot())
        for place in (0x4800, 0x2C00, 0x4000 - 4 * rng.randrange(1, 24), 0x0800):
            self.goto(place)
            self.function()
        if self.chance(0.5):
            self.goto(0x3800 + 4 * rng.randrange(16))
            self.function()
        self.goto(rng.choice((0x1000, 0x2000 - 4 * rng.randrange(1, 48))))
        self.main()
        self.handlers()
        words = {at & 0x1FFFFFFF: word for at, word in self.asm.words.items()}
        for at, word in list(words.items()):
            if at >> 12 in CODE:
                other = self.computation() if self._may_vary(word) and self.chance(0.1) else word
                words[at + SHADOW * 4096] = other
        status = (2 if self.user else 0) | rng.choice((0x0401, 0xFF01, 0, 0x10000401))
        return Program(words, self.asm.labels["main"], status, self._tlb())

    def _may_vary(self, word: int) -> bool:
        return word >> 26 in _ALU_IMMEDIATE and word >> 16 & 31 in TEMPORARIES

    def _tlb(self) -> list[tuple[int, int]]:
        """Pages at their own addresses in two address spaces, and once more for both."""
        rng = self.rng
        found = []
        for space in range(2):
            for page in range(16):
                frame = DEVICE_FRAME if page == 13 else page
                if space and page in CODE and self.chance(0.3):
                    frame = page + SHADOW
                flags = rng.choice((0x600, 0x600, 0x600, 0x600, 0x200)) if page < 14 else 0
                found.append((page << 12 | space << 6, frame << 12 | flags))
        found += [(ALIAS + (page << 12), page << 12 | 0x700) for page in range(16)]
        return found


def loopy_program(seed: int, profile: str) -> Program:
    """The program of a seed."""
    return _Writer(seed, profile).write()


Make = Callable[[PhysicalMemory, list[ProcessorState]], Engine]
"""How a test makes the engine."""


def loopy_machine(
    make: Make, profile: str, byte_order: str, seed: int, processors: int = 1
) -> Machine:
    """The machine of a seed: the same for every engine."""
    program = loopy_program(seed, profile)
    memory = PhysicalMemory(RAM_SIZE)
    order = ">" if byte_order == "big" else "<"
    rng = random.Random(seed)
    memory.write(DATA, rng.randbytes(0x2000))
    for at, word in program.words.items():
        memory.write(at, struct.pack(f"{order}I", word))
    states = []
    for number in range(processors):
        state = ProcessorState()
        state.reset(status=program.status, pc=program.start)
        state.enabled = 1
        state.identity = number
        state.entry_hi = 0
        for register in TEMPORARIES:
            state.gpr[register] = rng.choice((rng.getrandbits(32), rng.randrange(16)))
        if profile_named(profile).has_floating_point:
            random_floating_point(rng, state)
        if profile_named(profile).has_tlb:
            for entry, (high, low) in enumerate(program.tlb):
                state.tlb_entry_hi[entry], state.tlb_entry_lo[entry] = high, low
        states.append(state)
    return Machine(make(memory, states), memory)
