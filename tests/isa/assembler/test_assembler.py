"""The assembler: statements, expressions, directives, layout, and what comes out."""

import io
import re
from contextlib import suppress

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from kseg.isa.assembler import AssemblyError, Program, assemble
from kseg.isa.registers import GPR_NAMES
from kseg.machine.elf import parse_image


def words(source: str, **options: str) -> list[int]:
    return assemble(source, **options).words  # type: ignore[arg-type]


def same(source: str, plain: str) -> None:
    """Both sources make the same words."""
    assert words(source) == words(plain)


# Registers and comments.


@pytest.mark.parametrize("number", range(32))
def test_registers_have_several_names(number: int) -> None:
    name = GPR_NAMES[number]
    expected = 0x00000021 | number << 11
    for text in (name, f"${name}", f"${number}", f"r{number}"):
        assert words(f"addu {text}, zero, $0") == [expected]


def test_comments_and_separators() -> None:
    source = """
        nop            # to the end of the line
        nop // too     /* not the start of anything
        nop; nop       /* over
        several lines */; nop
    """
    assert words(source) == [0] * 5


# Labels.


def test_labels_forward_and_backward() -> None:
    program = assemble("start: b end\n nop\n end: b start\n nop")
    assert program.symbols == {"start": 0x80001000, "end": 0x80001008}
    assert program.words == [0x10000001, 0, 0x1000FFFD, 0]


def test_numeric_labels_name_the_nearest() -> None:
    same("1: nop; 1: b 1b; nop; b 1f; nop; 1: nop", "nop; a: b a; nop; b c; nop; c: nop")


def test_a_dot_is_the_address_of_the_statement() -> None:
    same("b .; nop", "here: b here; nop")
    same("blt a0, a1, .; nop", "here: slt at, a0, a1; bne at, zero, here; nop")


# Expressions.


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("1 << 4 | 3", 19),
        ("1 << 4 - 1", 15),
        ("4 + 1 & 1", 5),
        ("7 & 3 + 8", 11),
        ("6 ^ 3 & 5", 5),
        ("0xff & ~0xf ^ 1", 0xF1),
        ("-7 % 3", -1 & 0xFFFFFFFF),
        ("5 == 5", 0xFFFFFFFF),
        ("5 <> 5", 0),
        ("3 < 4 && 4 <= 4", 1),
        ("0 || !1", 0),
        ("5 ! 2", -3 & 0xFFFFFFFF),
        ("'a + '\\n", 107),
        ("7 - 2 - 1", 4),
        ("-7 / 2", -3 & 0xFFFFFFFF),
        ("-(2 + 3) * -2", 10),
        ("0b101 + 010 + 'A'", 5 + 8 + 65),
        (r"'\n' << 8 | '\''", 0x0A27),
        ("%hi(0x12348000)", 0x1235),
        ("%lo(0x12348000)", 0xFFFF8000),
        ("0x80000000 >> 31", 1),
    ],
)
def test_expressions(expression: str, value: int) -> None:
    assert words(f".word {expression}") == [value]


_LEAVES = st.integers(0, 1000).map(str)
_RANKS = {"*": 6, "&": 5, "|": 5, "^": 5, "+": 4, "-": 4}


@st.composite
def _expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, str]:
    """An expression, and the same with all its brackets."""
    if depth == 0:
        leaf = draw(_LEAVES)
        return leaf, leaf
    parts = draw(st.lists(_expressions(depth - 1), min_size=1, max_size=4))
    operators = [draw(st.sampled_from(list(_RANKS))) for _ in parts[1:]]
    text = "".join(
        f"({part}) {operator} " for (part, _), operator in zip(parts, operators, strict=False)
    )
    text += f"({parts[-1][0]})"
    full = [f"({each})" for _, each in parts]
    for rank in (6, 5, 4):
        place = 0
        while place < len(operators):
            if _RANKS[operators[place]] == rank:
                full[place : place + 2] = [
                    f"({full[place]} {operators.pop(place)} {full[place + 1]})"
                ]
            else:
                place += 1
    return text, full[0]


@given(_expressions())
def test_operators_bind_as_in_gnu_as(expression: tuple[str, str]) -> None:
    text, bracketed = expression
    value = eval(bracketed)
    assert assemble(f"value = {text}\n").constants == {"value": value}


def test_definitions_may_come_later_and_may_change() -> None:
    assert words(".word SIZE * 2\n .equ SIZE, COUNT + 1\n COUNT = 4") == [10]
    assert words("n = 1\n .word n\n n = n + 1\n .word n\n .set n, 7\n .word n") == [1, 2, 7]


# Directives.


def test_data() -> None:
    program = assemble(
        r"""
        .byte 1, -1, 'a'
        .half 0x1234
        .ascii "ab", "\x41\101\n"
        .asciiz "c"
        .word -2, 0xffffffff
        """
    )
    assert program.code.hex(" ", 1) == (
        "01 ff 61 00 12 34 61 62 41 41 0a 63 00 00 00 00 ff ff ff fe ff ff ff ff"
    )


def test_byte_order() -> None:
    assert assemble(".word 0x01020304\n .half 5", byte_order="little").code.hex() == "040302010500"
    assert assemble("lui a0, 1", byte_order="little", profile="r3000").words == [0x3C040001]


def test_space_alignment_and_origin() -> None:
    program = assemble(
        """
        .byte 1
        .align 2
        a: .space 3
        .space 2, 0x55
        .balign 16
        b: .org 0x80001020
        c: nop
        """
    )
    assert program.symbols == {"a": 0x80001004, "b": 0x80001010, "c": 0x80001020}
    assert program.code[7:9] == b"\x55\x55"
    assert len(program.code) == 0x24


def test_labels_move_with_the_data_they_name() -> None:
    program = assemble(".byte 1\n value: .word 2")
    assert program.symbols == {"value": 0x80001004}


def test_sections_follow_each_other() -> None:
    program = assemble(
        """
        .data
        d: .word t
        .text
        t: .word d
        .section .rodata.str1, "a"
        r: .byte 1
        .bss
        b: .space 8
        """
    )
    assert program.symbols == {
        "t": 0x80001000,
        "r": 0x80001010,
        "d": 0x80001020,
        "b": 0x80001030,
    }
    assert program.words[0] == 0x80001020
    assert program.words[8] == 0x80001000
    assert len(program.code) == 0x38


def test_what_only_concerns_a_linker_or_a_debugger_is_accepted() -> None:
    source = """
        .set noreorder
        .set noat
        .globl main
        .ent main
        .type main, @function
        main: nop
        .end main
        .size main, . - main
    """
    assert words(source) == [0]


# Pseudo-instructions.


@pytest.mark.parametrize(
    ("pseudo", "plain"),
    [
        ("nop", "sll zero, zero, 0"),
        ("move a0, a1", "or a0, a1, zero"),
        ("li a0, 5", "addiu a0, zero, 5"),
        ("li a0, -5", "addiu a0, zero, -5"),
        ("li a0, 0x8000", "ori a0, zero, 0x8000"),
        ("li a0, 0x12340000", "lui a0, 0x1234"),
        ("li a0, 0x12345678", "lui a0, 0x1234; ori a0, a0, 0x5678"),
        ("li a0, -0x12345678", "lui a0, 0xedcb; ori a0, a0, 0xa988"),
        ("la a0, 0x8000fff0", "lui a0, 0x8000; ori a0, a0, 0xfff0"),
        ("la a0, 8(a1)", "addiu a0, a1, 8"),
        ("lw a0, 0x8000fff0", "lui a0, 0x8001; lw a0, -16(a0)"),
        ("lw a0, 0x80010004(a1)", "lui a0, 0x8001; addu a0, a0, a1; lw a0, 4(a0)"),
        ("lw a0, 0x80010004(a0)", "lui at, 0x8001; addu at, at, a0; lw a0, 4(at)"),
        ("lwl a0, 0x80010004", "lui at, 0x8001; lwl a0, 4(at)"),
        ("sw a0, 0x80010004", "lui at, 0x8001; sw a0, 4(at)"),
        ("lwc1 $f2, 0x80010004", "lui at, 0x8001; lwc1 $f2, 4(at)"),
        ("lw a0, 4", "lw a0, 4(zero)"),
        ("lw a0, (a1)", "lw a0, 0(a1)"),
        ("lw a0, (4 + 4)(a1)", "lw a0, 8(a1)"),
        ("beqz a0, .", "beq a0, zero, ."),
        ("bnez a0, .", "bne a0, zero, ."),
        ("bal .", "bgezal zero, ."),
        ("beq a0, 0, .", "beq a0, zero, ."),
        ("bne a0, 100, . + 4", "addiu at, zero, 100; bne a0, at, . + 0"),
        ("blt a0, zero, .", "bltz a0, ."),
        ("ble a0, 0, .", "blez a0, ."),
        ("bgtu a0, a1, . + 4", "sltu at, a1, a0; bne at, zero, ."),
        ("bleu a0, a1, . + 4", "sltu at, a1, a0; beq at, zero, ."),
        ("bge a0, 5, . + 4", "slti at, a0, 5; beq at, zero, ."),
        ("neg a0, a1", "sub a0, zero, a1"),
        ("negu a0, a1", "subu a0, zero, a1"),
        ("not a0, a1", "nor a0, a1, zero"),
        ("seq a0, a1, a2", "xor a0, a1, a2; sltiu a0, a0, 1"),
        ("sge a0, a1, a2", "slt a0, a1, a2; xori a0, a0, 1"),
        ("mul a0, a1, a2", "multu a1, a2; mflo a0"),
        (
            "div a0, a1, a2",
            """bne a2, zero, 1f; div zero, a1, a2; break 7; 1: addiu at, zero, -1; bne a2, at, 1f
            lui at, 0x8000; bne a1, at, 1f; nop; break 6; 1: mflo a0""",
        ),
        ("div a0, a1", "div zero, a0, a1"),
        ("div a0, a1, 10", "addiu at, zero, 10; div zero, a1, at; mflo a0"),
        ("rem a0, a1, 1", "move a0, zero"),
        ("remu a0, a1, a2", "bne a2, zero, 1f; divu zero, a1, a2; break 7; 1: mfhi a0"),
        ("abs a0, a1", "bgez a1, 1f; move a0, a1; neg a0, a1; 1:"),
        ("rol a0, a1, 3", "sll at, a1, 3; srl a0, a1, 29; or a0, a0, at"),
        ("ror a0, a1, a2", "negu at, a2; sllv at, a1, at; srlv a0, a1, a2; or a0, a0, at"),
        ("ulw a0, 3(a1)", "lwl a0, 3(a1); lwr a0, 6(a1)"),
        ("ush a0, 1(a1)", "sb a0, 2(a1); srl at, a0, 8; sb at, 1(a1)"),
        ("ld a0, 8(a0)", "lw a1, 12(a0); lw a0, 8(a0)"),
        ("seq a0, a1, 5", "xori a0, a1, 5; sltiu a0, a0, 1"),
        ("sge a0, a1, 5", "slti a0, a1, 5; xori a0, a0, 1"),
        ("neg a0", "sub a0, zero, a0"),
        ("not a0", "nor a0, a0, zero"),
        ("addu a0, a1, 100", "addiu a0, a1, 100"),
        ("addu a0, 100", "addiu a0, a0, 100"),
        ("addiu sp, -32", "addiu sp, sp, -32"),
        ("sub a0, a1, 3", "addi a0, a1, -3"),
        ("and a0, a1, 0xff", "andi a0, a1, 0xff"),
        ("or a0, a1, 0x12345678", "lui at, 0x1234; ori at, at, 0x5678; or a0, a1, at"),
        ("sll a0, a1, a2", "sllv a0, a1, a2"),
        ("j ra", "jr ra"),
        ("jal t9", "jalr ra, t9"),
        ("jalr t9", "jalr ra, t9"),
        ("ori a0, a0, %lo(0x1fff0)", "ori a0, a0, 0xfff0"),
        ("mfc0 k0, c0_cause", "mfc0 k0, $13"),
        ("mfc0 k0, c0_config1", "mfc0 k0, $16, 1"),
        ("mtc0 k0, c0_sr", "mtc0 k0, $12"),
    ],
)
def test_pseudo_instructions(pseudo: str, plain: str) -> None:
    if ". + " in pseudo:
        # The dot is the pseudo-instruction's own address, so the target moves with it.
        plain = plain.replace(". + 0", ".")
    same(pseudo, plain)


@given(st.integers(-(1 << 31), (1 << 32) - 1))
def test_li_loads_any_number(value: int) -> None:
    register = 0
    for word in words(f"li a0, {value}"):
        immediate = word & 0xFFFF
        match word >> 26:
            case 0x0F:
                register = immediate << 16
            case 0x0D:
                register |= immediate
            case 0x09:
                register = (immediate ^ 0x8000) - 0x8000 & 0xFFFFFFFF
    assert register == value & 0xFFFFFFFF


def test_a_forward_constant_makes_the_long_form_but_the_right_one() -> None:
    assert words("li a0, later; later = 5") == [0x3C040000, 0x34840005]
    assert words("earlier = 5; li a0, earlier") == [0x24040005]


# What comes out.


def test_listing() -> None:
    program = assemble('main: li a0, 0x12345678\n # a comment\n .asciiz "hi"')
    assert program.listing() == (
        "80001000  3c041234      1  main: li a0, 0x12345678\n"
        "80001004  34845678\n"
        "                        2   # a comment\n"
        '80001008  686900        3   .asciiz "hi"\n'
    )


def test_entry() -> None:
    assert assemble("nop; main: nop").entry == 0x80001004
    assert assemble("main: nop; _start: nop").entry == 0x80001004
    assert assemble("other: nop").entry == 0x80001000


@pytest.mark.parametrize("byte_order", ["big", "little"])
def test_elf_is_what_the_loader_takes(byte_order: str) -> None:
    program = assemble("nop; main: nop\n .data\n x: .word 1", 0x80001234, byte_order=byte_order)
    image = parse_image(program.to_elf(), byte_order=byte_order)
    assert image.entry == 0x80001238
    (segment,) = image.segments
    assert (segment.address, segment.data) == (0x80001234, program.code)
    assert segment.executable


@pytest.mark.parametrize("byte_order", ["big", "little"])
def test_elf_has_sections_and_symbols(byte_order: str) -> None:
    program = assemble("N = 3\n main: nop\n .data\n x: .word 1", byte_order=byte_order)
    file = ELFFile(io.BytesIO(program.to_elf()))
    assert file.get_section_by_name(".text").data() == bytes(4)
    assert file.get_section_by_name(".data")["sh_addr"] == program.symbols["x"]
    symbols = file.get_section_by_name(".symtab")
    values = {symbol.name: symbol["st_value"] for symbol in symbols.iter_symbols() if symbol.name}
    assert values == {"main": 0x80001000, "x": program.symbols["x"], "N": 3}


# Errors.


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("frob a0", "1: mips161 has no instruction frob"),
        ("addu a0", "1: expected addu d, s, t or addu d, s, i"),
        ("addiu a0, a0, 70000", "1: addiu: 70000 is not from -32768 to 32767"),
        ("ori a0, a0, -1", "1: ori: -1 is not from 0 to 65535"),
        ("sll a0, a0, 32", "1: sll: 32 is not from 0 to 31"),
        ("li a0, 0x100000000", "1: li: 4294967296 is not a 32-bit number"),
        ("nop\nb 0x80041004", "2: b: branch target 0x80041004 is 262140 bytes away"),
        ("j 0x10000010", "1: j: jump target 0x10000010 is not in the 256 MiB"),
        ("b nowhere", "1: b: nowhere is not defined"),
        ("b 1f", "1: b: no label 1 in that direction"),
        ("x: nop\nx: nop", "2: x is defined twice"),
        ("x: nop\nx = 1", "2: x is defined twice"),
        ("a0: nop", "1: a0 is a register"),
        ("lw a0, 4(b1)", "1: expected a register in brackets, not 'b1'"),
        ("addu $f1, a0, a0", "1: expected addu d, s, t"),
        ("addu $32, a0, a0", "1: no register $32"),
        ("addu a0, a0, a0 a0", "1: did not expect 'a0'"),
        (".word 0x100000000", "1: 4294967296 does not fit in 32 bits"),
        (".byte 256", "1: 256 does not fit in 8 bits"),
        (".word 1 +", "1: expected a number or a name, not 'end of statement'"),
        (".word 1 / 0", "1: division by zero"),
        (".word 1 << 99", "1: shift by 99"),
        (".word 09", "1: 09 is not an octal number"),
        (".ascii hello", "1: expected a string in quotes, not 'hello'"),
        (".align 40", "1: .align cannot take 40"),
        (".space -1", "1: -1 bytes do not fit"),
        (".space 0x7fffffff", "1: 2147483647 bytes do not fit"),
        (".org 0x80000000", "1: .org 0x80000000 is behind 0x80001000"),
        (".byte 1\nnop", "2: an instruction at 0x80001001: put .align 2 before it"),
        (".frob", "1: no directive .frob"),
        (".set frob", "1: .set does not know 'frob'"),
        (".section .mine", '1: section .mine needs flags, such as .section .mine,"aw"'),
        ("N =", "1: expected a number or a name, not 'end of statement'"),
        ("nop !", "1: expected a number or a name, not 'end of statement'"),
        (".word " + "(" * 200 + "1" + ")" * 200, "1: expression too deep"),
        (".word 1" + "+1" * 500, "1: expression too long"),
        ("a = b\nb = a + 1", "addresses do not settle|is not defined"),
        ("x: .space 8 - (y - x)\ny:", "do not settle|do not fit"),
    ],
)
def test_errors_say_where_and_what(source: str, complaint: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(source, name="test.s")
    assert str(caught.value).startswith("test.s:")
    assert any(part in str(caught.value) for part in complaint.split("|")), caught.value
    assert re.fullmatch(r"test\.s:\d+: .*", str(caught.value).splitlines()[0])


def test_all_errors_are_reported_in_order() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble("frob\n nop\n .word nowhere\n addiu a0, a0, 99999")
    assert [line for line, _ in caught.value.problems] == [1, 3, 4]


@pytest.mark.parametrize(
    "options",
    [{"byte_order": "middle"}, {"profile": "r4000"}, {"origin": 2}, {"origin": -4}],
)
def test_arguments_are_checked(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"middle|r4000|origin"):
        assemble("nop", **options)  # type: ignore[arg-type]


_NONSENSE = r"""addu lw li b .word .space .org .align x: x = 1 1f 1b a0 $4 , ( ) + - * / % ' " # ;
0xffffffff %hi %lo( 99999999999 \ . c0_cause"""
_FRAGMENTS = st.sampled_from([*_NONSENSE.split(), "\n"])


@given(st.lists(_FRAGMENTS, max_size=25).map(" ".join) | st.text(max_size=60))
def test_nonsense_gives_a_program_or_an_assembly_error(source: str) -> None:
    program: Program | None = None
    with suppress(AssemblyError):
        program = assemble(source)
    if program:
        program.listing()
        program.to_elf()


def test_addresses_that_come_later_make_no_longer_code() -> None:
    """The same length, whether or not an address is known when its user is read."""
    user = "lui t0, %hi(x + 4); lw t0, %lo(x + 4)(t0); lw v0, x; sw v0, x; lbu v0, x(a0); la a1, x"
    assert words(f"{user}\n.data\nx: .word 0") == words(f".data\nx: .word 0\n.text\n{user}")
