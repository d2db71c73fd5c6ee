"""Pseudo-instructions that the assembler writes out, as a table of texts.

The names and what they do are GNU as's; of several lines for one name the first that fits is
taken. Beyond the letters of the declarations: `o` is the number 0, `n` one whose negative is a
signed 16-bit number, `k` one whose low half is zero, `w` any 32-bit number, `a` an address.

None of them fills a delay slot or checks anything: `div` with three operands does not trap on a
division by zero. They change register at where the text says so.
"""

from kseg.isa.operands import Kind, OperandError, unchanged

_W = "lui at, (w >> 16) & 0xffff; ori at, at, w & 0xffff; "


def _fits(describes: str, low: int, high: int, multiple: int = 1) -> Kind:
    def to_field(value: int, _address: int) -> int:
        if not low <= value <= high or value % multiple:
            raise OperandError(f"{value} is not a {describes}")
        return value

    return Kind(describes, str, to_field, unchanged)


LETTERS: dict[str, Kind] = {
    "o": _fits("zero", 0, 0),
    "n": _fits("number from -32767 to 32768", -0x7FFF, 0x8000),
    "k": _fits("multiple of 65536", -(1 << 31), (1 << 32) - 1, 1 << 16),
    "w": _fits("32-bit number", -(1 << 31), (1 << 32) - 1),
    "a": _fits("32-bit address", -(1 << 31), (1 << 32) - 1),
}

MACROS: list[tuple[str, str]] = [
    ("li t, k", "lui t, (k >> 16) & 0xffff"),
    ("li t, w", "lui t, (w >> 16) & 0xffff; ori t, t, w & 0xffff"),
    ("la t, i(s)", "addiu t, s, i"),
    ("la t, a", "lui t, %hi(a); addiu t, t, %lo(a)"),
    ("j s", "jr s"),
    ("jal s", "jalr ra, s"),
    ("jal d, s", "jalr d, s"),
    ("div zero, s, t", "div s, t"),
    ("div d, s, t", "div s, t; mflo d"),
    ("divu zero, s, t", "divu s, t"),
    ("divu d, s, t", "divu s, t; mflo d"),
    ("rem d, s, t", "div s, t; mfhi d"),
    ("remu d, s, t", "divu s, t; mfhi d"),
    ("mul d, s, t", "multu s, t; mflo d"),
    ("seq d, s, t", "xor d, s, t; sltiu d, d, 1"),
    ("sne d, s, t", "xor d, s, t; sltu d, zero, d"),
    ("sgt d, s, t", "slt d, t, s"),
    ("sgtu d, s, t", "sltu d, t, s"),
    ("sge d, s, t", "slt d, s, t; xori d, d, 1"),
    ("sgeu d, s, t", "sltu d, s, t; xori d, d, 1"),
    ("sle d, s, t", "slt d, t, s; xori d, d, 1"),
    ("sleu d, s, t", "sltu d, t, s; xori d, d, 1"),
    ("sll d, t, s", "sllv d, t, s"),
    ("srl d, t, s", "srlv d, t, s"),
    ("sra d, t, s", "srav d, t, s"),
    ("sub d, s, n", "addi d, s, -(n)"),
    ("subu d, s, n", "addiu d, s, -(n)"),
    ("blt s, zero, b", "bltz s, b"),
    ("bge s, zero, b", "bgez s, b"),
    ("bgt s, zero, b", "bgtz s, b"),
    ("ble s, zero, b", "blez s, b"),
    ("blt s, o, b", "bltz s, b"),
    ("bge s, o, b", "bgez s, b"),
    ("bgt s, o, b", "bgtz s, b"),
    ("ble s, o, b", "blez s, b"),
    *(
        (f"{name} s, t, b", f"{compare}; {branch} at, zero, b")
        for name, compare, branch in (
            ("blt", "slt at, s, t", "bne"),
            ("bltu", "sltu at, s, t", "bne"),
            ("bge", "slt at, s, t", "beq"),
            ("bgeu", "sltu at, s, t", "beq"),
            ("bgt", "slt at, t, s", "bne"),
            ("bgtu", "sltu at, t, s", "bne"),
            ("ble", "slt at, t, s", "beq"),
            ("bleu", "sltu at, t, s", "beq"),
        )
    ),
    ("blt s, i, b", "slti at, s, i; bne at, zero, b"),
    ("bltu s, i, b", "sltiu at, s, i; bne at, zero, b"),
    ("bge s, i, b", "slti at, s, i; beq at, zero, b"),
    ("bgeu s, i, b", "sltiu at, s, i; beq at, zero, b"),
    ("beq s, o, b", "beq s, zero, b"),
    ("bne s, o, b", "bne s, zero, b"),
    ("beq s, w, b", _W + "beq s, at, b"),
    ("bne s, w, b", _W + "bne s, at, b"),
    *(
        (f"{name}{suffix} s, w, b", f"{_W}slt{suffix} at, {first}; {branch} at, zero, b")
        for suffix in ("", "u")
        for name, first, branch in (
            ("blt", "s, at", "bne"),
            ("bge", "s, at", "beq"),
            ("bgt", "at, s", "bne"),
            ("ble", "at, s", "beq"),
        )
    ),
    *(
        (f"{name} d, s, {letter}", f"{immediate} d, s, {letter}")
        for name, immediate, letter in (
            ("add", "addi", "i"),
            ("addu", "addiu", "i"),
            ("slt", "slti", "i"),
            ("sltu", "sltiu", "i"),
            ("and", "andi", "u"),
            ("or", "ori", "u"),
            ("xor", "xori", "u"),
        )
    ),
    *(
        (f"{name} d, s, w", f"{_W}{name} d, s, at")
        for name in ("add", "addu", "sub", "subu", "slt", "sltu", "and", "or", "xor", "nor")
    ),
]

_LOADS_INTO_T = ("lb", "lbu", "lh", "lhu", "lw", "ll")


def memory_macros(name: str, register: str) -> list[tuple[str, str]]:
    """The forms of a load or store, named `name`, that take an address of any size.

    `register` is how its syntax writes the register. Loads go through their own register where
    that can be, so that they can be used where at must stay.
    """
    small = [(f"{name} {register}, i", f"{name} t, i(zero)")]
    through_t = [
        (f"{name} t, a", f"lui t, %hi(a); {name} t, %lo(a)(t)"),
        (f"{name} t, a(s) distinct", f"lui t, %hi(a); addu t, t, s; {name} t, %lo(a)(t)"),
    ]
    through_at = [
        (f"{name} {register}, a", f"lui at, %hi(a); {name} t, %lo(a)(at)"),
        (
            f"{name} {register}, a(s)",
            f"lui at, %hi(a); addu at, at, s; {name} t, %lo(a)(at)",
        ),
    ]
    return small + (through_t if name in _LOADS_INTO_T else []) + through_at
