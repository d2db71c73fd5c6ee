"""The words of typed Python as CPython runs them; to a type checker, the numbers are `int`."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

Function = TypeVar("Function", bound=Callable[..., object])


class Word(NamedTuple):
    """A machine integer: the type of a parameter or a local, and the cast to it."""

    name: str
    bits: int
    low: int
    high: int

    def __call__(self, value: int) -> int:
        """The number that has the same low bits."""
        return (value - self.low & (1 << self.bits) - 1) + self.low


def _word(name: str, bits: int, low: int = 0) -> Word:
    return Word(name, bits, low, low + (1 << bits) - 1)


def below(limit: int) -> Word:
    """For types of a variable: `Annotated[int, below(64)]` is 0 to 63."""
    return Word(f"a number below {limit}", 32, 0, limit - 1)


if TYPE_CHECKING:
    u8: TypeAlias = int
    u16: TypeAlias = int
    u32: TypeAlias = int
    u64: TypeAlias = int
    pointer: TypeAlias = int
    i32: TypeAlias = int
    i64: TypeAlias = int
else:
    u8, u16, u32, u64 = (_word(f"u{bits}", bits) for bits in (8, 16, 32, 64))
    pointer = _word("pointer", 64)
    i32, i64 = (_word(f"i{bits}", bits, -1 << bits - 1) for bits in (32, 64))


def through(field: str) -> Callable[[Function], Function]:
    """Mark a method of a structure: natively it is the function whose address is in this `field`
    of the structure, called with the other arguments; its body is what CPython does instead."""

    def mark(function: Function) -> Function:
        function.through = field  # type: ignore[attr-defined]
        return function

    return mark


def external(function: Function) -> Function:
    """Mark a function whose native form is in the same module, by its name, made in another way;
    its body is what CPython does instead."""
    function.external = True  # type: ignore[attr-defined]
    return function


def unheard(function: Function) -> Function:
    """Mark a method that only tells others what happens: CPython runs it, native code leaves it
    out."""
    function.unheard = True  # type: ignore[attr-defined]
    return function


def by_python(function: Function) -> Function:
    """Mark a method that native code has done by CPython. It may take a number of 64 bits, and
    return one of 32."""
    function.by_python = True  # type: ignore[attr-defined]
    return function


def matching(table: Sequence[int], wanted: int, bits: int) -> int:
    """A bit for each word of an array of 32-bit words that has the same `bits`, a constant, as
    `wanted`. Natively all are looked at at once."""
    found = 0
    for number, word in enumerate(table):
        if not (word ^ wanted) & bits:
            found |= 1 << number
    return found


def swapped(word: int) -> int:
    """A number of 32 bits with its bytes in the other order."""
    return int.from_bytes(word.to_bytes(4, "little"), "big")


def each_bit(bits: int) -> Iterator[int]:
    """For `for`: the numbers of the bits that are set, from the lowest."""
    while bits:
        yield lowest_bit(bits)
        bits &= bits - 1


def lowest_bit(bits: int) -> int:
    """The number of the lowest bit that is set; 64 if none is."""
    return (bits & -bits).bit_length() - 1 if bits else 64


def copy(target: int, source: int, size: int) -> None:
    """Copy a constant number of bytes between addresses, of memory that does not overlap."""
    assert abs(target - source) >= size
    ctypes.memmove(target, source, size)


def likely(condition: bool) -> bool:
    """The condition; it mostly holds."""
    return condition


def unlikely(condition: bool) -> bool:
    """The condition; it hardly ever holds."""
    return condition


def host_ticks() -> int:
    """The host's cycle counter; 0 in CPython, which measures nothing."""
    return 0
