"""The disassembler: its style, against the assembler, and against capstone."""

import re

import capstone
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kseg.isa.assembler import assemble
from kseg.isa.disassembler import disassemble, nearest
from tests.isa.words import Sample, samples

ADDRESS = 0x80001000


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0x00851021, "addu v0,a0,a1"),
        (0x27BDFFE0, "addiu sp,sp,-32"),
        (0x34840FFF, "ori a0,a0,0xfff"),
        (0x00042140, "sll a0,a0,5"),
        (0x8FBF001C, "lw ra,28(sp)"),
        (0x1000FFFF, "b 0x80001000"),
        (0x14850003, "bne a0,a1,0x80001010"),
        (0x0C000100, "jal 0x80000400"),
        (0x0000000C, "syscall"),
        (0x0007000D, "break 0x7"),
        (0x000301CD, "break 0x3,0x7"),
        (0x401A6800, "mfc0 k0,c0_cause"),
        (0x401A3800, "mfc0 k0,$7"),
        (0x40046001, "mfc0 a0,$12,1"),
        (0xC4820004, "lwc1 $f2,4(a0)"),
        (0xC8820004, "lwc2 $2,4(a0)"),
        (0x42000010, "rfe"),
        (0xFFFFFFFF, ".word 0xffffffff"),
    ],
)
def test_style(word: int, text: str) -> None:
    assert disassemble(word, ADDRESS) == text


@pytest.mark.parametrize(
    ("word", "pseudo", "plain"),
    [
        (0x00000000, "nop", "sll zero,zero,0"),
        (0x00A02025, "move a0,a1", "or a0,a1,zero"),
        (0x2404FFFB, "li a0,-5", "addiu a0,zero,-5"),
        (0x34048000, "li a0,0x8000", "ori a0,zero,0x8000"),
        (0x34040005, "ori a0,zero,0x5", "ori a0,zero,0x5"),
        (0x10000001, "b 0x80001008", "beq zero,zero,0x80001008"),
        (0x10800001, "beqz a0,0x80001008", "beq a0,zero,0x80001008"),
        (0x14800001, "bnez a0,0x80001008", "bne a0,zero,0x80001008"),
        (0x04110001, "bal 0x80001008", "bgezal zero,0x80001008"),
        (0x00052023, "negu a0,a1", "subu a0,zero,a1"),
        (0x00A02027, "not a0,a1", "nor a0,a1,zero"),
        (0x0120F809, "jalr t1", "jalr ra,t1"),
    ],
)
def test_pseudo_instructions_are_optional(word: int, pseudo: str, plain: str) -> None:
    assert disassemble(word, ADDRESS) == pseudo
    assert disassemble(word, ADDRESS, pseudo=False) == plain


def test_names_depend_on_the_profile() -> None:
    assert disassemble(0x40048001, profile="mips161") == "mfc0 a0,c0_config1"
    assert disassemble(0x40048001, profile="r3000") == "mfc0 a0,$16,1"
    assert disassemble(0xC0820000, profile="mips161") == "ll v0,0(a0)"
    assert disassemble(0xC0820000, profile="r3000") == "lwc0 $2,0(a0)"
    assert disassemble(0xBC820000, profile="mips161") == "cache 2,0(a0)"


def test_words_with_ignored_bits_stay_words() -> None:
    assert disassemble(0x00851061) == ".word 0x00851061  # addu v0,a0,a1"


def test_branches_can_be_distances() -> None:
    assert disassemble(0x14850003, ADDRESS, relative=True) == "bne a0,a1,.+16"
    assert disassemble(0x1000FFFF, 0, relative=True) == "b .+0"


def test_targets_get_names() -> None:
    names = nearest({"main": 0x80001000, "also_main": 0x80001000, "far": 0x80100000})
    assert disassemble(0x1000FFFF, ADDRESS, symbols=names) == "b also_main"
    assert disassemble(0x10000002, ADDRESS, symbols=names) == "b also_main+0xc"
    assert disassemble(0x0C000010, ADDRESS, symbols=names) == "jal 0x80000040"
    assert disassemble(0x08040010, ADDRESS, symbols={0x80100040: "x"}.get) == "j x"


@pytest.mark.parametrize("word", [-1, 1 << 32])
def test_only_words_are_disassembled(word: int) -> None:
    with pytest.raises(ValueError, match="not a 32-bit word"):
        disassemble(word)


@settings(max_examples=500)
@given(samples(ignored_bits=True), st.booleans(), st.booleans())
def test_what_is_printed_assembles_to_the_same_word(
    sample: Sample, pseudo: bool, relative: bool
) -> None:
    text = disassemble(sample.word, ADDRESS, sample.profile, pseudo=pseudo, relative=relative)
    program = assemble(text, ADDRESS, profile=sample.profile)
    assert program.words == [sample.word], text


@settings(max_examples=200)
@given(samples(main_pattern=True))
def test_words_without_an_address_can_be_assembled_at_any(sample: Sample) -> None:
    text = disassemble(sample.word, 0, sample.profile, relative=True)
    program = assemble(text, ADDRESS, profile=sample.profile)
    assert program.words == [sample.word], text


# Against capstone, which knows MIPS32 and prints like LLVM.

DIFFERENT_BY_DESIGN = {
    "rfe": "not in MIPS32",
    **dict.fromkeys(("cop1", "cop2", "cop3"), "capstone decodes what the units would do"),
    **dict.fromkeys(("lwc0", "swc0", "lwc3", "swc3"), "other instructions in MIPS32"),
    **dict.fromkeys(("cfc0", "ctc0", "bc0f", "bc0t"), "not in MIPS32"),
    **dict.fromkeys(("mfc0", "mtc0"), "capstone prints CP0 registers as general ones"),
}


def _canonical(text: str) -> str:
    """Numbers in decimal, no dollar signs, no zero displacement: style does not count."""
    text = text.replace("$", "").replace(", ", ",")
    text = re.sub(r"(?<!\w)0x[0-9a-f]+", lambda match: str(int(match[0], 16)), text)
    text = re.sub(r"\b(divu?) zero,(\w+,\w+)", r"\1 \2", text)
    return re.sub(r"(?<![\w])0\(", "(", text)


NAMED_OTHERWISE = re.compile(
    r"addu \w+,\w+,zero"  # capstone's other move
    r"|jalr zero,"  # its other jr
    r"|ori \w+,zero,"  # our other li
    r"|addiu \w+,zero,"  # li, which it does not use for all registers and numbers
    r"|sll zero,zero,"  # ssnop and ehb of later processors
)


@pytest.mark.parametrize("byte_order", ["big", "little"])
@settings(max_examples=500)
@given(sample=samples(main_pattern=True))
def test_capstone_agrees(byte_order: str, sample: Sample) -> None:
    order = capstone.CS_MODE_BIG_ENDIAN if byte_order == "big" else capstone.CS_MODE_LITTLE_ENDIAN
    oracle = capstone.Cs(capstone.CS_ARCH_MIPS, capstone.CS_MODE_MIPS32 | order)
    name = sample.encoding.instruction.name
    assume(name not in DIFFERENT_BY_DESIGN)
    plain = disassemble(sample.word, ADDRESS, sample.profile, pseudo=False)
    assume(not NAMED_OTHERWISE.match(plain))
    data = sample.word.to_bytes(4, "big" if byte_order == "big" else "little")
    # Of an odd register it makes no double.
    odd = any(sample.word >> field & 1 for field in (6, 11, 16))
    assume(not (odd and sample.word >> 25 == 0b0100011))
    (theirs,) = oracle.disasm(data, ADDRESS)
    ours = disassemble(sample.word, ADDRESS, sample.profile)
    assert _canonical(ours) == _canonical(f"{theirs.mnemonic} {theirs.op_str}".strip())
