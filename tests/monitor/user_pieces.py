"""Random pieces of user programs, as assembly text: computation, and what makes the kernel act.

Pages of every program: 1 and 2 its code, 3 data, 4 data shared by all, 5 the first page of its
code, to be written, 6 read only, 7 invalid until used, 8 where there is no memory, 9 the timer
card, 12 shared by all and global.
"""

import random
from collections.abc import Callable

TEMPORARIES = "v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7".split()
BASES = ("gp", "sp", "s1", "s2")
"""Registers that programs keep: addresses in pages 3, 4, 7 and 12."""

PRIVILEGED = (
    *(f"mfc0 t0, ${number}" for number in (0, 1, 2, 4, 8, 9, 10, 11, 12, 13, 14, 15)),
    *(f"mtc0 t0, ${number}" for number in (0, 2, 10, 12, 13)),
    *("tlbr tlbwi tlbwr tlbp rfe wait".split()),
    ".word 0xbc000000",  # cache
)
UNUSABLE = (".word 0x44000000", ".word 0x48000000", ".word 0x4c000000", "lwc1 $f2, 0(gp)")
UNUSABLE_ZERO = (".word 0x40400000", ".word 0x41000004")
RESERVED = (".word 0xffffffff", ".word 0x0000003f", ".word 0x70000000", ".word 0x04ff0000")
PATCHES = ("addiu t0, t0, 5", "xor t1, t1, t0", "break 9", "lw t2, 0(gp)", "nop", "mfhi t3")
STRANGE = (0x80000000, 0x80000080, 0xA0020000, 0xBFC00000, 0xC0000000, 0xC4000000, 0xFFFFF000)
FAR = (0x7FFFFFFC, 0x40000000, 0x5FE00000)


class UserPieces:
    """Writes one program."""

    def __init__(self, rng: random.Random, number: int, plain: bool) -> None:
        self.rng = rng
        self.name = f"u{number}"
        self.plain = plain
        self.lines: list[str] = []
        self.labels = 0
        self.patchable: list[str] = []

    def emit(self, *lines: str) -> None:
        self.lines += lines

    def label(self) -> str:
        self.labels += 1
        return f"{self.name}_{self.labels}"

    def register(self) -> str:
        return self.rng.choice(TEMPORARIES)

    def address_of(self, label: str) -> str:
        """An expression for the virtual address of a label in the program."""
        return f"({label} - {self.name}) + 0x1000"

    # Single instructions.

    def computation(self) -> str:
        rng, register = self.rng, self.register
        kind = rng.random()
        if kind < 0.5:
            name = rng.choice("addu subu and or xor nor slt sltu sllv srlv srav".split())
            return f"{name} {register()}, {register()}, {register()}"
        if kind < 0.8:
            name = rng.choice("addiu slti sltiu".split())
            return f"{name} {register()}, {register()}, {rng.randrange(-200, 200)}"
        if kind < 0.9:
            return f"{rng.choice(('sll', 'sra'))} {register()}, {register()}, {rng.randrange(32)}"
        return f"lui {register()}, {rng.getrandbits(16)}"

    def access(self) -> str:
        """A load or store in the program's data."""
        rng = self.rng
        name, size = rng.choice(
            (
                *[("lb", 1), ("lbu", 1), ("lh", 2), ("lw", 4), ("lw", 4), ("lwl", 1), ("lwr", 1)],
                *[("sb", 1), ("sh", 2), ("sw", 4), ("sw", 4), ("swl", 1), ("swr", 1)],
            )
        )
        return f"{name} {self.register()}, {rng.randrange(0, 64, size)}({rng.choice(BASES)})"

    def plainly(self) -> str:
        return self.computation() if self.rng.random() < 0.6 else self.access()

    def trap(self) -> str:
        """One instruction that raises an exception."""
        rng = self.rng
        kinds: list[Callable[[], str]] = [
            lambda: "syscall",
            lambda: f"break {rng.randrange(8)}",
            lambda: "add t0, s7, s7",  # s7 is the largest number
            lambda: "addi t0, s7, 1",
            lambda: rng.choice(RESERVED),
            lambda: rng.choice(PRIVILEGED),
            lambda: rng.choice(PRIVILEGED),
            lambda: rng.choice(UNUSABLE),
            lambda: rng.choice(UNUSABLE_ZERO),
            lambda: f"lw t1, {rng.choice((1, 2, 3))}(gp)",
            lambda: f"sh t1, {rng.choice((1, 3))}(sp)",
            lambda: f"{rng.choice(('lw', 'sw'))} t1, {4 * rng.randrange(8)}(s3)",  # s3: strange
            lambda: f"sw t1, {4 * rng.randrange(8)}(s5)",  # s5: read only
            lambda: f"{rng.choice(('lb', 'sw', 'll'))} t1, {4 * rng.randrange(8)}(s6)",  # nothing
        ]
        return rng.choice(kinds)()

    # Pieces.

    def compute(self) -> None:
        self.emit(*(self.plainly() for _ in range(self.rng.randrange(1, 5))))

    def multiply(self) -> None:
        rng = self.rng
        self.emit(f"{rng.choice('mult multu div divu'.split())} {self.register()}, t0")
        if rng.random() < 0.3:
            self.emit(f"{rng.choice(('mthi', 'mtlo'))} {self.register()}")
        self.emit(*(["nop"] * rng.randrange(3)))
        self.emit(f"{rng.choice(('mfhi', 'mflo'))} {self.register()}", f"mflo {self.register()}")

    def call(self) -> None:
        rng = self.rng
        number = rng.choice((1, 2, 2, *range(3, 16), *range(3, 16)))
        self.emit(f"li a0, {rng.getrandbits(16)}", f"li v0, {number}", "syscall")

    def raise_plainly(self) -> None:
        if self.rng.random() < 0.4:
            self.choose_strange()
        self.emit(self.trap())

    def choose_strange(self) -> None:
        """Another kernel address, or a far one, in s3."""
        places = STRANGE if self.plain else STRANGE + FAR
        self.emit(f"li s3, {self.rng.choice(places):#x}")

    def raise_in_slot(self) -> None:
        """An exception in a delay slot; the handler goes on behind the slot."""
        rng, behind = self.rng, self.label()
        branch = rng.choice(
            ("b {}", "beqz zero, {}", "bne s7, zero, {}", "bgezal zero, {}", "bltz zero, {}")
        )
        slot = self.trap() if rng.random() < 0.7 else self.access()
        self.emit("li v0, 1", branch.format(behind), slot)
        if rng.random() < 0.5:
            self.emit(self.computation())
        self.emit(f"{behind}:")

    def jump(self) -> None:
        """To somewhere in the program through a register, or to where nothing is."""
        rng, behind = self.rng, self.label()
        if rng.random() < 0.5:
            self.emit(f"li t9, {self.address_of(behind)}", rng.choice(("jr t9", "jalr t9")))
        elif rng.random() < 0.5:
            self.emit(f".word 0x08000000 | (({self.address_of(behind)}) >> 2)")
        else:
            places = (0x1002, 0xA000, 0x8000, 0x13000, *STRANGE, *(() if self.plain else FAR))
            self.emit(f"li t9, {rng.choice(places):#x}", rng.choice(("jr t9", "jalr t9")))
        self.emit(self.plainly(), f"{behind}:")

    def link(self) -> None:
        base, between = (
            self.rng.choice(BASES),
            self.rng.choice(("nop", "syscall", "addu t1, t0, t1")),
        )
        self.emit("li v0, 1", f"ll t0, 8({base})", between, f"sc t1, 8({base})", "sync")

    def modify(self) -> None:
        """Store another instruction into the program, through its second address."""
        rng = self.rng
        target = self.label()
        offset = f"({target} - {self.name})"
        word = f"{self.name}_w{rng.randrange(len(PATCHES))}"
        # Only the first page has the second address; elsewhere this stores into nothing.
        self.emit(f"li t9, {offset} + 0x5000", f"li t8, {self.address_of(word)}", "lw t8, 0(t8)")
        self.emit(
            "nop", "sw t8, 0(t9)", *(["nop"] * rng.randrange(2)), f"{target}: addiu t0, t0, 1"
        )
        self.patchable.append(target)

    def look_at_timer(self) -> None:
        """A device's registers in user space."""
        offset = self.rng.choice((0, 4, 8, 12, 16))
        self.emit("li t9, 0x9000", f"{self.rng.choice(('lw', 'lw', 'lb'))} t2, {offset}(t9)")

    def touch(self) -> None:
        """A page, perhaps far away: all addresses are the same modulo 4 MiB."""
        rng = self.rng
        page = rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 12, 13, 63, 64))
        high = rng.choice((0, 0, 0, 1, 2, 3, 17, 200))
        self.emit(f"li t9, {(high << 22 | page << 12 | rng.randrange(0, 4096, 4)):#x}")
        self.emit(f"{rng.choice(('lw', 'lbu', 'sw'))} {self.register()}, 0(t9)")

    def loop(self) -> None:
        """Long enough, now and then, for an interrupt to come anywhere in it."""
        again, around = self.label(), self.label()
        self.emit(f"li t8, {self.rng.choice((3, 20, 60, 120))}", f"{again}:", *self._body())
        if self.rng.random() < 0.5:
            self.emit(f"beq t0, t1, {around}", self.plainly(), *self._body(), f"{around}:")
        self.emit("addiu t8, t8, -1", f"bnez t8, {again}", self.plainly())

    def _body(self) -> list[str]:
        return [self.plainly() for _ in range(self.rng.randrange(1, 4))]

    def write(self) -> str:
        """The program: its two pages, and the label of its entry, NAME_entry."""
        rng = self.rng
        kinds = [
            *[self.compute, self.multiply, self.call, self.call, self.call, self.raise_plainly],
            *[self.raise_plainly, self.raise_in_slot, self.raise_in_slot, self.jump, self.link],
            *[self.modify, self.look_at_timer, self.touch, self.touch, *[self.loop] * 3],
        ]
        start = 0x1000 - 4 * rng.randrange(2, 100)
        self.emit(f"{self.name}:")
        self.emit(*(f"{self.name}_w{n}: {text}" for n, text in enumerate(PATCHES)))
        self.emit(f".org {self.name} + {start:#x}", f"{self.name}_entry:")
        self.emit(f"li s4, {rng.randrange(1, 4)}", f"{self.name}_again:")
        for _ in range(rng.randrange(6, 22)):
            rng.choice(kinds)()
        self.loop()
        # Too far for a branch in few programs only, but a jump through a register always reaches.
        self.emit("addiu s4, s4, -1", f"blez s4, {self.name}_end", "nop")
        self.emit(f"li t9, {self.address_of(f'{self.name}_again')}", "jr t9", "nop")
        self.emit(f"{self.name}_end: li v0, 0", "syscall", f"b {self.name}_end", "nop")
        return "\n".join(self.lines)
