"""Floating-point operations by the host's own arithmetic, checked and not trusted.

The host's additions, multiplications, divisions and conversions round to nearest as IEEE 754 says.
They give the guest's bits where operands and result are normal numbers or zeros, and FCSR asks for
nothing else. Whether a result is exact is found out from what is left over, and not from the
host's status register, which nobody reads or writes:

* sums: the error of a sum is a number itself (Møller's and Knuth's TwoSum);
* products and quotients of doubles: the significands, multiplied as integers, whose low 64 bits
  tell, because all that can differ is less than that;
* products and quotients of singles, and conversions: in double precision nothing is lost.

What is not sure is left to `kseg.engine.floating_point`: NaNs, infinities, denormal numbers,
results near the ends of the range, directed rounding, enabled "inexact". No NaN ever comes from the
host.
"""

from dataclasses import dataclass

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.isa import floating_point as fp

_FRACTION, _HIDDEN = (1 << 52) - 1, 1 << 52
_ENABLE_INEXACT = fp.INEXACT << fp.ENABLES_SHIFT
_INEXACT = fp.INEXACT << fp.CAUSES_SHIFT | fp.INEXACT << fp.FLAGS_SHIFT
_ROUNDING_MAGIC = "0x4338000000000000"
"""1.5 times 2**52: added to a number below 2**51, it leaves no room for bits behind the point."""
_LOWEST, _BEYOND = "0xC1E0000000200000", "0x41E0000000000000"
"""-(2**31 + 1) and 2**31: between them are the numbers that become words."""
_ALL = 0xFFFFFFFF
_BITS = {"float": "i32", "double": "i64"}


@dataclass
class Attempt:
    """An operation that the host has carried out: nothing has been written."""

    sure: Operand
    """An i1: is it what the guest's unit computes?"""
    type: str
    """LLVM's type of the result; "" for a comparison."""
    result: Operand
    """For a comparison an i1, the condition."""
    fcsr: Operand
    """FCSR afterwards, an i32."""


@dataclass
class _Number:
    """An operand or result: its value and its bits."""

    value: Operand
    bits: Operand


class HostArithmetic:
    """Emits attempts for operations of one format."""

    def __init__(self, builder: FunctionBuilder, format_: int) -> None:
        self.b, self.emit = builder, builder.emit
        self.double = format_ == fp.DOUBLE
        self.word = format_ == fp.WORD
        self.float = "double" if self.double else "float"
        self.int = "i64" if self.double else "i32"
        self.bits, self.most = (52, 0x7FF) if self.double else (23, 0xFF)

    def attempt(
        self, operation: int, a: Operand, b: Operand, fcsr: Operand, line: Operand
    ) -> Attempt:
        """`a` and `b` are the operands' bits, an i64 or i32; `fcsr` and `line` are FCSR and what
        the unit's interrupt line is, i32s."""
        if operation >= fp.COMPARE:
            return self._compare(operation, self._number(a), self._number(b), fcsr, line)
        if self.word:
            return self._from_word(operation, a, fcsr, line)
        x = self._number(a)
        if operation in (fp.ABSOLUTE, fp.NEGATE):
            sign = 1 << (63 if self.double else 31)
            how = f"and {self.int} {a}, {sign - 1}"
            if operation == fp.NEGATE:
                how = f"xor {self.int} {a}, {sign}"
            return self._exact(self.int, self.emit(how), self._is_usual(x), fcsr, line)
        if operation == fp.CONVERT_TO_WORD:
            return self._to_word(x, fcsr, line)
        if operation == fp.CONVERT_TO_DOUBLE:
            wide = self._cast("fpext float", x.value, "double")
            return self._exact("double", wide, self._is_usual(x), fcsr, line)
        if operation == fp.CONVERT_TO_SINGLE:
            return self._to_single(x, fcsr, line)
        y = self._number(b)
        steps = {fp.MULTIPLY: self._multiply, fp.DIVIDE: self._divide}
        compute = steps.get(operation)
        if compute is not None:
            sure, result, inexact = compute(x, y)
        else:
            sure, result, inexact = self._add(operation, x, y)
        return self._rounded(self.float, result, sure, inexact, fcsr, line)

    # Numbers.

    def _cast(self, how: str, value: Operand, to: str) -> Operand:
        return self.emit(f"{how} {value} to {to}")

    def _number(self, bits: Operand) -> _Number:
        known = self.b.known(("value", bits))
        return _Number(known or self._cast(f"bitcast {self.int}", bits, self.float), bits)

    def _made(self, value: Operand) -> _Number:
        return _Number(value, self._cast(f"bitcast {self.float}", value, self.int))

    def _is_normal(self, x: _Number) -> Operand:
        """Neither the least nor the largest exponent: these two, one added, have but one bit."""
        more = self.emit(f"add {self.int} {x.bits}, {1 << self.bits}")
        rest = self.emit(f"and {self.int} {more}, {(self.most - 1) << self.bits}")
        return self.emit(f"icmp ne {self.int} {rest}, 0")

    def _is_zero(self, x: _Number) -> Operand:
        return self.emit(f"icmp eq {self.int} {self.emit(f'shl {self.int} {x.bits}, 1')}, 0")

    def _is_usual(self, x: _Number) -> Operand:
        known = self.b.known(("usual", x.bits))
        return known or self._or(self._is_normal(x), self._is_zero(x))

    def note(self, attempt: Attempt, operation: int, *operands: Operand) -> Operand:
        """Where control goes on only if an attempt is sure, the numbers that it had to do with are
        what they had to be. Returns the result's bits."""
        b, bits = self.b, attempt.result
        if not attempt.type.startswith("i"):
            bits = self._cast(f"bitcast {attempt.type}", bits, _BITS[attempt.type])
            b.remember(("value", bits), attempt.result)
        if operation != fp.CONVERT_TO_WORD:
            b.remember(("usual", bits), "true")
        if not self.word:
            for each in operands:
                b.remember(("usual", each), "true")
        return bits

    def _exponent(self, x: _Number) -> Operand:
        high = self.emit(f"lshr {self.int} {x.bits}, {self.bits}")
        return self.emit(f"and {self.int} {high}, {self.most}")

    def _is_well_inside(self, x: _Number) -> Operand:
        """Normal, and not the smallest: that may have been tiny before it was rounded."""
        less = self.emit(f"sub {self.int} {self._exponent(x)}, 2")
        return self.emit(f"icmp ult {self.int} {less}, {self.most - 2}")

    def _significand(self, x: _Number) -> Operand:
        fraction = self.emit(f"and i64 {x.bits}, {_FRACTION}")
        return self.emit(f"or i64 {fraction}, {_HIDDEN}")

    def _wide(self, value: Operand) -> Operand:
        return self._cast("fpext float", value, "double")

    def _differ(self, x: Operand, y: Operand) -> Operand:
        return self.emit(f"fcmp une double {x}, {y}")

    def _and(self, *conditions: Operand) -> Operand:
        found, *rest = conditions
        for each in rest:
            found = self.emit(f"and i1 {found}, {each}")
        return found

    def _or(self, x: Operand, y: Operand) -> Operand:
        return self.emit(f"or i1 {x}, {y}")

    # What becomes of FCSR. With the interrupt line up, its causes matter to it.

    def _asks_for_nothing_else(self, bits: int, fcsr: Operand, line: Operand) -> Operand:
        asked = self.emit(f"or i32 {self.emit(f'and i32 {fcsr}, {bits}')}, {line}")
        return self.emit(f"icmp eq i32 {asked}, 0")

    def _exact(
        self, type_: str, result: Operand, sure: Operand, fcsr: Operand, line: Operand
    ) -> Attempt:
        sure = self._and(sure, self._asks_for_nothing_else(0, fcsr, line))
        return Attempt(sure, type_, result, self.emit(f"and i32 {fcsr}, {_ALL & ~fp.CAUSES}"))

    def _rounded(
        self,
        type_: str,
        result: Operand,
        sure: Operand,
        inexact: Operand,
        fcsr: Operand,
        line: Operand,
        modes: int = fp.ROUNDING,
    ) -> Attempt:
        """`modes` are the bits of the rounding mode that must be clear."""
        asked = modes | _ENABLE_INEXACT
        sure = self._and(sure, self._asks_for_nothing_else(asked, fcsr, line))
        kept = self.emit(f"and i32 {fcsr}, {_ALL & ~fp.CAUSES}")
        marks = self.emit(f"select i1 {inexact}, i32 {_INEXACT}, i32 0")
        return Attempt(sure, type_, result, self.emit(f"or i32 {kept}, {marks}"))

    # Operations: whether the result is sure, the result, and whether it is inexact.

    def _add(self, operation: int, x: _Number, y: _Number) -> tuple[Operand, Operand, Operand]:
        emit, kind = self.emit, self.float
        a, b = x.value, y.value
        if operation == fp.SUBTRACT:
            b = emit(f"fneg {kind} {b}")
        total = emit(f"fadd {kind} {a}, {b}")
        part = emit(f"fsub {kind} {total}, {a}")
        other = emit(f"fsub {kind} {total}, {part}")
        error_a = emit(f"fsub {kind} {a}, {other}")
        error_b = emit(f"fsub {kind} {b}, {part}")
        error = emit(f"fadd {kind} {error_a}, {error_b}")
        inexact = emit(f"fcmp une {kind} {error}, 0.0")
        usual = self._and(*map(self._is_usual, (x, y, self._made(total))))
        return usual, total, inexact

    def _multiply(self, x: _Number, y: _Number) -> tuple[Operand, Operand, Operand]:
        emit = self.emit
        zero = self._or(self._is_zero(x), self._is_zero(y))
        usual = self._and(self._is_usual(x), self._is_usual(y))
        if not self.double:
            exact = emit(f"fmul double {self._wide(x.value)}, {self._wide(y.value)}")
            product = self._made(self._cast("fptrunc double", exact, "float"))
            inside = self._is_well_inside(product)
            inexact = self._differ(self._wide(product.value), exact)
        else:
            product = self._made(emit(f"fmul double {x.value}, {y.value}"))
            inside = self._is_well_inside(product)
            # The product of the significands has 105 bits, or 106 if its exponent is one more than
            # the sum of the operands'; it is exact where those below the first 53 are clear.
            low = emit(f"mul i64 {self._significand(x)}, {self._significand(y)}")
            parity = emit(f"xor i64 {emit(f'xor i64 {x.bits}, {y.bits}')}, {product.bits}")
            shorter = emit(f"and i64 {emit(f'lshr i64 {parity}, 52')}, 1")
            lost = emit(f"shl i64 {low}, {emit(f'add i64 {shorter}, 11')}")
            inexact = self._and(inside, emit(f"icmp ne i64 {lost}, 0"))
        return self._and(usual, self._or(inside, zero)), product.value, inexact

    def _divide(self, x: _Number, y: _Number) -> tuple[Operand, Operand, Operand]:
        emit = self.emit
        quotient = self._made(emit(f"fdiv {self.float} {x.value}, {y.value}"))
        inside, zero = self._is_well_inside(quotient), self._is_zero(x)
        sure = self._and(self._is_usual(x), self._is_normal(y), self._or(inside, zero))
        if not self.double:
            back = emit(f"fmul double {self._wide(quotient.value)}, {self._wide(y.value)}")
            return sure, quotient.value, self._differ(back, self._wide(x.value))
        # Exact if the significands multiplied give the dividend's, at the place that the exponents
        # tell; they differ by less than 2**53, so the low 64 bits tell it.
        places = emit(f"sub i64 {self._exponent(x)}, {self._exponent(quotient)}")
        places = emit(f"sub i64 {places}, {self._exponent(y)}")
        places = emit(f"and i64 {emit(f'add i64 {places}, 1075')}, 63")
        back = emit(f"mul i64 {self._significand(quotient)}, {self._significand(y)}")
        dividend = emit(f"shl i64 {self._significand(x)}, {places}")
        inexact = self._and(inside, emit(f"icmp ne i64 {back}, {dividend}"))
        return sure, quotient.value, inexact

    def _to_single(self, x: _Number, fcsr: Operand, line: Operand) -> Attempt:
        narrow = HostArithmetic(self.b, fp.SINGLE)
        result = narrow._made(self._cast("fptrunc double", x.value, "float"))
        inside = self._or(narrow._is_well_inside(result), self._is_zero(x))
        sure = self._and(self._is_usual(x), inside)
        inexact = self._differ(self._wide(result.value), x.value)
        return self._rounded("float", result.value, sure, inexact, fcsr, line)

    def _to_word(self, x: _Number, fcsr: Operand, line: Operand) -> Attempt:
        """Towards zero as well, which is what compilers make of casts."""
        emit = self.emit
        value = x.value if self.double else self._wide(x.value)
        more = emit(f"fadd double {value}, {_ROUNDING_MAGIC}")
        nearest = emit(f"fsub double {more}, {_ROUNDING_MAGIC}")
        truncates = emit(f"icmp ne i32 {emit(f'and i32 {fcsr}, {fp.TO_ZERO}')}, 0")
        chosen = emit(f"select i1 {truncates}, double {value}, double {nearest}")
        above = emit(f"fcmp ogt double {chosen}, {_LOWEST}")
        below = emit(f"fcmp olt double {chosen}, {_BEYOND}")
        word = self._cast("fptosi double", chosen, "i32")
        inexact = self._differ(self._cast("sitofp i32", word, "double"), value)
        sure = self._and(self._is_usual(x), above, below)
        modes = fp.ROUNDING & ~fp.TO_ZERO
        return self._rounded("i32", word, sure, inexact, fcsr, line, modes)

    def _from_word(self, operation: int, word: Operand, fcsr: Operand, line: Operand) -> Attempt:
        exact = self._cast("sitofp i32", word, "double")
        if operation == fp.CONVERT_TO_DOUBLE:
            return self._exact("double", exact, "true", fcsr, line)
        result = self._cast("sitofp i32", word, "float")
        inexact = self._differ(self._wide(result), exact)
        return self._rounded("float", result, "true", inexact, fcsr, line)

    def _compare(
        self, operation: int, x: _Number, y: _Number, fcsr: Operand, line: Operand
    ) -> Attempt:
        given = f"{self.float} {x.value}, {y.value}"
        ordered = self.emit(f"fcmp ord {given}")
        test = {
            0: "",
            fp.IF_EQUAL: "oeq",
            fp.IF_LESS: "olt",
            fp.IF_EQUAL | fp.IF_LESS: "ole",
        }[operation & (fp.IF_EQUAL | fp.IF_LESS)]
        holds = self.emit(f"fcmp {test} {given}") if test else "false"
        found = self._exact("", holds, ordered, fcsr, line)
        kept = self.emit(f"and i32 {found.fcsr}, {_ALL & ~fp.CONDITION}")
        mark = self.emit(f"select i1 {holds}, i32 {fp.CONDITION}, i32 0")
        found.fcsr = self.emit(f"or i32 {kept}, {mark}")
        return found
