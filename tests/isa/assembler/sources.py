"""Random assembly sources, as hypothesis strategies: instructions with all kinds of operands,
labels, data, sections, macros, and ``.set``."""

from hypothesis import strategies as st

REGISTERS = "$0 $2 $3 $4 $5 $6 $7 $8 $16 $25 $29 $31".split()
TEXT_LABELS = [f"L{number}" for number in range(5)]
DATA_LABELS = [f"D{number}" for number in range(3)]
_NUMBERS = (
    0, 1, -1, 2, 5, -5, 31, 32, 100, 32767, -32768, 32768, 40000, 65535, 65536, -65536, -70000,
    0x12340000, 0x12345678, 0x7FFFFFFF, -0x80000000, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF,
)  # fmt: skip
_THREE = (
    "add addu sub subu and or xor nor slt sltu sllv srlv srav mul mulo mulou div divu rem remu"
    " seq sne sge sgeu sgt sgtu sle sleu rol ror"
).split()
_WITH_NUMBER = [name for name in _THREE if name not in ("sllv", "srlv", "srav", "mulou")]
_MEMORY = (
    "lb lbu lh lhu lw sb sh sw lwl lwr swl swr ulw usw ulh ulhu ush ld sd lwc1 swc1 lwc2 swc2"
).split()
_COMPARE = "beq bne bge bgeu bgt bgtu ble bleu blt bltu".split()
_OPERATORS = "+ - * & | ^ ! == <> < > <= >= && ||".split()

registers = st.sampled_from(REGISTERS)
numbers = (st.sampled_from(_NUMBERS) | st.integers(-(1 << 31), (1 << 32) - 1)).map(str)
labels = st.sampled_from(TEXT_LABELS + DATA_LABELS)


def _line(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda values: template.format(*values))


def names(texts: str | list[str]) -> st.SearchStrategy[str]:
    """One of several blank-separated names."""
    return st.sampled_from(texts.split() if isinstance(texts, str) else texts)


_offsets = st.sampled_from([0, 4, 8, -4, 1, 32764, 32767, -32768]).map(str)
_addresses = (
    _line("{}({})", _offsets | numbers, registers)
    | _line("({})", registers)
    | labels
    | _line("{}+{}", labels, st.integers(0, 40).map(str))
    | _line("{}({})", labels, registers)
    | numbers
)


@st.composite
def _memory(draw: st.DrawFn) -> str:
    name, register, address = draw(names(_MEMORY)), draw(registers), draw(_addresses)
    if name in ("lwc1", "swc1"):
        register = "$f2"
    if name in ("ld", "sd") and register == "$31":
        register = "$4"
    return f"{name} {register}, {address}"


instructions = st.one_of(
    _line("{} {}, {}, {}", names(_THREE), registers, registers, registers),
    _line("{} {}, {}, {}", names(_WITH_NUMBER), registers, registers, numbers),
    _line("{} {}, {}, {}", names("addi addiu slti sltiu"), registers, registers,
          st.integers(-32768, 32767).map(str)),
    _line("{} {}, {}, {}", names("andi ori xori"), registers, registers,
          st.integers(0, 65535).map(str)),
    _memory(),
    _line("{} {}, {}, {}", names(_COMPARE), registers, registers | numbers, labels),
    _line("{} {}", names("b bal j jal"), labels | st.just(".") | st.just(".+8")),
    _line("{} {}, {}", names("beqz bnez bgez bltz bgtz blez bltzal bgezal"), registers, labels),
    _line("{} $31", st.just("jr")) | st.just("jalr $25") | st.just("jalr $2, $3"),
    _line("li {}, {}", registers, numbers),
    _line("la {}, {}", registers, labels | numbers | _line("{}({})", labels | numbers, registers)),
    _line("lui {0}, %hi({1}+4)\n addiu {0}, {0}, %lo({1}+4)", registers, labels),
    _line("{} {}, {}", names("move neg negu not abs mult multu"), registers, registers),
    _line("{} {}", names("neg not abs mflo mfhi mthi mtlo"), registers),
    _line("{} {}, $12", names("mfc0 mtc0"), registers),
    _line("{} {}, {}, {}", names("sll srl sra"), registers, registers,
          registers | st.integers(0, 31).map(str)),
    names(["nop", "syscall", "break 5", "tlbwi", "tlbp", "rfe", "div $0, $4, $5", "cop2 5"]),
)  # fmt: skip


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """A number from numbers."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(names(["K", "'a", "0x1f", "7", "0b11", "010"]))
    inner = expressions(depth - 1)
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return f"{draw(names('- ~ ! +'))}({draw(inner)})"
    if kind == 1:
        return f"({draw(inner)})"
    if kind == 2:
        return f"{draw(inner)} {draw(names('/ % << >>'))} {draw(st.integers(1, 9))}"
    return f"{draw(inner)} {draw(names(_OPERATORS))} {draw(inner)}"


data = st.one_of(
    _line(".word {}, {}+4, K", labels, labels),
    _line(".word . - 4, .+{}, .", st.integers(0, 9).map(str)),
    _line(".half {}, -5", st.integers(0, 65535).map(str)),
    _line(".byte {}, 'x', . - D0", st.integers(0, 255).map(str)),
    _line(".word ({}) & 0xffffffff", expressions()),
    names([r'.ascii "a\n\x4142\1012" "b", "c"', '.asciiz "x" "y"', '.asciz "q", "r"']),
    _line(".{} {}", names("space skip zero"), st.integers(1, 8).map(str)),
    _line(".fill {}, {}, {}", *(st.integers(1, 9).map(str) for _ in range(3))),
    _line(".align {}", st.integers(0, 4).map(str)),
    _line(".{}", names(["balign 2", "balign 8", "p2align 1", "p2align 3", "balign 4, 7"])),
    _line(".{} {}", names("2byte 4byte"), st.integers(0, 65535).map(str)),
    _line(".{} 1.5, -2.25", names("float double")),
    _line(".org .+{}", st.integers(0, 9).map(str)),
)

_BEGIN = """ K = 7
 .macro twice first, offset=4
 addu \\first, \\first, \\first
 lw \\first, \\offset(\\first)
 .endm
"""


@st.composite
def sources(draw: st.DrawFn) -> str:
    """A whole source, in which every label is defined."""
    lines = [_BEGIN + f" .set {draw(names('reorder noreorder'))}"]
    waiting = {".text": list(TEXT_LABELS), ".data": list(DATA_LABELS[1:])}
    lines += [" .data", "D0: .word 5", " .text"]
    section = ".text"
    for _ in range(draw(st.integers(3, 25))):
        kind = draw(st.integers(0, 19))
        if kind == 0:
            section = ".data" if section == ".text" else ".text"
            lines.append(f" .align 2\n {section}\n .align 2")
        elif kind == 1:
            lines.append(f" .set {draw(names('reorder noreorder nomove move mips2 mips1'))}")
        elif kind in (2, 3) and waiting[section]:
            lines.append(f"{waiting[section].pop()}:")
        elif section == ".data":
            lines.append(f" {draw(data)}")
        elif kind == 4:
            lines.append(f" twice {draw(registers)}{draw(names(['', ', 8', ', offset=0']))}")
        elif kind == 5:
            lines.append(f" .rept {draw(st.integers(0, 3))}\n {draw(instructions)}\n .endr")
        elif kind == 6:
            condition = draw(expressions())
            lines.append(f" .if {condition}\n {draw(instructions)}\n .else\n syscall\n .endif")
        else:
            lines.append(f" {draw(instructions)}")
    lines += [" .align 2", " .text", " .align 2", " .set reorder"]
    lines += [f"{label}: nop" for label in waiting[".text"]]
    lines += [" .data", *(f"{label}: .word 1" for label in waiting[".data"])]
    return "\n".join(lines) + "\n"
