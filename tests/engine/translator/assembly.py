"""Words of guest code for tests, with labels: as much of an assembler as random programs need."""

from collections.abc import Callable

AT, V0, V1, A0, A1, A2, A3, T0, T1, T2, T3 = range(1, 12)
S0, S1, S2, S3, S4, S5, S6, S7, T8, T9, K0, K1, GP, SP, FP, RA = range(16, 32)
ZERO = 0

NOP = 0
RFE, TLBR, TLBWI, TLBWR, TLBP = 0x42000010, 0x42000001, 0x42000002, 0x42000006, 0x42000008
SYSCALL, BREAK, WAIT = 0x0000000C, 0x0000000D, 0x42000020

INDEX, ENTRY_LO, BAD_VADDR, COUNT, ENTRY_HI, COMPARE, STATUS, CAUSE, EPC = (
    0,
    2,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
)
"""CP0 registers."""


def immediate(opcode: int, source: int, target: int, value: int) -> int:
    """An instruction of the immediate form."""
    return opcode << 26 | source << 21 | target << 16 | value & 0xFFFF


def register(function: int, source: int, target: int, destination: int, amount: int = 0) -> int:
    """An instruction of the register form."""
    return source << 21 | target << 16 | destination << 11 | amount << 6 | function


def addiu(target: int, source: int, value: int) -> int:
    return immediate(9, source, target, value)


def addu(destination: int, source: int, target: int) -> int:
    return register(0x21, source, target, destination)


def andi(target: int, source: int, value: int) -> int:
    return immediate(12, source, target, value)


def ori(target: int, source: int, value: int) -> int:
    return immediate(13, source, target, value)


def lui(target: int, value: int) -> int:
    return immediate(15, 0, target, value)


def lw(target: int, value: int, base: int) -> int:
    return immediate(35, base, target, value)


def sw(target: int, value: int, base: int) -> int:
    return immediate(43, base, target, value)


def jr(source: int) -> int:
    return register(8, source, 0, 0)


def jalr(source: int, destination: int = RA) -> int:
    return register(9, source, 0, destination)


def mfc0(target: int, number: int) -> int:
    return 0x40000000 | target << 16 | number << 11


def mtc0(target: int, number: int) -> int:
    return 0x40800000 | target << 16 | number << 11


def beq(source: int, target: int) -> int:
    return immediate(4, source, target, 0)


def bne(source: int, target: int) -> int:
    return immediate(5, source, target, 0)


J, JAL = 0x08000000, 0x0C000000


class Assembly:
    """Words by virtual address; whatever names a label is filled in by `words`."""

    def __init__(self) -> None:
        self.at = 0
        """Where the next word goes."""
        self.labels: dict[str, int] = {}
        self._words: dict[int, int] = {}
        self._open: list[tuple[int, str, Callable[[int, int, int], int]]] = []

    def place(self, label: str) -> None:
        """The next word is called `label`."""
        self.labels[label] = self.at

    def emit(self, *words: int) -> None:
        for word in words:
            self._words[self.at] = word
            self.at += 4

    def _later(self, word: int, label: str, fill: Callable[[int, int, int], int]) -> None:
        self._open.append((self.at, label, fill))
        self.emit(word)

    def branch(self, word: int, label: str) -> None:
        """A conditional branch; its delay slot is the next word."""
        self._later(word, label, lambda w, at, to: w | (to - at - 4 >> 2) & 0xFFFF)

    def jump(self, word: int, label: str) -> None:
        """J or JAL; its delay slot is the next word."""
        self._later(word, label, lambda w, _, to: w | to >> 2 & 0x3FFFFFF)

    def address(self, target: int, label: str, offset: int = 0) -> None:
        """Two instructions that load a label's address."""
        self._later(lui(target, 0), label, lambda w, _, to: w | (to + offset) >> 16 & 0xFFFF)
        self._later(ori(target, target, 0), label, lambda w, _, to: w | (to + offset) & 0xFFFF)

    def value(self, target: int, value: int) -> None:
        """Two instructions that load a number."""
        self.emit(lui(target, value >> 16), ori(target, target, value))

    def word(self, label: str) -> None:
        """A label's address as data."""
        self._later(0, label, lambda _w, _at, to: to)

    @property
    def words(self) -> dict[int, int]:
        """Every word by its address."""
        found = dict(self._words)
        for at, label, fill in self._open:
            found[at] = fill(found[at], at, self.labels[label])
        return found
