"""Macros, repetitions, conditions and included files; and their limits."""

import time
import tracemalloc

import pytest

from kseg.isa.assembler import AssemblyError, assemble, reader
from kseg.isa.assembler.problem import SourceError


class Held:
    """Files in memory."""

    def __init__(self, **files: str) -> None:
        self.files = files

    def text(self, name: str) -> str:
        """A file's text."""
        if name not in self.files:
            raise SourceError(f"no file {name}")
        return self.files[name]

    def data(self, name: str) -> bytes:
        """A file's bytes."""
        return self.text(name).encode()


def code(source: str, **files: str) -> bytes:
    return assemble(source, files=Held(**files)).code


def complaint(source: str, **files: str) -> str:
    with pytest.raises(AssemblyError) as caught:
        assemble(source, name="test.s", files=Held(**files))
    return str(caught.value)


def test_macros() -> None:
    source = """
        .macro push reg, size=4
        addiu $sp, $sp, -\\size
        sw \\reg, 0($sp)
        .endm
        push $ra
        push $a0, 8
        push size=16, reg=$a1
    """
    plain = (
        "addiu sp, sp, -4; sw ra, 0(sp); addiu sp, sp, -8; sw a0, 0(sp);"
        "addiu sp, sp, -16; sw a1, 0(sp)"
    )
    assert code(source) == code(plain)


def test_repetitions() -> None:
    assert code(".rept 3; .byte 1; .endr") == bytes([1] * 3)
    assert code(".rept 2; .rept 2; .byte 1; .endr; .byte 2; .endr") == bytes([1, 1, 2] * 2)
    assert code(r".irp x, 1, 2, 3; .byte \x; .endr") == bytes([1, 2, 3])
    assert code(r".irpc x, 123; .byte \x; .endr") == bytes([1, 2, 3])
    assert code("n = 1; .rept 4; .byte n; n = n + n; .endr") == bytes([1, 2, 4, 8])


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (".if 1 + 1 == 2", True),
        (".if K - 7", False),
        (".ifdef K", True),
        (".ifndef K", False),
        (".ifdef later", False),
        (".ifeq K - 7", True),
        (".iflt K", False),
        (".ifb", True),
        (".ifc a b, a b", True),
        ('.ifeqs "a", "b"', False),
    ],
)
def test_conditions(condition: str, holds: bool) -> None:
    source = f"K = 7\n{condition}\n.byte 1\n.else\n.byte 2\n.endif\nlater:"
    assert code(source) == (b"\1" if holds else b"\2")


def test_conditions_within_conditions() -> None:
    source = ".if 0; .if 1; .byte 1; .else; .byte 2; .endif; .elseif 1; .byte 3; .else; .byte 4;"
    assert code(source + ".endif") == b"\3"


def test_recursion_ends_where_a_condition_says_so() -> None:
    source = ".macro count n; .byte \\n; .if \\n; count \\n-1; .endif; .endm; count 3"
    assert code(source.replace(";", "\n")) == bytes([3, 2, 1, 0])


def test_included_files() -> None:
    assert code('.include "a"; .byte 3', a='.byte 1; .include "b"', b=".byte 2") == b"\1\2\3"
    assert code('.incbin "a", 1, 2', a="abcdef") == b"bc"


def test_places_in_macros_files_and_preprocessed_sources() -> None:
    assert complaint(".macro m; nop; frob; .endm; \n m".replace(";", "\n")) == (
        "test.s:6: mips161 has no instruction frob (in macro m, line 3)"
    )
    assert complaint('nop\n.include "a"', a="\nfrob") == "a:2: mips161 has no instruction frob"
    assert complaint('# 7 "start.S"\nnop\nfrob').startswith("start.S:8: ")
    with pytest.raises(AssemblyError) as caught:
        assemble('# 7 "start.S"\nnop\nfrob')
    assert caught.value.problems == [(3, "mips161 has no instruction frob")]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (".rept 1000000000\nnop\n.endr", "makes 1000000000 times 1 statements"),
        (".rept 1000000000\n.endr", "makes 1000000000 times 0 statements"),
        (".macro m\nm\n.endm\nm", "100 levels deep"),
        (".macro m\nm\nm\n.endm\nm", "100 levels deep"),
        (".rept 100000\n.rept 100000\nnop\n.endr\n.endr", "at most 262144"),
        ('.include "a"', "100 levels deep"),
        (".space 1 << 40", "do not fit"),
        (".fill 1 << 40, 8", "do not fit"),
        (".word 1 : 1 << 40", "do not fit"),
        (".comm x, 1 << 40", "do not fit"),
        (".org 1 << 30", "do not fit|behind"),
        (".balign 1 << 40", "cannot take"),
        (".word 1 << 63 << 63 << 63", "number too large"),
        (".word " + "9" * 5000, "number too large"),
        (".if 1\n" * 2000, ".if is too deep"),
        (".macro m x\nm \\x\\x\n.endm\nm a", "100 levels deep|more than"),
        (".set push\n" * 2000, ".set push more than"),
        ('.ascii "' + "a" * 100000, "expected a string"),
        ("1" * 5000 + ":", "number too large"),
        (".byte " + "1," * 200000 + "1", "more than 262144 words"),
    ],
)
def test_hostile_sources_are_refused_at_once(source: str, says: str) -> None:
    began = time.process_time()
    told = complaint(source, a='.include "a"')
    assert any(part in told for part in says.split("|")), told
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (".if 1", "test.s:1: an .if without .endif"),
        (".endif", ".endif without .if"),
        (".else", ".else without .if"),
        (".if 1\n.else\n.else\n.endif", ".else behind .else"),
        (".macro m", ".macro without .endm"),
        (".rept 2\nnop", ".rept without .endr"),
        (".endm", ".endm without a beginning"),
        (".macro m\n.end_macro", "write .endm"),
        (".macro m (%x)\n.endm", "without brackets and percent signs"),
        (".macro m x:req\n.endm\nm", "macro m needs x"),
        (".macro m x\n.endm\nm 1, 2", "macro m takes 1 arguments"),
        (".macro m\n.endm\n.macro m\n.endm", "defined twice"),
        (".macro m\n.if 1\n.endm\nm", "an .if without .endif in macro m"),
        (".exitm", ".exitm outside of a macro"),
        (".purgem m", "no macro m"),
        (".if later\n.endif\nlater:", "later is not known, as a number"),
        ('.include "nothing"', "no file nothing"),
        ('.error "wrong board"', "test.s:1: wrong board"),
        ("nop /* no end", "a comment begins with /* and does not end"),
        ("#include <x.h>", "runs only on files named .S"),
        (".abicalls", "compile with -mno-abicalls"),
        (".eqv X 5", "write .equ"),
        (".text 0x400000", "addresses are given with --origin"),
        ('.data\n.ascii "\\a"', "no escape \\a"),
        (".byte '\\0'", "no escape \\0"),
        ("add.s $f0, $f2, $f4", "it has no floating-point unit"),
        ("movz a0, a1, a2", "it is of a later MIPS"),
        (".set noat\nsw a0, x\n.data\nx:", "sw: it changes register at here, after .set noat"),
        (".bss\n.word 1", ".bss holds nothing but zeros"),
    ],
)
def test_errors(source: str, says: str) -> None:
    assert says in complaint(source)


def test_several_errors_at_a_time() -> None:
    told = complaint("frob\n.if x\n.endif\naddiu a0, a0, 99999\n.byte 256\nb nowhere")
    assert [line.split(":")[1] for line in told.splitlines()] == ["1", "2", "4", "5", "6"]


def test_arguments_as_gnu_as_splits_them() -> None:
    defined = '.macro m x, y=(1, 2), z\n.byte \\x\n.ascii "\\z"\n.endm\n'
    assert code(defined + "m (1 + 2) , , c") == b"\3c"
    assert code(defined + "m 1 + 2, z=c") == code(defined + 'm "1 + 2", 5, c') == b"\3c"
    assert code(".irp x 1,2 , 3 4\n.byte \\x\n.endr") == bytes([1, 2, 3, 4])


@pytest.mark.parametrize(
    ("source", "made"),
    [
        (f'.ascii "{"a" * 300000}"', b"a" * 300000),
        (".ascii " + ",".join(['"a"'] * 9000), b"a" * 9000),
        (f".irp x {','.join('1' * 3000)}\n.byte \\x\n.endr", b"\1" * 3000),
    ],
    ids=["string", "strings", "arguments"],
)
def test_what_is_long_takes_no_more_than_its_length(source: str, made: bytes) -> None:
    tracemalloc.start()
    found = code(source)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == made
    assert most < 16 << 20


def test_nothing_is_laid_out_behind_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_EXPANDED", 100)
    told = complaint("frob\n.rept 9\n.rept 9\n.rept 9\nfrob\n.endr\n.endr\n.endr")
    assert told == (
        "test.s:5: at or behind this line: macros and repetitions make more than 100 statements"
    )


def test_errors_are_short() -> None:
    told = complaint("nop\n." + "a" * 100000)
    assert told == f"test.s:2: no directive .{'a' * 59}…{'a' * 20}"
    assert len(complaint(f'# 1 "{"f" * 9999}"\n.error "{"a b " * 9999}"')) < 600
    lines = complaint("frob\n" * 1000).splitlines()
    assert len(lines) == 101
    assert lines[-1] == "test.s: 900 more errors"
