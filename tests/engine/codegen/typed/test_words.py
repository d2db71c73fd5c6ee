"""Words do natively what they do in CPython."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.codegen.typed.texts import compiled, defined

MASKS = (0xFFFFFFFF, 0xFFFFF000, 0xFC0, 1, 0x80000000, 0)
SOURCE = """
class Table(ctypes.Array):
    _type_, _length_ = ctypes.c_uint32, 64
MASK = 0
def match(table: Table, wanted: u32) -> u64:
    return matching(table, wanted, MASK)
def lowest(bits: u64) -> u64:
    return lowest_bit(bits)
def numbers(bits: u64) -> u64:
    found: u64 = 1
    for number in each_bit(bits):
        found = u64(found * 67 + number)
    return found
def other(word: u32) -> u32:
    return swapped(word)
"""
few_words = st.sampled_from([0, 1, 0x80000000, 0xFFFFFFFF, 0x1000, 0x1040, 0x1FFF, 0x2000])
words = few_words | st.integers(0, 0xFFFFFFFF)
tables = st.lists(words, min_size=64, max_size=64)
bit_sets = st.integers(0, (1 << 64) - 1) | st.sampled_from([0, 1, 1 << 63, (1 << 64) - 1])


@cache
def text() -> Any:
    return defined(SOURCE)


@cache
def native() -> dict[str, Callable[..., int]]:
    made: dict[str, Callable[..., int]] = compiled(text().lowest, text().numbers, text().other)
    return made


@pytest.mark.parametrize("mask", MASKS, ids=hex)
def test_matching_finds_each_word_that_matches(mask: int) -> None:
    match = compiled(text().match, MASK=mask)

    @settings(max_examples=60, deadline=None)
    @given(tables, words, st.data())
    def check(table: list[int], wanted: int, data: st.DataObject) -> None:
        # Some of the table's own, or hardly anything would match.
        wanted = data.draw(st.sampled_from([wanted, *table[:8]]))
        # At an address that is aligned to no more than a word.
        space = (ctypes.c_uint32 * 67)()
        space[3:] = table
        at_odd_place = text().Table.from_address(ctypes.addressof(space) + 12)
        expected = sum(1 << n for n, word in enumerate(table) if (word ^ wanted) & mask == 0)
        assert match(at_odd_place, wanted) == expected

    check()


@settings(max_examples=60, deadline=None)
@given(bit_sets)
def test_bits_are_found_from_the_lowest(bits: int) -> None:
    for name in ("lowest", "numbers"):
        assert native()[name](bits) == getattr(text(), name)(bits)


@settings(max_examples=60, deadline=None)
@given(words)
def test_bytes_are_swapped(word: int) -> None:
    assert native()["other"](word) == text().other(word)
    assert text().other(text().other(word)) == word
