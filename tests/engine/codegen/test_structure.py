"""Native code sees a C structure as ctypes does."""

import ctypes
from collections.abc import Callable

from kseg.engine.codegen.builder import FunctionBuilder
from kseg.engine.codegen.native import MappedCode, compile_module
from kseg.engine.codegen.structure import Structure


class Example(ctypes.Structure):
    """Fields of both sizes, an array and a pointer, some of them at odd places."""

    _fields_ = [
        ("byte", ctypes.c_uint8),
        ("word", ctypes.c_uint32),
        ("long", ctypes.c_uint64),
        ("words", ctypes.c_uint32 * 5),
        ("other", ctypes.c_uint64),
        ("last", ctypes.c_uint32),
    ]


def native(write: Callable[[FunctionBuilder, Structure], str]) -> Callable[..., int]:
    """The function of a structure and an i64 that `write` makes; it returns an i64."""
    b = FunctionBuilder("f", "i64", [("ptr", "example"), ("i64", "given")])
    b.return_("i64", write(b, Structure(b, "%example", Example)))
    code = MappedCode(compile_module(b.text()))
    function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64)(
        code.address("f")
    )
    return lambda example, given=0, _code=code: function(ctypes.addressof(example), given)


def example() -> Example:
    made = Example(1, 0xFFFFFFFF, (1 << 64) - 1, (10, 20, 30, 40, 0x80000000), 7, 99)
    made.other = ctypes.addressof(made)
    return made


def test_fields_are_unsigned() -> None:
    assert native(lambda _b, s: s["word"].i64())(example()) == 0xFFFFFFFF
    assert native(lambda _b, s: s["long"].i64())(example()) == (1 << 64) - 1
    assert native(lambda _b, s: (s["word"] > 5).i64())(example()) == 1


def test_assignments_change_one_field() -> None:
    def write(_b: FunctionBuilder, s: Structure) -> str:
        s["word"] = 5
        s["long"] = s["last"] + 1
        s["last"] = "17"
        return "0"

    made, expected = example(), example()
    native(write)(made)
    expected.word, expected.long, expected.last, expected.other = 5, 100, 17, made.other
    assert bytes(made) == bytes(expected)


def test_what_is_too_long_for_a_field_is_cut() -> None:
    def write(_b: FunctionBuilder, s: Structure) -> str:
        s["word"] = s["word"] + 6
        s.add("long", "3")
        return "0"

    made = example()
    native(write)(made)
    assert (made.word, made.long) == (5, 2)
    assert list(made.words) == [10, 20, 30, 40, 0x80000000]


def test_elements_by_number() -> None:
    read = native(lambda _b, s: s.word("words", "%given").i64())
    assert [read(example(), n) for n in range(5)] == [10, 20, 30, 40, 0x80000000]

    def write(_b: FunctionBuilder, s: Structure) -> str:
        s.set_word("words", "%given", "77")
        return "0"

    made = example()
    native(write)(made, 3)
    assert list(made.words) == [10, 20, 30, 77, 0x80000000]


def test_pointers_and_addresses() -> None:
    made = example()
    other = native(lambda b, s: Structure(b, s.pointer("other"), Example)["last"].i64())
    assert other(made) == 99
    address = native(lambda b, s: b.emit(f"ptrtoint ptr {s.address('words')} to i64"))
    assert address(made) == ctypes.addressof(made) + Example.words.offset
