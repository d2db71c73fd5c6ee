"""Symbolic values: the integers of `kseg.isa.values` as LLVM code.

A `Symbol` stands for an integer and knows the range it lies in. Nothing is emitted when an
operator is applied; only when a consumer demands the value, as its low 32 bits, exactly in 64, or
as a truth value. So a register write asks for 32 bits all the way down, and only what really
needs more (overflow, the high half of a product) is computed wide.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from kseg.engine.codegen.builder import FunctionBuilder, Operand

U32 = (0, (1 << 32) - 1)
S32 = (-(1 << 31), (1 << 31) - 1)
U64 = (0, (1 << 64) - 1)

_WORD = 0xFFFFFFFF


class Symbol:
    """An integer in `range` whose code is made on demand by `emit32`, `emit64` or `emit1`.

    Each of them is a function that emits code and returns an operand; a symbol must have at least
    one that its range allows.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        builder: FunctionBuilder,
        range_: tuple[int, int],
        *,
        emit32: Callable[[], Operand] | None = None,
        emit64: Callable[[], Operand] | None = None,
        emit1: Callable[[], Operand] | None = None,
    ) -> None:
        self.builder = builder
        self.low, self.high = range_
        self._key = builder.serial()
        self._emit32, self._emit64, self._emit1 = emit32, emit64, emit1

    # Leaves.

    @staticmethod
    def of_i32(
        builder: FunctionBuilder, operand: Operand, range_: tuple[int, int] = U32
    ) -> "Symbol":
        """The i32 `operand`, unsigned unless `range_` says otherwise."""
        return Symbol(builder, range_, emit32=lambda: operand)

    @staticmethod
    def of_i64(
        builder: FunctionBuilder, operand: Operand, range_: tuple[int, int] = U64
    ) -> "Symbol":
        """The i64 `operand`."""
        return Symbol(builder, range_, emit64=lambda: operand)

    @staticmethod
    def of_i1(builder: FunctionBuilder, operand: Operand) -> "Symbol":
        """The truth value `operand`."""
        return Symbol(builder, (0, 1), emit1=lambda: operand)

    # Demands.

    @property
    def is_truth(self) -> bool:
        """Is this a truth value?"""
        return self._emit1 is not None

    def fits(self, range_: tuple[int, int]) -> bool:
        """Does every value it can have lie in `range_`?"""
        return range_[0] <= self.low and self.high <= range_[1]

    def i32(self) -> Operand:
        """An i32 operand with its low 32 bits."""
        return self._once(32, self._make32)

    def i64(self) -> Operand:
        """An i64 operand with its exact value (modulo 2**64 beyond that)."""
        return self._once(64, self._make64)

    def i1(self) -> Operand:
        """An i1 operand: is it not zero?"""
        return self._once(1, self._make1)

    def narrow(self, operand64: Operand) -> None:
        """Take the low 32 bits from the i64 `operand64`, which has been computed anyway."""
        self.builder.remember((self._key, 32), self.builder.emit(f"trunc i64 {operand64} to i32"))

    def _once(self, width: int, make: Callable[[], Operand]) -> Operand:
        key = (self._key, width)
        known = self.builder.known(key)
        return self.builder.remember(key, make()) if known is None else known

    def _make32(self) -> Operand:
        if self._emit32:
            return self._emit32()
        if self._emit1:
            return self.builder.emit(f"zext i1 {self.i1()} to i32")
        return self.builder.emit(f"trunc i64 {self.i64()} to i32")

    def _make64(self) -> Operand:
        if self._emit1:
            return self.builder.emit(f"zext i1 {self.i1()} to i64")
        if self._emit32 and self.fits(U32):
            return self.builder.emit(f"zext i32 {self.i32()} to i64")
        if self._emit32 and self.fits(S32):
            return self.builder.emit(f"sext i32 {self.i32()} to i64")
        if self._emit64 is None:
            raise ValueError(f"a value in {self.low}..{self.high} has no exact 64-bit code")
        return self._emit64()

    def _make1(self) -> Operand:
        if self._emit1:
            return self._emit1()
        width = 32 if self.fits(U32) or self.fits(S32) else 64
        operand = self.i32() if width == 32 else self.i64()
        return self.builder.emit(f"icmp ne i{width} {operand}, 0")

    # Operators.

    def _lift(self, other: Any) -> "Symbol":
        if isinstance(other, Symbol):
            return other
        value = int(other)
        if isinstance(other, bool):
            return Symbol.of_i1(self.builder, str(other).lower())
        return Symbol(
            self.builder,
            (value, value),
            emit32=lambda: str(value & _WORD),
            emit64=lambda: str(value & ((1 << 64) - 1)),
        )

    def _binary(
        self, name: str, other: Any, range_: tuple[int, int], *, swap: bool = False
    ) -> "Symbol":
        left, right = self, self._lift(other)
        if swap:
            left, right = right, left
        emit = self.builder.emit
        return Symbol(
            self.builder,
            range_,
            emit32=lambda: emit(f"{name} i32 {left.i32()}, {right.i32()}"),
            emit64=lambda: emit(f"{name} i64 {left.i64()}, {right.i64()}"),
        )

    def __add__(self, other: Any) -> "Symbol":
        o = self._lift(other)
        return self._binary("add", o, (self.low + o.low, self.high + o.high))

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Symbol":
        o = self._lift(other)
        return self._binary("sub", o, (self.low - o.high, self.high - o.low))

    def __rsub__(self, other: Any) -> "Symbol":
        return self._lift(other) - self

    def __mul__(self, other: Any) -> "Symbol":
        o = self._lift(other)
        corners = [a * b for a in (self.low, self.high) for b in (o.low, o.high)]
        return self._binary("mul", o, (min(corners), max(corners)))

    __rmul__ = __mul__

    def __and__(self, other: Any) -> "Symbol":
        o = self._lift(other)
        if self._both_truth(o):
            return self._truth("and", o)
        if o.low == o.high == _WORD:
            return Symbol(self.builder, U32, emit32=self.i32)
        bounds = [side.high for side in (self, o) if side.low >= 0]
        return self._binary("and", o, (0, min(bounds)) if bounds else S32)

    __rand__ = __and__

    def __or__(self, other: Any) -> "Symbol":
        o = self._lift(other)
        return self._truth("or", o) if self._both_truth(o) else self._binary("or", o, self._bits(o))

    __ror__ = __or__

    def __xor__(self, other: Any) -> "Symbol":
        o = self._lift(other)
        return (
            self._truth("xor", o) if self._both_truth(o) else self._binary("xor", o, self._bits(o))
        )

    __rxor__ = __xor__

    def __invert__(self) -> "Symbol":
        return self._binary("xor", -1, (-1 - self.high, -1 - self.low))

    def __lshift__(self, amount: Any) -> "Symbol":
        a = self._shift_amount(amount)
        corners = [v << n for v in (self.low, self.high) for n in (a.low, a.high)]
        return self._binary("shl", a, (min(corners), max(corners)))

    def __rlshift__(self, other: Any) -> "Symbol":
        return self._lift(other) << self

    def __rshift__(self, amount: Any) -> "Symbol":
        a = self._lift(amount)
        emit = self.builder.emit
        range_ = (min(self.low >> a.low, self.low >> a.high), self.high >> a.low)
        name = "lshr" if self.low >= 0 else "ashr"
        narrow = (self.fits(U32) or self.fits(S32)) and a.high < 32
        return Symbol(
            self.builder,
            range_,
            emit32=(lambda: emit(f"{name} i32 {self.i32()}, {a.i32()}")) if narrow else None,
            emit64=lambda: emit(f"{name} i64 {self.i64()}, {a.i64()}"),
        )

    def __rrshift__(self, other: Any) -> "Symbol":
        return self._lift(other) >> self

    def __mod__(self, other: int) -> "Symbol":
        """Remainder by a positive constant; the value must not be negative."""
        if self.low < 0 or other <= 0:
            raise ValueError("only a non-negative value has a remainder here")
        emit = self.builder.emit
        return Symbol(
            self.builder, (0, other - 1), emit64=lambda: emit(f"urem i64 {self.i64()}, {other}")
        )

    def _shift_amount(self, amount: Any) -> "Symbol":
        a = self._lift(amount)
        if a.low < 0 or a.high > 32:
            raise ValueError(f"shift by {a.low}..{a.high} bits")
        return a

    def _bits(self, other: "Symbol") -> tuple[int, int]:
        """The range of a bitwise or, or exclusive or."""
        width = max(self.high, other.high, -1 - self.low, -1 - other.low).bit_length()
        return (0 if min(self.low, other.low) >= 0 else -(1 << width), (1 << width) - 1)

    def _both_truth(self, other: "Symbol") -> bool:
        return self.is_truth and other.is_truth

    def _truth(self, name: str, other: "Symbol") -> "Symbol":
        emit = self.builder.emit
        return Symbol(
            self.builder, (0, 1), emit1=lambda: emit(f"{name} i1 {self.i1()}, {other.i1()}")
        )

    # Comparison. `==` builds a truth value, so symbols cannot be keys.

    def _compare(self, name: str, other: Any) -> "Symbol":
        o = self._lift(other)
        emit = self.builder.emit

        def make() -> Operand:
            unsigned, signed = self.fits(U32) and o.fits(U32), self.fits(S32) and o.fits(S32)
            if unsigned or signed:
                sign = "" if name in {"eq", "ne"} else "u" if unsigned else "s"
                return emit(f"icmp {sign}{name} i32 {self.i32()}, {o.i32()}")
            sign = "" if name in {"eq", "ne"} else "s" if self.low < 0 or o.low < 0 else "u"
            return emit(f"icmp {sign}{name} i64 {self.i64()}, {o.i64()}")

        return Symbol(self.builder, (0, 1), emit1=make)

    def __eq__(self, other: object) -> "Symbol":  # type: ignore[override]
        return self._compare("eq", other)

    def __ne__(self, other: object) -> "Symbol":  # type: ignore[override]
        return self._compare("ne", other)

    def __lt__(self, other: Any) -> "Symbol":
        return self._compare("lt", other)

    def __le__(self, other: Any) -> "Symbol":
        return self._compare("le", other)

    def __gt__(self, other: Any) -> "Symbol":
        return self._compare("gt", other)

    def __ge__(self, other: Any) -> "Symbol":
        return self._compare("ge", other)

    def __bool__(self) -> bool:
        raise TypeError("a declaration must use select, trap_if or branch, not `if`, on a value")

    # What `kseg.isa.values` asks for.

    def signed(self, bits: int) -> "Symbol":
        """The low `bits` bits as a two's-complement number."""
        range_ = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        emit = self.builder.emit
        if bits == 32:
            return Symbol(self.builder, range_, emit32=self.i32)

        def make() -> Operand:
            return emit(f"sext i{bits} {emit(f'trunc i32 {self.i32()} to i{bits}')} to i32")

        return Symbol(self.builder, range_, emit32=make)

    def select(self, if_true: Any, if_false: Any) -> "Symbol":
        """`if_true` where this holds, else `if_false`."""
        a, b = self._lift(if_true), self._lift(if_false)
        emit = self.builder.emit
        return Symbol(
            self.builder,
            (min(a.low, b.low), max(a.high, b.high)),
            emit32=lambda: emit(f"select i1 {self.i1()}, i32 {a.i32()}, i32 {b.i32()}"),
            emit64=lambda: emit(f"select i1 {self.i1()}, i64 {a.i64()}, i64 {b.i64()}"),
        )

    def divide(self, divisor: Any) -> tuple["Symbol", "Symbol"]:
        """Quotient and remainder, truncated; the divisor must not be zero.

        Signed division is done in 64 bits, where the most negative number by -1 fits.
        """
        d = self._lift(divisor)
        if self.fits(U32) and d.fits(U32):
            quotient, remainder = (
                Symbol(self.builder, U32, emit32=partial(self._divided, name, 32, d))
                for name in ("udiv", "urem")
            )
        else:
            quotient, remainder = (
                Symbol(
                    self.builder,
                    (-(1 << 31), 1 << 31),
                    emit64=partial(self._divided, name, 64, d),
                )
                for name in ("sdiv", "srem")
            )
        return quotient, remainder

    def divide_into(self, dividend: int) -> tuple["Symbol", "Symbol"]:
        """Quotient and remainder of a known number by this one."""
        return self._lift(dividend).divide(self)

    def _divided(self, name: str, width: int, divisor: "Symbol") -> Operand:
        left, right = (self.i32(), divisor.i32()) if width == 32 else (self.i64(), divisor.i64())
        return self.builder.emit(f"{name} i{width} {left}, {right}")
