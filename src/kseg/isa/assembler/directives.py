"""Every directive, as tables: how it is written and what it does.

The reader, the parser and the layout look here for the part in charge of a name; the manual is
printed from here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Directive:
    """One line of the manual: names of the same meaning, what follows them, and the meaning."""

    names: str
    arguments: str
    meaning: str


def _names(directives: tuple[Directive, ...]) -> frozenset[str]:
    return frozenset(name for directive in directives for name in directive.names.split())


_SYMBOL = "NAME, ..."

TEXT_MANUAL = (
    Directive(".macro", "NAME [PARAMETER[:req|:vararg][=DEFAULT]]...", r"to `.endm`: what NAME "
              r"stands for; `\parameter`, `\()`, `\@` are replaced in it"),
    Directive(".endm .exitm", "", "end a definition; leave a macro"),
    Directive(".purgem", "NAME", "forget a macro"),
    Directive(".rept", "N", "to `.endr`: N times"),
    Directive(".irp", "NAME, VALUE, ...", r"to `.endr`: once for each value, which is `\name`"),
    Directive(".irpc", "NAME, TEXT", "the same for each character"),
    Directive(".endr", "", "ends a repetition"),
    Directive(".include", '"FILE"', "the statements of a file, looked for beside the source and "
              "in the directories of `-I`"),
    Directive(".err .error", '["TEXT"]', "an error"),
    Directive(".warning .print", '"TEXT"', "nothing"),
)  # fmt: skip
TEXT = _names(TEXT_MANUAL) | {".end_macro"}

CONDITIONS_MANUAL = (
    Directive(".if .ifne .ifeq .ifge .ifgt .ifle .iflt", "NUMBER",
              "to `.endif`: only where the number is not 0, not 0, 0, at least 0, ..."),
    Directive(".ifdef .ifndef .ifnotdef", "NAME", "where the name has (not) been defined above"),
    Directive(".ifb .ifnb", "TEXT", "where there is no (some) text"),
    Directive(".ifc .ifnc .ifeqs .ifnes", "TEXT, TEXT", "where two texts, without or with quotes, "
              "are (not) the same"),
    Directive(".elseif", "NUMBER", "otherwise, where"),
    Directive(".else .endif", "", "otherwise; the end"),
)  # fmt: skip
CONDITIONS = _names(CONDITIONS_MANUAL)

INTEGERS = {
    ".byte": 1,
    **dict.fromkeys((".half", ".hword", ".short"), 2),
    **dict.fromkeys((".word", ".long", ".int"), 4),
    **dict.fromkeys((".dword", ".quad"), 8),
}
"""Bytes of a number, by directive. They are aligned."""
UNALIGNED = {".2byte": 2, ".4byte": 4, ".8byte": 8}
FLOATS = {".float": 4, ".single": 4, ".double": 8}
STRINGS = frozenset((".ascii", ".asciiz", ".asciz", ".string"))
ZEROS = frozenset((".space", ".skip", ".zero"))

DATA_MANUAL = (
    Directive(".byte .half .hword .short .word .long .int .dword .quad", "NUMBER, ...",
              "numbers of 1, 2, 2, 2, 4, 4, 4, 8, 8 bytes, aligned; `.word 5:3` repeats"),
    Directive(".2byte .4byte .8byte", "NUMBER, ...", "the same, not aligned"),
    Directive(".float .single .double", "NUMBER, ...", "IEEE 754 numbers, aligned"),
    Directive(".ascii", '"TEXT" ["TEXT"]..., ...', "strings without a zero byte"),
    Directive(".asciiz .asciz .string", '"TEXT" ["TEXT"]..., ...', "strings, each with a zero "
              "byte; several without a comma are one"),
    Directive(".space .skip .zero", "SIZE[, BYTE]", "bytes, zero if it does not say"),
    Directive(".fill", "N[, SIZE[, NUMBER]]", "N times a number of SIZE bytes (1), at most 8"),
    Directive(".uleb128 .sleb128", "NUMBER, ...", "numbers in DWARF's form"),
    Directive(".incbin", '"FILE"[, SKIP[, COUNT]]', "the bytes of a file"),
)  # fmt: skip

PLACE_MANUAL = (
    Directive(".align", "POWER[, BYTE]", "to a multiple of 2**POWER; labels before it move along. "
              "`.align 0` ends automatic alignment, until the next `.align` or section"),
    Directive(".p2align", "POWER[, BYTE[, MOST]]", "the same, but labels stay, and nothing is done "
              "where it would take more than MOST bytes"),
    Directive(".balign", "BYTES[, BYTE[, MOST]]", "to a multiple of BYTES; labels stay"),
    Directive(".org", "PLACE[, BYTE]", "on to a label with an offset; or to a number: an offset in "
              "the section, or, from the section's own address on, an address"),
)  # fmt: skip
ALIGNMENTS = frozenset((".align", ".p2align", ".balign"))

SECTION_MANUAL = (
    Directive(".text .data .rdata .sdata .bss .sbss", "[SUBSECTION]", "go on there (`.rdata` is "
              "the section .rodata)"),
    Directive(".section", 'NAME[, "FLAGS"[, @progbits|@nobits]]', "go on in any section; those "
              "without the flag `a`, such as .comment, are read and left out"),
    Directive(".subsection", "N", "go on in another part of the section"),
    Directive(".previous", "", "go back to the section before"),
    Directive(".pushsection .popsection", "NAME ...", "go to a section, and back"),
)  # fmt: skip
SHORT_SECTIONS = {
    ".text": ".text",
    ".data": ".data",
    ".rdata": ".rodata",
    ".rodata": ".rodata",
    ".sdata": ".sdata",
    ".bss": ".bss",
    ".sbss": ".sbss",
}
SECTIONS = _names(SECTION_MANUAL) | {".rodata"}

SYMBOL_MANUAL = (
    Directive(".set .equ", "NAME, EXPRESSION", "define a name, or change it; `NAME = EXPRESSION` "
              "does the same"),
    Directive(".equiv", "NAME, EXPRESSION", "define a name that is not defined yet"),
    Directive(".comm", "NAME, SIZE[, ALIGNMENT]", "room in .bss, unless the name is defined"),
    Directive(".lcomm", "NAME, SIZE[, ALIGNMENT]", "room in .bss"),
    Directive(".weak", _SYMBOL, "0 where it is not defined"),
    Directive(".set", "reorder|noreorder", "fill delay slots and put nops where the processor "
              "needs them, or leave what is written alone (which is how a source begins, unless "
              "`--reorder` is given)"),
    Directive(".set", "at|noat|nomove|move|push|pop|mips1|...", "may macros use register at; may "
              "delay slots be filled with more than nops; keep and restore; what the processor "
              "waits for by itself"),
)  # fmt: skip

IGNORED_MANUAL = (
    Directive(".globl .global .extern .local .hidden .internal .protected .type .size", "",
              "there is no linker"),
    Directive(".ent .aent .end .frame .mask .fmask .file .loc .ident .insn .cfi_* .stabs .stabn "
              ".stabd .title .sbttl .list .nolist .eject .psize .line .ln .version .bgnb .endb "
              ".verstamp .vreg .livereg .addrsig .addrsig_sym", "", "debuggers get nothing"),
    Directive(".option .module .nan .gnu_attribute .cpload .cprestore .lineno", "",
              "they describe, or concern position-independent code"),
)  # fmt: skip
IGNORED = _names(IGNORED_MANUAL) - {".cfi_*"}

REFUSED = {
    ".abicalls": "position-independent code is not assembled: compile with -mno-abicalls -fno-pic",
    ".cpsetup": "position-independent code is not assembled: compile with -mno-abicalls -fno-pic",
    ".cpadd": "position-independent code is not assembled: compile with -mno-abicalls -fno-pic",
    ".gpword": "position-independent code is not assembled: compile with -mno-abicalls -fno-pic",
    ".altmacro": "write macros with .macro's own syntax",
    ".eqv": "MARS's .eqv replaces text: write .equ NAME, NUMBER, or a macro",
    ".kdata": "SPIM's kernel sections: write .data, and give --origin or .org",
    ".ktext": "SPIM's kernel sections: write .text, and give --origin or .org",
    ".reloc": "there are no relocations: everything is in one source",
    ".symver": "there are no versions of symbols",
    ".weakref": "write .weak, and the name itself",
}
"""Why some directives are not taken."""

HANDLED = (
    frozenset(INTEGERS) | frozenset(UNALIGNED) | frozenset(FLOATS) | STRINGS | ZEROS | ALIGNMENTS
    | SECTIONS | IGNORED | frozenset(REFUSED)
    | {".fill", ".uleb128", ".sleb128", ".incbin", ".org", ".set", ".equ", ".equiv", ".comm",
       ".lcomm", ".weak"}
)  # fmt: skip
"""Everything that the parser or the layout answers."""

MANUAL = {
    "Numbers and text": DATA_MANUAL,
    "Place": PLACE_MANUAL,
    "Sections": SECTION_MANUAL,
    "Names and settings": SYMBOL_MANUAL,
    "Macros and files": TEXT_MANUAL,
    "Conditions": CONDITIONS_MANUAL,
    "Accepted, to no effect": IGNORED_MANUAL,
}
