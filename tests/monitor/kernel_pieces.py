"""Random pieces of kernel code, as assembly text: what a kernel does with CP0, the TLB, devices,
code and its own exceptions.

The services and the handlers of harmless exceptions are made of them (`kernel_skeleton.s` is
around). A piece may change every register but fp, the frame's address, and may raise exceptions:
the handlers go on behind them.
"""

import random
from collections.abc import Callable

from tests.monitor.user_pieces import PATCHES, RESERVED, TEMPORARIES, UNUSABLE

REFILLS = ("refill_random", "refill_indexed", "refill_linear")
READABLE = (0, 1, 2, 4, 8, 9, 10, 11, 12, 13, 14, 15)
PLAIN_READABLE = (0, 2, 10, 12, 15)
"""What does not depend on where the kernel lies."""


class KernelPieces:
    """Writes pieces of one kernel. In a `plain` one nothing depends on the kernel's address."""

    def __init__(self, rng: random.Random, plain: bool) -> None:
        self.rng = rng
        self.plain = plain
        self.lines: list[str] = []
        self.labels = 0
        self.patches: list[str] = []
        self.risk = rng.random() < 0.04
        """Whether it may do what is fatal."""

    def emit(self, *lines: str) -> None:
        self.lines += lines

    def label(self) -> str:
        self.labels += 1
        return f"p{self.labels}"

    def temporary(self) -> str:
        return self.rng.choice(TEMPORARIES[6:])

    def show(self, register: str = "t0") -> None:
        """Put a value where the program sees it, or into a scratch word."""
        if self.rng.random() < 0.5:
            self.emit(f"sw {register}, {4 * self.rng.randrange(2, 16)}(fp)")
        else:
            self.emit(f"sw {register}, scratch + {4 * self.rng.randrange(32)}")

    def user_page(self) -> str:
        """An address in a program's page."""
        rng = self.rng
        page = rng.choice((1, 2, 3, 3, 4, 4, 5, 6, 7, 7, 12, 13, 14, 0x400, 0x803))
        return hex(page << 12 | rng.randrange(0, 4096, 4))

    # CP0.

    def read_control(self) -> None:
        number = self.rng.choice(PLAIN_READABLE if self.plain else READABLE)
        select = self.rng.choice((1, 2)) if number == 15 and self.rng.random() < 0.5 else 0
        self.emit(f".word {0x40080000 | number << 11 | select:#x}")  # mfc0 t0
        self.show()

    def write_control(self) -> None:
        """Registers that take garbage; those that matter are put right on the way out."""
        rng = self.rng
        number = rng.choice((0, 0, 1, 2, 2, 4, 8, 14, 15, 9))
        if self.plain and number == 9:
            number = 0
        value = rng.choice((rng.getrandbits(32), 0xFFFFFFFF, 0, rng.randrange(64) << 8))
        if number == 4 and not self.plain:
            self.emit("mfc0 t9, $4", f"li t0, {value:#x}", "mtc0 t0, $4", "nop", "mfc0 t0, $4")
            self.emit("mtc0 t9, $4")
        else:
            number = 0 if number == 4 else number
            self.emit(f"li t0, {value:#x}", f"mtc0 t0, ${number}", "nop", f"mfc0 t0, ${number}")
            if self.plain and number in (1, 8, 14):
                return
        self.show()

    def enable_interrupts(self) -> None:
        """For a while, with another mask."""
        rng = self.rng
        self.emit("mfc0 t0, $12", f"li t1, {rng.getrandbits(8) << 8 | 1:#x}", "or t1, t0, t1")
        self.emit("mtc0 t1, $12", *(["nop"] * rng.randrange(1, 12)))
        if rng.random() < 0.5:
            self.emit("mfc0 t2, $12", "nop", "sw t2, scratch")
        self.emit("mtc0 t0, $12", "nop")

    def software_interrupt(self) -> None:
        bits = self.rng.choice((0x100, 0x200, 0x300, 0xFFFFFFFF if not self.plain else 0x300))
        self.emit(f"li t0, {bits:#x}", "mtc0 t0, $13", "nop", "mfc0 t1, $13", "nop")
        self.show("t1")

    def turn_stack(self) -> None:
        """RFE with other modes on the stack; neither the present nor the previous is user mode."""
        rng = self.rng
        pattern = rng.choice((0x00, 0x04, 0x10, 0x20, 0x24, 0x30, 0x34, 0x14))
        self.emit("mfc0 t0, $12", "li t1, 0xffffffc0", "and t1, t0, t1")
        self.emit(f"ori t1, t1, {pattern:#x}", "mtc0 t1, $12", "nop", "rfe", "nop", "mfc0 t2, $12")
        if rng.random() < 0.4:
            self.emit("rfe" if pattern < 0x20 else "nop", "nop", "mfc0 t3, $12")
        self.emit("mtc0 t0, $12", "nop")
        self.show("t2")

    def become_user(self) -> None:
        """User mode at the kernel's own address: an address error, handled by `fixup`."""
        after = self.label()
        self.emit(f"la t0, {after}", "sw t0, fixup", "mfc0 t0, $12", "nop", "ori t0, t0, 2")
        self.emit("mtc0 t0, $12", "nop", "break", f"{after}:", "nop")

    def ring_timer(self) -> None:
        """The on-chip timer, at once or soon."""
        self.emit(f"li t0, {self.rng.randrange(40, 3000)}", "mtc0 t0, $11")
        if not self.plain and self.rng.random() < 0.3:
            self.emit("mtc0 zero, $9", "nop", "mfc0 t1, $9", "nop")
            self.show("t1")

    # TLB.

    def probe(self) -> None:
        """Look for a page of the program's; change or remove its entry where there is one."""
        rng, out = self.rng, self.label()
        change = rng.choice(("nothing", "clean", "invalid", "remove", "uncached", "dirty"))
        self.emit("mfc0 t0, $10", "nop", "andi t0, t0, 0xfc0", f"li t1, {self.user_page()}")
        self.emit("li t2, 0xfffff000", "and t1, t1, t2", "or t0, t0, t1", "mtc0 t0, $10", "nop")
        self.emit("tlbp", "mfc0 t3, $0", "nop", f"bltz t3, {out}", "nop", "tlbr", "nop")
        self.emit("mfc0 t4, $2", "nop")
        if change == "remove":
            self.emit("li t5, 0x82000000", "sll t3, t3, 4", "addu t5, t5, t3", "mtc0 t5, $10")
            self.emit("mtc0 zero, $2")
        elif change == "dirty":
            # Also of pages that are not: stores then bypass the kernel's permission.
            self.emit("ori t4, t4, 0x400", "mtc0 t4, $2")
        elif change != "nothing":
            bit = {"clean": 0xFFFFFBFF, "invalid": 0xFFFFFDFF, "uncached": 0xFFFFF7FF}[change]
            self.emit(f"li t5, {bit:#x}", "and t4, t4, t5", "mtc0 t4, $2")
        self.emit("nop", "tlbwi", f"{out}:")
        if not self.plain:
            self.show(rng.choice(("t3", "t4")))

    def look_at_entry(self) -> None:
        self.emit(f"li t0, {self.rng.randrange(64) << 8:#x}", "mtc0 t0, $0", "nop", "tlbr", "nop")
        self.emit("mfc0 t1, $10", "mfc0 t2, $2", "nop")
        if not self.plain:
            self.show("t1")
            self.show("t2")

    def flush(self) -> None:
        """Remove all entries, or some."""
        rng, again = self.rng, self.label()
        first, step = rng.choice(((0, 1), (0, 1), (8, 1), (rng.randrange(64), 3)))
        self.emit(f"li t0, {first << 8:#x}", "li t2, 0x4000", "mtc0 zero, $2")
        self.emit(f"{again}:", "sll t1, t0, 4", "lui t3, 0x8200", "addu t1, t1, t3")
        self.emit("mtc0 t1, $10", "mtc0 t0, $0", f"addiu t0, t0, {step << 8}", "tlbwi")
        self.emit(f"bltu t0, t2, {again}", "nop", "lw t1, 156(fp)", "nop", "mtc0 t1, $10")

    def write_random(self) -> None:
        """An entry in kseg0 that matches nothing, anywhere; in a risky kernel one that may."""
        rng = self.rng
        high = 0x83000000 + (rng.randrange(4096) << 12)
        if self.risk:
            high = rng.randrange(8) << 12 | rng.randrange(4) << 6
        # With tlbwr alone such a page could come to be there twice.
        self.emit(f"li t0, {high:#x}", "mtc0 t0, $10", f"li t1, {rng.getrandbits(32):#x}")
        self.emit("mtc0 t1, $2", *([] if self.risk else ["tlbp", "mfc0 t2, $0", "nop"]))
        out = self.label()
        if not self.risk:
            self.emit(f"bgez t2, {out}", "nop")
        self.emit("tlbwr", f"{out}:", "lw t1, 156(fp)", "nop", "mtc0 t1, $10")

    def change_table(self) -> None:
        """Another page, or other rights, in the page table; what the TLB has stays until later."""
        rng = self.rng
        page = rng.choice((3, 3, 4, 6, 7, 13, 14, 2))
        frame = {2: "keep"}.get(page, rng.choice((0x28, 0x2C, 0x2D, 0x2E, 0x2F)))
        flags = rng.choice((0x200, 0x600, 0x600, 0xE00, 0, 0x400))
        self.emit("lw t0, table", "nop")
        if frame == "keep":
            self.emit(f"lw t1, {4 * page}(t0)", "nop", f"xori t1, t1, {rng.choice((0x400, 0x800))}")
        else:
            self.emit(f"li t1, {frame << 12 | flags:#x}")
        self.emit(f"sw t1, {4 * page}(t0)")

    def change_space(self) -> None:
        """Another ASID: for a while, or for this program from now on."""
        rng = self.rng
        if rng.random() < 0.6:
            self.emit("mfc0 t0, $10", "nop", f"xori t1, t0, {rng.randrange(1, 64) << 6:#x}")
            self.emit("mtc0 t1, $10", f"li t2, {self.user_page()}", "lw t3, 0(t2)", "nop")
            self.emit("mtc0 t0, $10")
            self.show("t3")
        else:
            self.emit("lw t0, current", "nop", "sll t0, t0, 2", "la t1, asids", "addu t1, t0, t1")
            self.emit("lw t2, 0(t1)", "nop", "addiu t2, t2, 0x100", "andi t2, t2, 0xfc0")
            self.emit("sw t2, 0(t1)")

    # Memory.

    def touch_user(self) -> None:
        """Which raises TLB exceptions within this one."""
        name = self.rng.choice(("lw", "lw", "lbu", "sw", "sb", "ll", "sc"))
        self.emit(f"li t9, {self.user_page()}", f"{name} t0, 0(t9)")
        if name[0] == "l" and name != "ll":
            self.show()

    def touch_mapped_kernel(self) -> None:
        rng = self.rng
        places = (0xC4000000, 0xC4001000, 0xC4002000, 0xC400F000, 0xC5000000, 0xFFFFE000)
        place = rng.choice((*places, 0xC0000000 + 4 * rng.randrange(64), 0xC0200000, 0xC0400000))
        name = rng.choice(("lw", "lw", "sw", "lh"))
        if place >> 23 == 0x180:
            name = "lw"
        self.emit(f"li t9, {place + 4 * rng.randrange(16):#x}", f"{name} t0, 0(t9)")

    def touch_nothing(self) -> None:
        """Physical addresses where nothing is, the boot ROM, an empty slot."""
        rng = self.rng
        place = rng.choice((0xA8000000, 0x88000000, 0xBFC00000, 0xBFC00FFC, 0xBFE50000, 0xBFFF0100))
        self.emit(f"li t9, {place:#x}", f"{rng.choice(('lw', 'sw', 'sb', 'lh'))} t0, 0(t9)")

    def write_program(self) -> None:
        """Its memory, by another address."""
        rng = self.rng
        frame = rng.choice((0x28, 0x29, 0x2C, 0x2D, 0x2F)) << 12
        self.emit(f"li t9, {rng.choice(('KBASE', 'UNCACHED'))} + {frame + 4 * rng.randrange(16)}")
        self.emit(f"li t0, {rng.getrandbits(32):#x}", "lw t1, 0(t9)", "sw t0, 0(t9)")
        self.show("t1")

    def patch_program(self) -> None:
        """A word of a program's code: one of its words that modify it, or such an instruction."""
        rng = self.rng
        number = rng.randrange(4)
        self.emit(f"li t0, ({{user{number}}} - KBASE) + {rng.choice(('KBASE', 'UNCACHED'))}")
        self.emit(f"la t1, u{number}_w{rng.randrange(len(PATCHES))}", "lw t1, 0(t1)", "nop")
        self.emit("sw t1, 0(t0)")

    def patch_kernel(self) -> None:
        """An instruction some way ahead, or one that was executed before."""
        rng = self.rng
        here = self.label()
        self.patches.append(here)
        target = rng.choice(self.patches[-4:])
        word = rng.choice((0x25080005, 0x25290001, 0x00000000, 0x0000000D, 0x01094021, 0x2408002A))
        base = rng.choice(("KBASE", "UNCACHED"))
        self.emit(f"li t9, ({target} - KBASE) + {base}", f"li t1, {word:#x}", "sw t1, 0(t9)")
        self.emit(*(["nop"] * rng.randrange(2)), f"{here}: addiu t0, t0, 1")
        self.show()

    def patch_vector(self) -> None:
        """Another refill handler."""
        handler = self.rng.choice(REFILLS[:2] if self.plain else REFILLS)
        self.emit(f"li t0, 0x08000000 | (({handler} >> 2) & 0x3ffffff)")
        self.emit("la t1, refill_vector", "sw t0, 0(t1)")

    # Exceptions and control.

    def trap(self) -> str:
        rng = self.rng
        kinds = ("syscall", "syscall", "break 3", "add t0, s7, s7", "lw t0, 2(fp)", "sw t0, 1(fp)")
        kinds += ("lh t0, 3(fp)", "sh t0, 1(fp)", rng.choice(RESERVED), rng.choice(UNUSABLE))
        return rng.choice((*kinds, "mfc0 t0, $20", ".word 0x40400000"))

    def raise_something(self) -> None:
        self.emit("li s7, 0x7fffffff", self.trap())

    def raise_in_slot(self) -> None:
        behind = self.label()
        branch = self.rng.choice(("b {}", "beqz zero, {}", "bnez fp, {}", "bgezal zero, {}"))
        slot = self.trap()
        if self.rng.random() < 0.5:
            self.emit(f"li t9, {self.user_page()}")
            slot = self.rng.choice(("lw t0, 0(t9)", "sw t0, 0(t9)", "lw t0, 1(t9)"))
        self.emit("li s7, 0x7fffffff", branch.format(behind), slot, f"{behind}:")

    def jump_nowhere(self) -> None:
        place = self.rng.choice(
            (0x88000000, 0x80000002, 0xBFC00000, 0xA000A, 0xC5000000, 0xBFE00000)
        )
        self.emit(f"li t9, {place:#x}", "jalr t9", "nop")

    def multiply(self) -> None:
        rng = self.rng
        self.emit(f"{rng.choice(('mult', 'multu', 'div', 'divu'))} t0, t1")
        self.emit(*(["nop"] * rng.randrange(2)), "mfhi t2", "mflo t3")
        self.show("t3")

    def link(self) -> None:
        between = self.rng.choice(("nop", "syscall", "sw t2, scratch + 8", "sc t2, scratch + 8"))
        self.emit("la t9, scratch", "ll t0, 8(t9)", between, "sc t0, 8(t9)", "sync")
        self.show()

    # Devices.

    def start_timer(self) -> None:
        rng = self.rng
        self.emit("li t9, TIMER", f"li t0, {rng.randrange(2)}", f"li t1, {rng.randrange(10, 250)}")
        self.emit("sw t0, 8(t9)", "sw t1, 16(t9)")

    def look_at_device(self) -> None:
        rng = self.rng
        device, offsets = rng.choice(
            (
                *[("TIMER", (0, 4, 8, 16)), ("SERIAL", (0, 4, 8)), ("RANDOM", (0,))],
                ("CONTROL", (0, 4, 8, 12, 16, 20)),
            )
        )
        offset = rng.choice(offsets)
        name = "lw" if rng.random() < 0.8 else rng.choice(("lbu", "lh"))
        self.emit(f"li t9, {device}", f"{name} t0, {offset}(t9)")
        self.show()

    def put_character(self) -> None:
        self.emit("li t9, SERIAL", f"li t0, {self.rng.randrange(97, 123)}", "sw t0, 0(t9)")
        if self.rng.random() < 0.5:
            self.emit(f"li t1, {self.rng.choice((0, 1, 1, 5))}", "sw t1, 4(t9)")

    def wait(self) -> None:
        """Until the timer card wakes the processor."""
        self.emit("li t9, TIMER", "sw zero, 8(t9)", f"li t0, {self.rng.randrange(1, 40)}")
        self.emit("sw t0, 16(t9)", "wait", "lw t0, 12(t9)", "nop")
        self.show()

    def kinds(self) -> list[Callable[[], None]]:
        """All pieces that this kernel may have."""
        found = [
            *[self.read_control, self.read_control, self.write_control, self.write_control],
            *[self.enable_interrupts, self.enable_interrupts, self.software_interrupt],
            *[self.turn_stack, self.ring_timer, self.probe, self.probe, self.probe],
            *[self.look_at_entry, self.flush, self.write_random, self.change_table],
            *[self.change_table, self.change_space, self.touch_user, self.touch_user],
            *[self.touch_user, self.write_program, self.patch_program, self.patch_kernel],
            *[
                self.patch_vector,
                self.raise_in_slot,
                self.raise_in_slot,
                *[self.raise_something] * 3,
            ],
            *[self.multiply, self.link, self.start_timer, self.look_at_device],
            *[self.look_at_device, self.put_character, self.wait],
        ]
        if not self.plain:
            found += [self.become_user, self.touch_mapped_kernel, self.touch_mapped_kernel]
            found += [self.touch_nothing, self.jump_nowhere]
        return found

    def routine(self, name: str, length: int) -> None:
        """A service or a handler: some pieces, then behind the instruction that asked for it."""
        kinds = self.kinds()
        self.emit(f"{name}:")
        for _ in range(length):
            if self.plain:
                # What the next piece stores or shows must not be an address of this one's.
                self.emit("li t0, 77", "move t1, t0", "move t2, t0")
            self.rng.choice(kinds)()
        self.emit("j skip", "nop")
