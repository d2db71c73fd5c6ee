"""Looking at a small table at once is what looking at it word by word is."""

import ctypes
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine.codegen.builder import FunctionBuilder
from kseg.engine.codegen.native import MappedCode, compile_module
from kseg.engine.codegen.vector import DECLARATIONS, each_bit, matching

LENGTH = 64
MASKS = (0xFFFFFFFF, 0xFFFFF000, 0xFC0, 1, 0x80000000, 0)
Table = ctypes.c_uint32 * LENGTH

few_words = st.sampled_from([0, 1, 0x80000000, 0xFFFFFFFF, 0x1000, 0x1040, 0x1FFF, 0x2000])
words = few_words | st.integers(0, 0xFFFFFFFF)
tables = st.lists(words, min_size=LENGTH, max_size=LENGTH)
bit_sets = st.integers(0, (1 << 64) - 1) | st.sampled_from([0, 1, 1 << 63, (1 << 64) - 1])


def matcher(bits: int) -> Callable[[list[int], int], int]:
    """The native function that `matching` is for a mask."""
    b = FunctionBuilder("f", "i64", [("ptr", "table"), ("i32", "wanted")])
    b.return_("i64", matching(b, "%table", "%wanted", bits))
    code = MappedCode(compile_module(DECLARATIONS + b.text()))
    function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint32)
    native = function(code.address("f"))

    def call(table: list[int], wanted: int, _code: MappedCode = code) -> int:
        # At an address that is aligned to no more than a word.
        space = (ctypes.c_uint32 * (LENGTH + 3))()
        space[3:] = table
        found: int = native(ctypes.addressof(space) + 12, wanted)
        return found

    return call


@pytest.mark.parametrize("bits", MASKS, ids=hex)
def test_matching_finds_each_word_that_matches(bits: int) -> None:
    native = matcher(bits)

    @settings(max_examples=100)
    @given(tables, words, st.data())
    def check(table: list[int], wanted: int, data: st.DataObject) -> None:
        # Some of the table's own, or hardly anything would match.
        wanted = data.draw(st.sampled_from([wanted, *table[:8]]))
        expected = sum(1 << n for n, word in enumerate(table) if (word ^ wanted) & bits == 0)
        assert native(table, wanted) == expected

    check()


def test_matching_looks_at_no_word_behind_the_table() -> None:
    native = matcher(0xFFFFFFFF)
    for number in range(LENGTH):
        table = [0] * LENGTH
        table[number] = 7
        assert native(table, 7) == 1 << number


def lister(*, nested: bool = False) -> Callable[[int, int], list[int]]:
    """A native function that lists the bits of a number, by `each_bit`; `nested`, those of a second
    one for each of the first's."""
    parameters = [("i64", "bits"), ("i64", "others"), ("ptr", "out")]
    b = FunctionBuilder("f", "i64", parameters)
    count = b.variable("i64", "0")

    def note(number: str) -> None:
        at = count.get()
        b.store("i64", number, "%out", b.emit(f"shl i64 {at}, 3"))
        count.set(b.emit(f"add i64 {at}, 1"))

    with each_bit(b, "%bits") as number:
        if nested:
            with each_bit(b, "%others") as other:
                note(b.emit(f"add i64 {b.emit(f'shl i64 {number}, 8')}, {other}"))
        else:
            note(number)
    b.return_("i64", count.get())
    code = MappedCode(compile_module(DECLARATIONS + b.text()))
    function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_void_p)
    native = function(code.address("f"))

    def call(bits: int, others: int, _code: MappedCode = code) -> list[int]:
        out = (ctypes.c_uint64 * (LENGTH * LENGTH))()
        count = native(bits, others, ctypes.addressof(out))
        return out[:count]

    return call


def numbers(bits: int) -> list[int]:
    return [n for n in range(64) if bits >> n & 1]


def test_each_bit_comes_once_from_the_lowest() -> None:
    native = lister()

    @settings(max_examples=200)
    @given(bit_sets)
    def check(bits: int) -> None:
        assert native(bits, 0) == numbers(bits)

    check()


def test_each_bit_within_each_bit() -> None:
    native = lister(nested=True)

    @settings(max_examples=60)
    @given(bit_sets, bit_sets)
    def check(bits: int, others: int) -> None:
        expected = [one << 8 | other for one in numbers(bits) for other in numbers(others)]
        assert native(bits, others) == expected

    check()
