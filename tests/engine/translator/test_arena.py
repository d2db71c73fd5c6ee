"""The memory for native code: a ring in which the oldest make room."""

import ctypes
import mmap

import pytest

from kseg.engine.translator.arena import Arena
from kseg.platform.code import NativeCodeError

PAGE = mmap.PAGESIZE


def test_code_can_be_read_where_it_was_put() -> None:
    arena = Arena(4 * PAGE)
    assert arena.make_room(5) == []
    address = arena.put(1, b"hello")
    assert ctypes.string_at(address, 5) == b"hello"
    assert arena.used == PAGE


def test_what_fits_evicts_nobody() -> None:
    arena = Arena(4 * PAGE)
    for owner in range(4):
        assert arena.make_room(PAGE) == []
        arena.put(owner, bytes([owner]) * PAGE)
    assert arena.used == 4 * PAGE


def test_the_oldest_make_room() -> None:
    arena = Arena(4 * PAGE)
    for owner in range(4):
        arena.make_room(PAGE)
        arena.put(owner, b"x")
    assert arena.make_room(2 * PAGE) == [0, 1]
    arena.put(4, b"y" * (PAGE + 1))
    assert arena.make_room(1) == [2]
    arena.put(5, b"z")
    assert arena.used == 4 * PAGE


def test_what_does_not_fit_at_the_end_goes_to_the_beginning() -> None:
    arena = Arena(4 * PAGE)
    first = None
    for owner in range(3):
        arena.make_room(PAGE)
        address = arena.put(owner, b"x")
        first = first or address
    assert arena.make_room(2 * PAGE) == [0, 1]
    assert arena.put(3, b"y" * 2 * PAGE) == first


def test_what_was_freed_evicts_nobody() -> None:
    arena = Arena(2 * PAGE)
    for owner in range(2):
        arena.make_room(PAGE)
        arena.put(owner, b"x")
    arena.free(0)
    arena.free(0)
    assert arena.make_room(PAGE) == []


def test_what_can_never_fit_is_refused() -> None:
    arena = Arena(PAGE + 1)
    assert arena.size == 2 * PAGE
    with pytest.raises(ValueError, match="do not fit"):
        arena.make_room(2 * PAGE + 1)


def test_an_arena_that_cannot_be_had_is_one_error() -> None:
    with pytest.raises(NativeCodeError, match="no memory for"):
        Arena(1 << 60)
