"""The unknown value of symbolic execution: what instructions compute from it is unknown too.

It stands where the declarations of instructions expect a number (`kseg.isa.values`).
"""

from typing import Any


class Unknown:
    """The only one is `UNKNOWN`."""

    def _operation(self, *_others: Any) -> "Unknown":
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _operation
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _operation
    __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = __mod__ = __rmod__ = _operation
    __lt__ = __le__ = __gt__ = __ge__ = _operation
    __neg__ = __invert__ = _operation
    __eq__ = __ne__ = _operation  # type: ignore[assignment]
    __hash__ = object.__hash__
    signed = select = __call__ = _operation

    def divide(self, _divisor: Any) -> tuple["Unknown", "Unknown"]:
        return self, self

    divide_into = divide

    def __bool__(self) -> bool:
        raise TypeError("nobody knows whether it is true")

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()


class UnknownRegisters:
    """Registers of which nothing is known, and that forget what is written to them."""

    def __getitem__(self, _number: Any) -> Unknown:
        return UNKNOWN

    def __setitem__(self, _number: Any, _value: Any) -> None: ...


Number = int | Unknown
"""A number, or `UNKNOWN`."""


def known(value: Any) -> int | None:
    """The number, or None."""
    return None if isinstance(value, Unknown) else int(value)
