"""Pseudo-instructions that the assembler writes out, as a table of texts.

Names and expansions are GNU as's for a MIPS I processor without position-independent code and
without a global pointer (``-march=r3000 -G0``), word for word. Of several lines for one name the
first that fits is taken. A letter that stands twice is the same register twice. Beyond the letters
of the declarations (`LETTERS` has the numbers):

* ``tt`` is the register behind t.
* ``{`` and ``}``: what is between them is left alone where delay slots are filled and hazards
  covered; ``1:`` is a place to branch to.
* ``left`` and ``right``, ``high`` and ``low`` are the places that lwl and lwr need of a word, and
  of the bytes of a halfword: `BYTE_PLACES`.
* ``div s, t`` is the machine's own instruction, as in the processor's manual; to GNU as it is
  ``div s, s, t``. It is the one exception.
* What changes register at says so, and is refused after ``.set noat``.
"""

from kseg.isa.operands import OperandError, OperandKind, unchanged
from kseg.isa.values import signed


def _number(describes: str, low: int, high: int, multiple: int = 1) -> OperandKind:
    """A number that lies in a range, as it is or as a signed number of 32 bits."""

    def to_field(value: int, _address: int) -> int:
        for candidate in (value, int(signed(value & 0xFFFFFFFF))):
            if low <= candidate <= high and candidate % multiple == 0 and _is_word(value):
                return candidate
        raise OperandError(f"{value} is not a {describes}")

    return OperandKind(describes, str, to_field, unchanged)


def _is_word(value: int) -> bool:
    return -(1 << 31) <= value < 1 << 32


LETTERS: dict[str, OperandKind] = {
    "o": _number("zero", 0, 0),
    "x": _number("number from -32768 to 32767", -0x8000, 0x7FFF),
    "y": _number("number from 0 to 65535", 0, 0xFFFF),
    "n": _number("number from -32767 to 32768", -0x7FFF, 0x8000),
    "m": _number("number from -32769 to 32766", -0x8001, 0x7FFE),
    "p": _number("number from -32768 to 32764", -0x8000, 0x7FFC),
    "z": _number("number from -32768 to 32766", -0x8000, 0x7FFE),
    "P": _number("number from -32768 to 32763", -0x8000, 0x7FFB),
    "k": _number("multiple of 65536", -(1 << 31), (1 << 32) - 1, 1 << 16),
    "w": _number("32-bit number", -(1 << 31), (1 << 32) - 1),
    "a": _number("32-bit address", -(1 << 31), (1 << 32) - 1),
    "l": _number("one", 1, 1),
    "v": _number("minus one", -1, -1),
    "g": _number("greatest number", 0x7FFFFFFF, 0x7FFFFFFF),
    "M": _number("multiple of 32", -(1 << 31), (1 << 32) - 1, 32),
    "L": _number("least number", -0x80000000, -0x80000000),
}

BYTE_PLACES = {
    "big": {"left": 0, "right": 3, "high": 0, "low": 1},
    "little": {"left": 3, "right": 0, "high": 1, "low": 0},
}

_OVERFLOW = "li at, -1; bne t, at, 2f; lui at, 0x8000; bne s, at, 2f; nop; }; break 6; 2: "


def _multiplication(operands: str, load: str, factor: str) -> list[tuple[str, str]]:
    """Multiplication that says ``break 6`` where the product has more than 32 bits."""
    signed_end = "mflo d; sra d, d, 31; mfhi at; beq d, at, 1f; nop; break 6; 1: }; mflo d"
    unsigned_end = "mfhi at; mflo d; beq at, zero, 1f; nop; break 6; 1: }"
    return [
        (f"mulo d, {operands}", f"{{; {load}mult s, {factor}; {signed_end}"),
        (f"mulou d, {operands}", f"{{; {load}multu s, {factor}; {unsigned_end}"),
    ]


def _division(name: str, plain: str, move: str) -> list[tuple[str, str]]:
    """Division that says ``break 7`` for a zero divisor and ``break 6`` for an overflow."""
    checked = f"{{; bne t, zero, 1f; {plain} zero, s, t; break 7; 1: "
    checked += _OVERFLOW if plain == "div" else "}; "
    by_one = "move d, s" if move == "mflo" else "move d, zero"
    by_minus_one = "neg d, s" if move == "mflo" else "move d, zero"
    found = [
        *([(f"{name} d, s, zero", "break 7")] if plain == "div" else []),
        (f"{name} d, s, t", f"{checked}{move} d"),
        (f"{name} d, s, o", "break 7"),
        (f"{name} d, s, l", by_one),
    ]
    if plain == "div":
        found.append((f"{name} d, s, v", by_minus_one))
    return [*found, (f"{name} d, s, w", f"li at, w; {plain} zero, s, at; {move} d")]


def _comparison(name: str, compare: str, operands: str, flip: bool) -> list[tuple[str, str]]:
    """``sgt`` and its like, from slt with its operands in some order, and flipped."""
    end = "; xori d, d, 1" if flip else ""
    found = [(f"{name} d, s, t", f"{compare} d, {operands}{end}")]
    immediate = {"slt": "slti", "sltu": "sltiu"}[compare]
    if operands == "s, t":
        found.append((f"{name} d, s, x", f"{immediate} d, s, x{end}"))
    return [
        *found,
        (f"{name} d, s, w", f"li at, w; {compare} d, {operands.replace('t', 'at')}{end}"),
    ]


def _comparing_branch(
    name: str, operands: str, letter: str, on_registers: str, on_number: str
) -> list[tuple[str, str]]:
    """A branch by a signed and an unsigned comparison. Where `letter` is m, s is compared with the
    number behind: s > m is s >= m + 1."""
    more = " + 1" if letter == "m" else ""
    return [
        entry
        for u in ("", "u")
        for entry in (
            (f"{name}{u} s, t, b", f"slt{u} at, {operands}; {on_registers} at, zero, b"),
            (
                f"{name}{u} s, {letter}, b",
                f"slti{u} at, s, {letter}{more}; {on_number} at, zero, b",
            ),
            (f"{name}{u} s, w, b", f"li at, w{more}; slt{u} at, s, at; {on_number} at, zero, b"),
        )
    ]


_BRANCHES: list[tuple[str, str]] = [
    ("bgtu zero, w, b", "nop"),
    ("bleu zero, w, b", "b b"),
    *(
        (f"{name}, b", meaning)
        for operands, meaning in {
            "bge s, {}": "bgez s, b",
            "blt s, {}": "bltz s, b",
            "bgt s, {}": "bgtz s, b",
            "ble s, {}": "blez s, b",
            "bgeu s, {}": "b b",
            "bltu s, {}": "nop",
            "bgtu s, {}": "bne s, zero, b",
            "bleu s, {}": "beq s, zero, b",
        }.items()
        for name in (operands.format("zero"), operands.format("o"))
    ),
    ("bge zero, t, b", "blez t, b"),
    ("bge s, l, b", "bgtz s, b"),
    ("bge s, L, b", "b b"),
    ("blt zero, t, b", "bgtz t, b"),
    ("blt s, l, b", "blez s, b"),
    ("bgt zero, t, b", "bltz t, b"),
    ("bgt s, g, b", "nop"),
    ("bgt s, v, b", "bgez s, b"),
    ("ble zero, t, b", "bgez t, b"),
    ("ble s, g, b", "b b"),
    ("ble s, v, b", "bltz s, b"),
    ("bgeu zero, t, b", "beq zero, t, b"),
    ("bgeu s, l, b", "bne s, zero, b"),
    ("bltu zero, t, b", "bne zero, t, b"),
    ("bltu s, l, b", "beq s, zero, b"),
    ("bgtu zero, t, b", "nop"),
    ("bgtu s, v, b", "nop"),
    ("bleu zero, t, b", "b b"),
    ("bleu s, v, b", "b b"),
    *_comparing_branch("bge", "s, t", "x", "beq", "beq"),
    *_comparing_branch("blt", "s, t", "x", "bne", "bne"),
    *_comparing_branch("bgt", "t, s", "m", "bne", "beq"),
    *_comparing_branch("ble", "t, s", "m", "beq", "bne"),
]

_UNALIGNED: list[tuple[str, str]] = [
    ("ulw t, p(t)", "lwl at, p + left(t); lwr at, p + right(t); nop; move t, at"),
    ("ulw zero, p", "lwl at, p + left(zero); lwr at, p + right(zero); nop; move zero, at"),
    *(
        (f"{name}{operand}", body.replace("(s)", base))
        for operand, base in (("(s)", "(s)"), ("", "(zero)"))
        for name, body in {
            "ulw t, p": "lwl t, p + left(s); lwr t, p + right(s)",
            "usw t, p": "swl t, p + left(s); swr t, p + right(s)",
            "ulh t, z": "lb at, z + high(s); lbu t, z + low(s); sll at, at, 8; or t, t, at",
            "ulhu t, z": "lbu at, z + high(s); lbu t, z + low(s); sll at, at, 8; or t, t, at",
            "ush t, z": "sb t, z + low(s); srl at, t, 8; sb at, z + high(s)",
        }.items()
    ),
    *(
        (f"{name} t, {operand}", f"la at, {operand}; {body}")
        for operand in ("x(s)", "w(s)", "a(s)", "w", "a")
        for name, body in {
            "ulw": "lwl t, left(at); lwr t, right(at)",
            "usw": "swl t, left(at); swr t, right(at)",
            "ulh": "lb t, high(at); lbu at, low(at); sll t, t, 8; or t, t, at",
            "ulhu": "lbu t, high(at); lbu at, low(at); sll t, t, 8; or t, t, at",
            "ush": "sb t, low(at); srl t, t, 8; sb t, high(at); lbu at, low(at); sll t, t, 8; "
            "or t, t, at",
        }.items()
    ),
]

_PAIRS: list[tuple[str, str]] = [
    ("ld zero, P", "lw at, P + 4(zero); lw zero, P(zero)"),
    ("ld t, P(t)", "lw tt, P + 4(t); lw t, P(t)"),
    *(
        (f"{name} t, {operand}", body.format(load))
        for name, load in (("ld", "lw"), ("sd", "sw"))
        for operand, body in {
            "P(s)": "{0} t, P(s); {0} tt, P + 4(s)",
            "x(s)": "addiu at, s, x; {0} t, 0(at); {0} tt, 4(at)",
            "P": "{0} t, P(zero); {0} tt, P + 4(zero)",
            "x": "addiu at, zero, x; {0} t, 0(at); {0} tt, 4(at)",
            "a(s)": "lui at, %hi(a); addu at, s, at; {0} t, %lo(a)(at); {0} tt, %lo(a + 4)(at)",
            "a": "lui at, %hi(a); {0} t, %lo(a)(at); {0} tt, %lo(a + 4)(at)",
        }.items()
    ),
]

_TRUNCATION = (
    "{{; cfc1 t, $31; cfc1 t, $31; nop; ori at, t, 3; xori at, at, 2; ctc1 at, $31; nop; "
    "cvt.w.{} w, v; ctc1 t, $31; nop; }}"
)
"""A cast to an integer, with "towards zero" in FCSR meanwhile; t keeps FCSR."""

MACROS: list[tuple[str, str]] = [
    ("li t, x", "addiu t, zero, x"),
    ("li t, y", "ori t, zero, y"),
    ("li t, k", "lui t, (k >> 16) & 0xffff"),
    ("li t, w", "lui t, (w >> 16) & 0xffff; ori t, t, w & 0xffff"),
    ("la t, i(s)", "addiu t, s, i"),
    ("la t, x(s)", "addiu t, s, x"),
    ("la zero, x", "addiu zero, zero, x"),
    ("la zero, w", "li at, w"),
    ("la zero, a", "la at, a"),
    ("la t, w", "li t, w"),
    ("la t, a", "lui t, %hi(a); addiu t, t, %lo(a)"),
    ("la t, w(t)", "li at, w; addu t, at, t"),
    ("la t, a(t)", "la at, a; addu t, at, t"),
    ("la t, w(s)", "li t, w; addu t, t, s"),
    ("la t, a(s)", "lui t, %hi(a); addiu t, t, %lo(a); addu t, t, s"),
    ("j s", "jr s"),
    ("jal s", "jalr ra, s"),
    ("jal d, s", "jalr d, s"),
    ("neg d", "neg d, d"),
    ("negu d", "negu d, d"),
    ("not d", "not d, d"),
    ("abs d", "abs d, d"),
    ("c1 f", "cop1 f"),
    *((f"trunc.w.{letter} $fw, $fv, t", _TRUNCATION.format(letter)) for letter in "sd"),
    ("c2 f", "cop2 f"),
    ("c3 f", "cop3 f"),
    ("ssnop", "sll zero, zero, 1"),
    ("ehb", "sll zero, zero, 3"),
    ("abs d, d", "{; bgez d, 1f; nop; neg d, d; 1: }"),
    ("abs d, s", "{; bgez s, 1f; move d, s; neg d, s; 1: }"),
    ("rol d, s, t", "negu at, t; srlv at, s, at; sllv d, s, t; or d, d, at"),
    ("ror d, s, t", "negu at, t; sllv at, s, at; srlv d, s, t; or d, d, at"),
    *(
        entry
        for name, one, other in (("rol", "sll", "srl"), ("ror", "srl", "sll"))
        for entry in (
            (f"{name} d, s, M", "srl d, s, 0"),
            (f"{name} d, s, w", f"{one} at, s, w & 31; {other} d, s, -w & 31; or d, d, at"),
        )
    ),
    ("mul d, s, t", "multu s, t; mflo d"),
    ("mul d, s, w", "li at, w; mult s, at; mflo d"),
    *_multiplication("s, t", "", "t"),
    *_multiplication("s, w", "li at, w; ", "at"),
    ("div s, t", "div zero, s, t"),
    ("divu s, t", "divu zero, s, t"),
    ("rem zero, s, t", "div zero, s, t"),
    ("remu zero, s, t", "divu zero, s, t"),
    *_division("div", "div", "mflo"),
    *_division("rem", "div", "mfhi"),
    *_division("divu", "divu", "mflo"),
    *_division("remu", "divu", "mfhi"),
    ("seq d, s, zero", "sltiu d, s, 1"),
    ("seq d, zero, t", "sltiu d, t, 1"),
    ("seq d, s, t", "xor d, s, t; sltiu d, d, 1"),
    ("seq d, s, o", "sltiu d, s, 1"),
    ("seq d, zero, w", "move d, zero"),
    ("seq d, s, y", "xori d, s, y; sltiu d, d, 1"),
    ("seq d, s, n", "addiu d, s, -n; sltiu d, d, 1"),
    ("seq d, s, w", "li at, w; xor d, s, at; sltiu d, d, 1"),
    ("sne d, s, zero", "sltu d, zero, s"),
    ("sne d, zero, t", "sltu d, zero, t"),
    ("sne d, s, t", "xor d, s, t; sltu d, zero, d"),
    ("sne d, s, o", "sltu d, zero, s"),
    ("sne d, zero, w", "addiu d, zero, 1"),
    ("sne d, s, y", "xori d, s, y; sltu d, zero, d"),
    ("sne d, s, n", "addiu d, s, -n; sltu d, zero, d"),
    ("sne d, s, w", "li at, w; xor d, s, at; sltu d, zero, d"),
    *_comparison("sgt", "slt", "t, s", flip=False),
    *_comparison("sgtu", "sltu", "t, s", flip=False),
    *_comparison("sge", "slt", "s, t", flip=True),
    *_comparison("sgeu", "sltu", "s, t", flip=True),
    *_comparison("sle", "slt", "t, s", flip=True),
    *_comparison("sleu", "sltu", "t, s", flip=True),
    ("sll d, t, s", "sllv d, t, s"),
    ("srl d, t, s", "srlv d, t, s"),
    ("sra d, t, s", "srav d, t, s"),
    ("sub d, s, n", "addi d, s, -n"),
    ("subu d, s, n", "addiu d, s, -n"),
    *_BRANCHES,
    *(
        entry
        for name in ("beq", "bne")
        for entry in (
            (f"{name} s, o, b", f"{name} s, zero, b"),
            (f"{name} s, w, b", f"li at, w; {name} s, at, b"),
        )
    ),
    *(
        (f"{name} d, s, {letter}", f"{immediate} d, s, {letter}")
        for name, immediate, letter in (
            ("add", "addi", "x"),
            ("addu", "addiu", "x"),
            ("slt", "slti", "x"),
            ("sltu", "sltiu", "x"),
            ("and", "andi", "y"),
            ("or", "ori", "y"),
            ("xor", "xori", "y"),
        )
    ),
    ("nor d, s, y", "ori d, s, y; nor d, d, zero"),
    *(
        (f"{name} d, s, w", f"li at, w; {name} d, s, at")
        for name in ("add", "addu", "sub", "subu", "slt", "sltu", "and", "or", "xor", "nor")
    ),
    *_UNALIGNED,
    *_PAIRS,
]

_LOADS_INTO_T = ("lb", "lbu", "lh", "lhu", "lw", "ll")


def memory_macros(name: str, register: str) -> list[tuple[str, str]]:
    """The forms of a load or store, named `name`, that take an address of any size.

    `register` is how its syntax writes the register. Loads go through their own register where
    that can be, so that they can be used where at must stay.
    """
    near = [
        (f"{name} {register}, i", f"{name} t, i(zero)"),
        (f"{name} {register}, x", f"{name} t, x(zero)"),
        (f"{name} {register}, x(s)", f"{name} t, x(s)"),
    ]
    through_t = [
        (f"{name} t, a", f"lui t, %hi(a); {name} t, %lo(a)(t)"),
        (f"{name} t, a(s)", f"lui t, %hi(a); addu t, t, s; {name} t, %lo(a)(t)"),
    ]
    direct = f"lui at, %hi(a); {name} t, %lo(a)(at)"
    indexed = f"lui at, %hi(a); addu at, at, {{}}; {name} t, %lo(a)(at)"
    if name not in _LOADS_INTO_T:
        return [
            *near,
            (f"{name} {register}, a", direct),
            (f"{name} {register}, a(s)", indexed.format("s")),
        ]
    return [
        *near,
        (f"{name} zero, a", direct.replace(" t,", " zero,")),
        (f"{name} zero, a(s)", indexed.format("s").replace(" t,", " zero,")),
        (f"{name} t, a(t)", indexed.format("t")),
        *through_t,
    ]
