"""Coprocessor 1, the floating-point unit: arithmetic, conversions, comparisons.

Single, double and word (.s, .d, .w); a double is in a pair of registers and named by the even
one, which holds its low word. Results, rounding and events are those of IEEE 754 with gradual
underflow; a NaN is quiet where the top bit of its fraction is clear.

Every operation but MOV clears FCSR's causes and sets those of its own events; where one of them is
enabled, or is "unimplemented operation", it writes nothing else and raises the unit's interrupt,
which is taken at the operation itself if Status lets it through. The other events gather in the
flags. `kseg.engine.floating_point` computes.

Source: MIPS RISC Architecture (Kane, Heinrich), chapter 9 and appendix B.
"""

from kseg.isa import floating_point as fp
from kseg.isa.instruction import instruction
from kseg.isa.instructions.coprocessor import require
from kseg.isa.semantics import Processor
from kseg.isa.values import Value

_LETTERS = {fp.SINGLE: "s", fp.DOUBLE: "d", fp.WORD: "w"}


def _two(name: str, format_: int, operation: int, text: str) -> None:
    """Declare an operation of two numbers."""

    def meaning(cpu: Processor, t: Value, v: Value, w: Value) -> None:
        require(cpu, 1)
        cpu.compute(format_, operation, w, v, t)

    meaning.__doc__ = text
    bits = f"010001 {format_:05b} ttttt vvvvv wwwww {operation:06b}"
    instruction(bits, f"{name} $fw, $fv, $ft", floating_point=True)(meaning)


def _one(name: str, format_: int, operation: int, text: str) -> None:
    """Declare an operation of one number."""

    def meaning(cpu: Processor, v: Value, w: Value) -> None:
        require(cpu, 1)
        cpu.compute(format_, operation, w, v, 0)

    meaning.__doc__ = text
    bits = f"010001 {format_:05b} 00000 vvvvv wwwww {operation:06b}"
    instruction(bits, f"{name} $fw, $fv", floating_point=True)(meaning)


def _comparison(condition: int, format_: int) -> None:
    name = fp.CONDITIONS[condition]

    def meaning(cpu: Processor, t: Value, v: Value) -> None:
        require(cpu, 1)
        cpu.compute(format_, fp.COMPARE | condition, 0, v, t)

    meaning.__doc__ = _condition_text(condition)
    bits = f"010001 {format_:05b} ttttt vvvvv 00000 11{condition:04b}"
    instruction(bits, f"c.{name}.{_LETTERS[format_]} $fv, $ft", floating_point=True)(meaning)


def _condition_text(condition: int) -> str:
    cases = ((fp.IF_LESS, "less"), (fp.IF_EQUAL, "equal"), (fp.IF_UNORDERED, "unordered"))
    true = [name for bit, name in cases if condition & bit]
    text = f"The condition is true if {' or '.join(true)}." if true else "The condition is false."
    signals = "Invalid if unordered." if condition & fp.SIGNALS else ""
    return f"{text} {signals}".strip()


for _format in (fp.SINGLE, fp.DOUBLE):
    _letter = _LETTERS[_format]
    _two(f"add.{_letter}", _format, fp.ADD, "Add.")
    _two(f"sub.{_letter}", _format, fp.SUBTRACT, "Subtract.")
    _two(f"mul.{_letter}", _format, fp.MULTIPLY, "Multiply.")
    _two(f"div.{_letter}", _format, fp.DIVIDE, "Divide.")
    _one(f"abs.{_letter}", _format, fp.ABSOLUTE, "Clear the sign; a NaN is passed on.")
    _one(f"neg.{_letter}", _format, fp.NEGATE, "Change the sign; a NaN is passed on.")


@instruction("010001 10000 00000 vvvvv wwwww 000110", "mov.s $fw, $fv", floating_point=True)
def mov_s(cpu: Processor, v: Value, w: Value) -> None:
    """Move, whatever the bits are; FCSR stays as it is."""
    require(cpu, 1)
    cpu.fpr[w] = cpu.fpr[v]


@instruction("010001 10001 00000 vvvvv wwwww 000110", "mov.d $fw, $fv", floating_point=True)
def mov_d(cpu: Processor, v: Value, w: Value) -> None:
    """Move a pair, whatever the bits are; FCSR stays as it is."""
    require(cpu, 1)
    low, high = cpu.fpr[v & 30], cpu.fpr[v | 1]
    cpu.fpr[w & 30] = low
    cpu.fpr[w | 1] = high


for _to, _from in ((fp.SINGLE, "dw"), (fp.DOUBLE, "sw"), (fp.WORD, "sd")):
    for _format in (fp.SINGLE, fp.DOUBLE, fp.WORD):
        if _LETTERS[_format] in _from:
            _one(
                f"cvt.{_LETTERS[_to]}.{_LETTERS[_format]}",
                _format,
                0x20 | _to & 7,
                "Convert, rounded as FCSR says.",
            )

for _format in (fp.SINGLE, fp.DOUBLE):
    for _number in range(16):
        _comparison(_number, _format)
