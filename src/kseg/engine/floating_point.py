"""What the floating-point unit computes, in integers: every operand, rounding mode and event.

IEEE 754-1985 with the NaN coding of its time: a NaN is quiet where the top bit of its fraction is
clear. The text is typed Python (`kseg.engine.codegen.typed`): the reference engine runs it as it
is, and native code calls it for whatever the host's arithmetic does not do surely.

Singles are widened to doubles, which is exact; a finite result is a sign, a significand with its
last bit sticky (set if anything was lost below it), and an exponent, which `_rounded` makes a
number of the format. What happened on the way is gathered in FCSR's cause field.

Sources: MIPS RISC Architecture (Kane, Heinrich), chapter 9, and appendix B for the events; Linux's
emulator for NaNs that are passed on. Tininess is detected after rounding.
"""

from typing import Annotated

from kseg.engine.codegen.typed import below, i64, u32, u64
from kseg.engine.state import ProcessorState
from kseg.isa.floating_point import (
    ABSOLUTE,
    CAUSES,
    CAUSES_SHIFT,
    COMPARE,
    CONDITION,
    CONVERT_TO_DOUBLE,
    CONVERT_TO_SINGLE,
    CONVERT_TO_WORD,
    DIVIDE,
    DIVISION_BY_ZERO,
    DOUBLE,
    DOWN,
    ENABLES_SHIFT,
    FLAGS_SHIFT,
    IF_EQUAL,
    IF_LESS,
    IF_UNORDERED,
    INEXACT,
    INVALID,
    MULTIPLY,
    NEAREST,
    OVERFLOW,
    ROUNDING,
    SIGNALS,
    SINGLE,
    SUBTRACT,
    TO_ZERO,
    UNDERFLOW,
    UNIMPLEMENTED,
    UP,
    WORD,
)
from kseg.isa.registers import FLOATING_POINT_LINE

Register = Annotated[int, below(32)]

SIGN = 1 << 63
FRACTION = (1 << 52) - 1
HIDDEN = 1 << 52
INFINITY = 0x7FF << 52
SIGNALLING = 1 << 51
DEFAULT_DOUBLE = 0x7FF7FFFFFFFFFFFF
DEFAULT_SINGLE = 0x7FBFFFFF
DEFAULT_WORD = 0x7FFFFFFF
TINY = UNIMPLEMENTED
"""In the cause field while an operation is computed: the result is tiny."""


def compute(
    state: ProcessorState,
    format_: u32,
    operation: u32,
    fd: Register,
    fs: Register,
    ft: Register,
    hands_over: bool,
) -> bool:
    """Carry out an operation on registers; True if it raises an exception instead, in which case
    FCSR's causes say which, the interrupt line is up, and nothing else has changed.

    With `hands_over` the cases that an R3010 leaves to software raise "unimplemented operation".
    """
    x, y = _register(state, format_, fs), _register(state, format_, ft)
    state.fcsr = state.fcsr & ~CAUSES
    enabled = state.fcsr >> ENABLES_SHIFT & 31
    result: u64 = 0
    if operation >= COMPARE:
        result = _compared(state, _wide(format_, x), _wide(format_, y), operation)
    else:
        result = _result(state, format_, operation, x, y)
    events: u32 = state.fcsr >> CAUSES_SHIFT & 63
    if hands_over and operation < COMPARE:
        denormal = _is_denormal(format_, x)
        if operation <= DIVIDE and _is_denormal(format_, y):
            events |= TINY
        if denormal or events & TINY or (events & INVALID and not enabled & INVALID):
            events = UNIMPLEMENTED
    elif events & TINY:
        events ^= TINY
        if events & INEXACT or enabled & UNDERFLOW:
            events |= UNDERFLOW
    state.fcsr = state.fcsr & ~CAUSES | (events & 63) << CAUSES_SHIFT
    if events & (enabled | UNIMPLEMENTED):
        state.timer_line = FLOATING_POINT_LINE
        return True
    state.timer_line = 0
    state.fcsr = state.fcsr | (events & 31) << FLAGS_SHIFT
    if operation >= COMPARE:
        state.fcsr = state.fcsr & ~CONDITION | (CONDITION if result else 0)
        return False
    if _target(format_, operation) == DOUBLE and operation != CONVERT_TO_WORD:
        state.fpr[fd & 30] = u32(result)
        state.fpr[fd | 1] = result >> 32
    else:
        state.fpr[fd] = u32(result)
    return False


def raise_unimplemented(state: ProcessorState) -> None:
    """An operation that the unit does not have."""
    state.fcsr = state.fcsr & ~CAUSES | UNIMPLEMENTED << CAUSES_SHIFT
    state.timer_line = FLOATING_POINT_LINE


def _register(state: ProcessorState, format_: u32, number: Register) -> u64:
    """A register's bits; of a double, those of the pair."""
    if format_ == DOUBLE:
        return int(state.fpr[number | 1] << 32 | state.fpr[number & 30])
    return int(state.fpr[number])


def _is_denormal(format_: u32, bits: u64) -> bool:
    if format_ == DOUBLE:
        return bits & INFINITY == 0 and bits & FRACTION != 0
    return format_ == SINGLE and bits & 0x7F800000 == 0 and bits & 0x7FFFFF != 0


def _wide(format_: u32, bits: u64) -> u64:
    """A number as a double. A NaN's fraction moves to the top."""
    if format_ == DOUBLE:
        return bits
    sign = (bits >> 31 & 1) << 63
    exponent: i64 = bits >> 23 & 255
    fraction: u64 = bits & 0x7FFFFF
    if exponent == 255:
        return sign | INFINITY | (bits & 0x7FFFFF) << 29
    if exponent == 0:
        if fraction == 0:
            return sign
        exponent = 1
        while fraction < 1 << 23:
            fraction = u64(fraction << 1)
            exponent = i64(exponent - 1)
    return sign | u64((exponent + 896 & 0x7FF) << 52) | (fraction & 0x7FFFFF) << 29


def _is_nan(x: u64) -> bool:
    return x & ~SIGN > INFINITY


def _is_signalling(x: u64) -> bool:
    return _is_nan(x) and x & SIGNALLING != 0


def _raise(state: ProcessorState, events: u32) -> None:
    state.fcsr = u32(state.fcsr | events << CAUSES_SHIFT)


def _target(format_: u32, operation: u32) -> u32:
    """The format of the result."""
    if operation == CONVERT_TO_SINGLE:
        return SINGLE
    if operation == CONVERT_TO_DOUBLE:
        return DOUBLE
    return format_


def _result(state: ProcessorState, format_: u32, operation: u32, x: u64, y: u64) -> u64:
    """What an operation that is no comparison gives, in the format of its result."""
    target = _target(format_, operation)
    if format_ == WORD:
        return _from_word(state, u32(x), target)
    a, b = _wide(format_, x), _wide(format_, y)
    if operation <= DIVIDE:
        if _is_nan(a) or _is_nan(b):
            return _nan(state, a, b, target)
        if operation == MULTIPLY:
            return _product(state, a, b, target)
        if operation == DIVIDE:
            return _quotient(state, a, b, target)
        return _sum(state, a, b ^ SIGN if operation == SUBTRACT else b, target)
    if operation == CONVERT_TO_WORD:
        return _to_word(state, a)
    if _is_nan(a):
        return _nan(state, a, a, target)
    if operation >= CONVERT_TO_SINGLE:
        if a & ~SIGN == 0 or a & ~SIGN == INFINITY:
            return _exact(a, target)
        return _rounded(state, a >> 63, _significand(a), i64(_exponent(a) - 52), target)
    sign = SIGN if format_ == DOUBLE else 1 << 31
    return x & ~sign if operation == ABSOLUTE else x ^ sign


def _exact(x: u64, target: u32) -> u64:
    """A zero or an infinity in a format."""
    if target == DOUBLE:
        return x
    return x >> 63 << 31 | (0x7F800000 if x & INFINITY else 0)


def _nan(state: ProcessorState, a: u64, b: u64, target: u32) -> u64:
    """The NaN that comes of two numbers of which one is: a signalling one, made quiet, before a
    quiet one, and the first before the second."""
    chosen: u64 = a
    if _is_signalling(a) or _is_signalling(b):
        _raise(state, INVALID)
        chosen = (a if _is_signalling(a) else b) & ~SIGNALLING
        if chosen & FRACTION == 0:
            chosen |= SIGNALLING >> 1
    elif not _is_nan(a):
        chosen = b
    if target == DOUBLE:
        return chosen
    fraction = chosen >> 29 & 0x7FFFFF
    if fraction == 0:
        return DEFAULT_SINGLE
    return chosen >> 63 << 31 | 0x7F800000 | fraction


def _invalid(state: ProcessorState, target: u32) -> u64:
    _raise(state, INVALID)
    return DEFAULT_DOUBLE if target == DOUBLE else DEFAULT_SINGLE


def _exponent(x: u64) -> i64:
    """Of a finite number, normalised: that of its hidden bit. Zero's is below all others."""
    if x & INFINITY:
        return (x >> 52 & 0x7FF) - 1023
    exponent: i64 = -1022
    fraction: u64 = x & FRACTION
    if fraction == 0:
        return -1200
    while fraction < HIDDEN:
        fraction = u64(fraction << 1)
        exponent = i64(exponent - 1)
    return exponent


def _significand(x: u64) -> u64:
    """Of a finite number, normalised: from 2**52 on, or 0."""
    if x & INFINITY:
        return x & FRACTION | HIDDEN
    fraction: u64 = x & FRACTION
    while fraction and fraction < HIDDEN:
        fraction = u64(fraction << 1)
    return fraction


def _sum(state: ProcessorState, a: u64, b: u64, target: u32) -> u64:
    if a & ~SIGN == INFINITY or b & ~SIGN == INFINITY:
        if a & ~SIGN == b & ~SIGN and a != b:
            return _invalid(state, target)
        return _exact(a if a & ~SIGN == INFINITY else b, target)
    # The larger one first; its significand gets room for the other's bits below it.
    large = a if a & ~SIGN >= b & ~SIGN else b
    small = a ^ b ^ large
    exponent = _exponent(large)
    significand: u64 = u64(_significand(large) << 9)
    other = _shifted(u64(_significand(small) << 9), u64(exponent - _exponent(small)))
    if large >> 63 == small >> 63:
        significand = u64(significand + other)
    else:
        significand = u64(significand - other)
    if significand == 0:
        down = state.fcsr & ROUNDING == DOWN
        negative = large & small & SIGN if large >> 63 == small >> 63 else (SIGN if down else 0)
        return _exact(negative, target)
    return _rounded(state, large >> 63, significand, i64(exponent - 61), target)


def _shifted(significand: u64, places: u64) -> u64:
    """Shifted right; the last bit is sticky."""
    if places > 63:
        return 1 if significand else 0
    by = min(places, 63)
    lost = significand & u64((1 << by) - 1)
    return significand >> by | (1 if lost else 0)


def _product(state: ProcessorState, a: u64, b: u64, target: u32) -> u64:
    sign = (a ^ b) & SIGN
    if a & ~SIGN == INFINITY or b & ~SIGN == INFINITY:
        if a & ~SIGN == 0 or b & ~SIGN == 0:
            return _invalid(state, target)
        return _exact(sign | INFINITY, target)
    if a & ~SIGN == 0 or b & ~SIGN == 0:
        return _exact(sign, target)
    # In halves of 26 bits, for 106 bits are more than a number has here.
    low = (1 << 26) - 1
    m, n = _significand(a), _significand(b)
    lowest = (m & low) * (n & low)
    middle: u64 = u64((m >> 26) * (n & low) + (m & low) * (n >> 26) + (lowest >> 26))
    high: u64 = u64((m >> 26) * (n >> 26) + (middle >> 26))
    lost = lowest & low | middle & (1 << 18) - 1
    significand: u64 = u64(high << 8 | (middle >> 18 & 255))
    if lost:
        significand |= 1
    exponent = i64(_exponent(a) + _exponent(b) - 104 + 44)
    return _rounded(state, sign >> 63, significand, exponent, target)


def _quotient(state: ProcessorState, a: u64, b: u64, target: u32) -> u64:
    sign = (a ^ b) & SIGN
    if a & ~SIGN == INFINITY:
        if b & ~SIGN == INFINITY:
            return _invalid(state, target)
        return _exact(sign | INFINITY, target)
    if b & ~SIGN == INFINITY:
        return _exact(sign, target)
    if b & ~SIGN == 0:
        if a & ~SIGN == 0:
            return _invalid(state, target)
        _raise(state, DIVISION_BY_ZERO)
        return _exact(sign | INFINITY, target)
    if a & ~SIGN == 0:
        return _exact(sign, target)
    rest: u64 = _significand(a)
    divisor = _significand(b)
    significand: u64 = 0
    for _ in range(62):
        significand = u64(significand << 1)
        if rest >= divisor:
            rest = u64(rest - divisor)
            significand |= 1
        rest = u64(rest << 1)
    if rest:
        significand |= 1
    exponent = i64(_exponent(a) - _exponent(b) - 61)
    return _rounded(state, sign >> 63, significand, exponent, target)


def _rounds_up(mode: u32, negative: u64, last: u64, rest: u64, half: u64) -> bool:
    """Is a magnitude rounded away from zero, whose last bit is `last`, and below it `rest`?"""
    if mode == NEAREST:
        return rest > half or (rest == half and last & 1 != 0)
    if mode == TO_ZERO or rest == 0:
        return False
    return negative == 0 if mode == UP else negative != 0


def _rounded(state: ProcessorState, negative: u64, given: u64, scale: i64, target: u32) -> u64:
    """The number `given` times 2**`scale` in a format, `given` being neither 0 nor beyond 63 bits.
    Where its last bit is sticky, it has at least 60 bits."""
    significand: u64 = given
    exponent: i64 = i64(scale + 62)
    while significand < 1 << 62:
        significand = u64(significand << 1)
        exponent = i64(exponent - 1)
    double = target == DOUBLE
    bits = 52 if double else 23
    least: i64 = -1022 if double else -126
    drop = 62 - bits
    half = 1 << drop - 1
    mask = (1 << drop) - 1
    mode = state.fcsr & ROUNDING
    up = _rounds_up(mode, negative, significand >> drop, significand & mask, half)
    if exponent < least:
        # Tiny, unless the range alone keeps it from being the smallest normal number.
        all_ones = significand >> drop == (1 << bits + 1) - 1
        if exponent < i64(least - 1) or not (up and all_ones):
            _raise(state, TINY)
        significand = _shifted(significand, u64(least - exponent))
        exponent = least
    rest = significand & mask
    if rest:
        _raise(state, INEXACT)
    rounded: u64 = significand >> drop
    if _rounds_up(mode, negative, rounded, rest, half):
        rounded = u64(rounded + 1)
    # The hidden bit adds one to the exponent, and so does a carry.
    packed: u64 = u64((u64(exponent - least) << bits) + rounded)
    infinity = INFINITY if double else 0x7F800000
    if packed >= infinity:
        _raise(state, OVERFLOW | INEXACT)
        packed = infinity
        if not _rounds_up(mode, negative, 1, half, half):
            packed = infinity - 1
    return u64(negative << (63 if double else 31)) | packed


def _to_word(state: ProcessorState, a: u64) -> u64:
    exponent = i64((a >> 52 & 0x7FF) - 1023)
    if exponent > 32:
        _raise(state, INVALID)
        return DEFAULT_WORD
    # With nine bits behind the point.
    scaled = _shifted(_significand(a), u64(43 - exponent))
    number: u64 = scaled >> 9
    rest = scaled & 511
    negative = a >> 63
    if _rounds_up(state.fcsr & ROUNDING, negative, number, rest, 256):
        number = u64(number + 1)
    if number > 0x7FFFFFFF + negative:
        _raise(state, INVALID)
        return DEFAULT_WORD
    if rest:
        _raise(state, INEXACT)
    return u32(0 - number if negative else number)


def _from_word(state: ProcessorState, word: u32, target: u32) -> u64:
    if word == 0:
        return 0
    negative = word >> 31
    magnitude: u64 = u32(0 - word if negative else word)
    return _rounded(state, negative, magnitude, 0, target)


def _compared(state: ProcessorState, a: u64, b: u64, operation: u32) -> u64:
    """1 where the condition holds."""
    if _is_nan(a) or _is_nan(b):
        if operation & SIGNALS or _is_signalling(a) or _is_signalling(b):
            _raise(state, INVALID)
        return operation & IF_UNORDERED
    if a == b or (a | b) & ~SIGN == 0:
        return 1 if operation & IF_EQUAL else 0
    x, y = a & ~SIGN, b & ~SIGN
    less: bool = x < y
    if a >> 63 != b >> 63:
        less = a >> 63 == 1
    elif a >> 63:
        less = x > y
    return 1 if operation & IF_LESS and less else 0
