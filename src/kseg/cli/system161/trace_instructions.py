"""Instructions in System/161's traces: what each is called, its operands, what came out."""

from collections.abc import Callable

from kseg.isa.instruction_set import instruction_set
from kseg.isa.values import WORD

REGISTERS = tuple(
    f"${name}"
    for name in (
        "z0 at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7 "
        "s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp s8 ra"
    ).split()
)
MOST_REMEMBERED = 1 << 16

Values = Callable[[int, int, int], tuple[str, str]]
"""From the registers of bits 25:21 and 20:16 before and the one written: what is said before the
instruction is executed, and after."""


def signed(word: int) -> int:
    """A word as two's complement."""
    return word - ((word & 0x80000000) << 1)


def _quotients(first: int, second: int) -> str:
    """What DIV and DIVU say of their result."""
    if second == 0:
        return "ERR"
    quotient = abs(first) // abs(second) * (1 if (first < 0) == (second < 0) else -1)
    return f"{quotient}, remainder {first - quotient * second}"


class Instructions:
    """Makes the text of instructions, and remembers what does not depend on values."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, Values | None]] = {}
        self._instructions = instruction_set("mips161")

    def text(
        self, word: int, _pc: int, first: int, second: int, third: int, trapped: int
    ) -> tuple[str, bool]:
        """An instruction's line, and whether it is whole: one that raises an exception before its
        result is left open."""
        found = self._known.get(word)
        if found is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            found = self._known[word] = self._learn(word)
        begin, values = found
        if values is None:
            return begin, True
        before, after = values(first, second, third)
        if trapped and after:
            return begin + before, False
        return begin + before + after, True

    def _learn(self, word: int) -> tuple[str, Values | None]:
        encoding = self._instructions.decode(word)
        if encoding is None:
            return f"[illegal instruction {word:08x}]", None
        name = encoding.instruction.name
        s, t, d = (REGISTERS[word >> shift & 31] for shift in (21, 16, 11))
        shift = word >> 6 & 31
        immediate = word & 0xFFFF
        offset = (word & 0x7FFF) - (word & 0x8000)
        low = word >> 11 & 31
        select = f".{word & 7}" if word & 7 else ""
        if name in _PLAIN:
            return name, None
        if name in _SUMS:
            return f"{name} {d}, {s}, {t}: ", _sum(_SUMS[name])
        if name in _BITS:
            return f"{name} {d}, {s}, {t}: ", _bits(_BITS[name])
        if name in _COMPARISONS:
            return f"{name} {d}, {s}, {t}: ", _comparison(name == "sltu", None)
        if name in ("addi", "addiu"):
            return f"{name} {t}, {s}, {immediate}: ", _sum("+", offset)
        if name in ("slti", "sltiu"):
            unsigned = name == "sltiu"
            shown = immediate if unsigned else offset
            return f"{name} {t}, {s}, {shown}: ", _comparison(unsigned, offset)
        if name in ("andi", "ori", "xori"):
            return f"{name} {t}, {s}, {immediate}: ", _bits(_BITS[name[:-1]], immediate)
        if name == "lui":
            return f"lui {t}, {immediate:#x}", None
        if name in _SHIFTS:
            sign = _SHIFTS[name]
            if name.endswith("v"):
                return f"{name} {d}, {t}, {s}: ", _shift(sign, None)
            return f"{name} {d}, {t}, {shift}: ", _shift(sign, shift)
        if name in ("beq", "bne"):
            return f"{name} {s}, {t}, {offset}: ", _equality(name == "beq")
        if name in _SIGNS:
            return f"{name} {s}, {offset}: ", _sign(_SIGNS[name])
        if name in ("j", "jal"):
            return f"{name} {(word & 0x3FFFFFF) << 2:#x}", None
        if name == "jr":
            return f"jr {s}: ", lambda first, _second, _third: (f"{first:#x}", "")
        if name == "jalr":
            return f"jalr {d}, {s}: ", lambda first, _second, _third: (f"{first:#x}", "")
        if name in _LOADS:
            return f"{name} {t}, {offset}({s}): ", _load(offset, hexadecimal=name in ("lwl", "lwr"))
        if name in _STORES:
            return f"{name} {t}, {offset}({s}): ", _store(name, offset)
        if name in ("div", "divu"):
            return f"{name} {s} {t}: ", _division(name == "divu")
        if name in ("mult", "multu"):
            return f"{name} {s}, {t}: ", _product(name == "multu")
        if name == "mfc0":
            return f"mfc0 {t}, ${low}{select}: ... -> ", _result
        if name == "mtc0":
            return f"mtc0 {t}, ${low}{select}: ", lambda _a, second, _c: (f"{second:#x} -> ...", "")
        if name in ("mfhi", "mflo"):
            return f"{name} {d}: ... -> ", _result
        if name in ("mthi", "mtlo"):
            return f"{name} {s}: ", lambda first, _second, _third: (f"{first:#x} -> ...", "")
        return name, None


_PLAIN = frozenset("break syscall sync rfe tlbp tlbr tlbwi tlbwr wait".split())
_SUMS = {"add": "+", "addu": "+", "sub": "-", "subu": "-"}
_BITS = {
    "and": "0x{:x} & 0x{:x} -> ",
    "or": "0x{:x} | 0x{:x} -> ",
    "xor": "0x{:x} ^ 0x{:x} -> ",
    "nor": "~(0x{:x} | 0x{:x}) -> ",
}
_COMPARISONS = frozenset({"slt", "sltu"})
_SHIFTS = {"sll": "<<", "sllv": "<<", "srl": ">>", "srlv": ">>", "sra": ">>", "srav": ">>"}
_SIGNS: dict[str, tuple[str, Callable[[int], bool]]] = {
    "bgez": (">=0", lambda value: value >= 0),
    "bgezal": (">=0", lambda value: value >= 0),
    "bltz": ("<0", lambda value: value < 0),
    "bltzal": ("<0", lambda value: value < 0),
    "bgtz": (">0", lambda value: value > 0),
    "blez": ("<=0", lambda value: value <= 0),
}
_LOADS = frozenset("lb lbu lh lhu lw lwl lwr ll".split())
_STORES = frozenset("sb sh sw swl swr sc".split())


def _result(_first: int, _second: int, third: int) -> tuple[str, str]:
    return "", f"{third:#x}"


def _sum(sign: str, immediate: int | None = None) -> Values:
    def values(first: int, second: int, third: int) -> tuple[str, str]:
        other = signed(second) if immediate is None else immediate
        return f"{signed(first)} {sign} {other} -> ", f"{signed(third)}"

    return values


def _bits(form: str, immediate: int | None = None) -> Values:
    def values(first: int, second: int, third: int) -> tuple[str, str]:
        other = second if immediate is None else immediate
        return form.format(first, other), f"{third:#x}"

    return values


def _comparison(unsigned: bool, immediate: int | None) -> Values:
    def values(first: int, second: int, third: int) -> tuple[str, str]:
        other = second if immediate is None else immediate & WORD
        if not unsigned:
            first, other = signed(first), signed(other)
        return f"{first} < {other} -> ", f"{third}"

    return values


def _shift(sign: str, amount: int | None) -> Values:
    def values(first: int, second: int, third: int) -> tuple[str, str]:
        by = first & 31 if amount is None else amount
        return f"{second:#x} {sign} {by} -> ", f"{third:#x}"

    return values


def _equality(equal: bool) -> Values:
    sign = "==" if equal else "!="

    def values(first: int, second: int, _third: int) -> tuple[str, str]:
        return f"{first}{sign}{second}? ", "yes" if (first == second) == equal else "no"

    return values


def _sign(told: tuple[str, Callable[[int], bool]]) -> Values:
    def values(first: int, _second: int, _third: int) -> tuple[str, str]:
        value = signed(first)
        return f"{value}{told[0]}? ", "yes" if told[1](value) else "no"

    return values


def _load(offset: int, *, hexadecimal: bool) -> Values:
    def values(first: int, _second: int, third: int) -> tuple[str, str]:
        loaded = f"{third:#x}" if hexadecimal else f"{signed(third)}"
        return f"[{first + offset & WORD:#x}] -> ", loaded

    return values


def _store(name: str, offset: int) -> Values:
    masks = {"sb": 0xFF, "sh": 0xFFFF}

    def values(first: int, second: int, _third: int) -> tuple[str, str]:
        if name in masks:
            stored = f"{second & masks[name]}"
        else:
            stored = f"{second:#x}" if name in ("swl", "swr") else f"{signed(second)}"
        return f"{stored} -> [{first + offset & WORD:#x}]", ""

    return values


def _division(unsigned: bool) -> Values:
    def values(first: int, second: int, _third: int) -> tuple[str, str]:
        if not unsigned:
            first, second = signed(first), signed(second)
        return f"{first} / {second} -> ", _quotients(first, second)

    return values


def _product(unsigned: bool) -> Values:
    def values(first: int, second: int, _third: int) -> tuple[str, str]:
        if not unsigned:
            first, second = signed(first), signed(second)
        product = first * second
        high, low = product >> 32 & WORD, product & WORD
        if not unsigned:
            high, low = signed(high), signed(low)
        return f"{first} * {second} -> ", f"{high} {low}"

    return values
