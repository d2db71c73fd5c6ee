"""Expressions that GDB has compiled for the stub: the conditions of breakpoints.

A stack machine of 64-bit numbers; constants in the code are big-endian, memory is read in the
machine's order (GDB manual, appendix "The GDB Agent Expression Mechanism").
"""

import struct
from collections.abc import Callable
from typing import Protocol

from kseg.gdb.packets import Malformed, contents, number, pair

MOST_STEPS = 100_000
"""Operations in one evaluation: an expression may have loops."""
MOST_VALUES = 1000
"""Numbers on the stack."""

_MASK = (1 << 64) - 1


class EvaluationError(ValueError):
    """An expression has no value: no memory is where it reads, say."""


class EvaluationContext(Protocol):
    """What an expression can read."""

    def register(self, number: int) -> int:
        """By GDB's number, without sign."""
        ...

    def memory(self, address: int, size: int) -> int:
        """So many bytes, without sign; LookupError where there are none."""
        ...


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _divided(a: int, b: int) -> int:
    """Towards zero."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


_BINARY: dict[int, Callable[[int, int], int]] = {
    0x02: lambda a, b: a + b,
    0x03: lambda a, b: a - b,
    0x04: lambda a, b: a * b,
    0x05: lambda a, b: _divided(_signed(a), _signed(b)),
    0x06: lambda a, b: a // b,
    0x07: lambda a, b: _signed(a) - _signed(b) * _divided(_signed(a), _signed(b)),
    0x08: lambda a, b: a % b,
    0x09: lambda a, b: a << b if b < 64 else 0,
    0x0A: lambda a, b: _signed(a) >> min(b, 63),
    0x0B: lambda a, b: a >> b if b < 64 else 0,
    0x0F: lambda a, b: a & b,
    0x10: lambda a, b: a | b,
    0x11: lambda a, b: a ^ b,
    0x13: lambda a, b: int(a == b),
    0x14: lambda a, b: int(_signed(a) < _signed(b)),
    0x15: lambda a, b: int(a < b),
}
_UNARY: dict[int, Callable[[int], int]] = {0x0E: lambda a: int(not a), 0x12: lambda a: ~a}
_LOADS = {0x17: 1, 0x18: 2, 0x19: 4, 0x1A: 8}
_CONSTANTS = {0x22: ">B", 0x23: ">H", 0x24: ">I", 0x25: ">Q"}
_EXTEND, _ZERO_EXTEND, _PICK = 0x16, 0x2A, 0x32
_IF_GOTO, _GOTO, _REGISTER = 0x20, 0x21, 0x26
_END, _DUPLICATE, _POP, _SWAP, _ROTATE = 0x27, 0x28, 0x29, 0x2B, 0x33
_ARGUMENTS = {
    **_CONSTANTS,
    **dict.fromkeys((_EXTEND, _ZERO_EXTEND, _PICK), ">B"),
    **dict.fromkeys((_IF_GOTO, _GOTO, _REGISTER), ">H"),
}
_PLAIN = (_END, _DUPLICATE, _POP, _SWAP, _ROTATE)


class Expression:
    def __init__(self, code: bytes) -> None:
        """Malformed for an operation that there is not, or half of one."""
        self.code = code
        self._operations: dict[int, tuple[int, int, int]] = {}
        """By place: the operation, its argument, and the place behind."""
        at = 0
        while at < len(code):
            operation, form = code[at], _ARGUMENTS.get(code[at])
            behind = at + 1 + (0 if form is None else struct.calcsize(form))
            known = operation in _BINARY or operation in _UNARY or operation in _LOADS
            if (form is None and not known and operation not in _PLAIN) or behind > len(code):
                raise Malformed(f"operation {operation:#x} of an expression")
            argument = 0 if form is None else struct.unpack_from(form, code, at + 1)[0]
            self._operations[at] = (operation, argument, behind)
            at = behind

    def value(self, context: EvaluationContext) -> int:
        """What it comes to, without sign; EvaluationError where that is nothing."""
        try:
            return self._value(context)
        except (LookupError, ZeroDivisionError, ValueError) as error:
            raise EvaluationError(str(error)) from None

    def _value(self, context: EvaluationContext) -> int:
        stack: list[int] = []
        at = 0
        for _ in range(MOST_STEPS):
            operation, argument, at = self._operations[at]
            if operation in _BINARY:
                right = stack.pop()
                stack[-1] = _BINARY[operation](stack[-1], right) & _MASK
            elif operation in _CONSTANTS:
                stack.append(argument)
            elif operation == _REGISTER:
                stack.append(context.register(argument))
            elif operation in _LOADS:
                stack[-1] = context.memory(stack[-1], _LOADS[operation])
            elif operation in (_EXTEND, _ZERO_EXTEND):
                stack[-1] = _extended(stack[-1], argument, signed=operation == _EXTEND)
            elif operation in _UNARY:
                stack[-1] = _UNARY[operation](stack[-1]) & _MASK
            elif operation == _GOTO or (operation == _IF_GOTO and stack.pop()):
                at = argument
            elif operation == _END:
                return stack[-1]
            elif operation == _DUPLICATE:
                stack.append(stack[-1])
            elif operation == _PICK:
                stack.append(stack[-1 - argument])
            elif operation == _POP:
                stack.pop()
            elif operation == _SWAP:
                stack[-1], stack[-2] = stack[-2], stack[-1]
            elif operation == _ROTATE:
                stack[-3:] = [stack[-1], stack[-3], stack[-2]]
            if len(stack) > MOST_VALUES:
                break
        raise EvaluationError("it goes on for ever")


def _extended(value: int, bits: int, *, signed: bool) -> int:
    if not 0 < bits <= 64:
        return value
    value &= (1 << bits) - 1
    return (value - (1 << bits)) & _MASK if signed and value >> bits - 1 else value


def expressions(text: bytes) -> tuple[Expression, ...]:
    """Those of a `Z` packet: `X` and the length in hexadecimal, a comma and the code, each."""
    found = []
    while text:
        if text[:1] != b"X":
            raise Malformed("no expression")
        length, rest = pair(text[1:])
        digits = 2 * number(length)
        code = contents(rest[:digits])
        if 2 * len(code) != digits or not code:
            raise Malformed("another number of bytes than it says")
        found.append(Expression(code))
        text = rest[digits:]
    return tuple(found)
