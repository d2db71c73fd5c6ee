"""SIMD: all words of a small table at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from kseg.engine.codegen.builder import FunctionBuilder, Operand

DECLARATIONS = """
declare i64 @llvm.cttz.i64(i64, i1)
"""


def matching(
    b: FunctionBuilder, table: Operand, wanted: Operand, bits: int, length: int = 64
) -> Operand:
    """An i64 with a bit for each of the `length` 32-bit words at pointer `table`: are those of its
    `bits` equal to those of the i32 `wanted`?"""
    type_ = f"<{length} x i32>"
    words = b.emit(f"load {type_}, ptr {table}, align 4")
    first = b.emit(f"insertelement {type_} poison, i32 {wanted}, i64 0")
    zeros = f"<{length} x i32> zeroinitializer"
    everywhere = b.emit(f"shufflevector {type_} {first}, {type_} poison, {zeros}")
    different = b.emit(f"xor {type_} {words}, {everywhere}")
    mask = bits - (1 << 32) if bits >> 31 else bits
    constant = f"<{', '.join([f'i32 {mask}'] * length)}>"
    cut = b.emit(f"and {type_} {different}, {constant}")
    equal = b.emit(f"icmp eq {type_} {cut}, zeroinitializer")
    found = b.emit(f"bitcast <{length} x i1> {equal} to i{length}")
    return found if length == 64 else b.emit(f"zext i{length} {found} to i64")


@contextmanager
def each_bit(b: FunctionBuilder, bits: Operand) -> Iterator[Operand]:
    """Code that runs for the number of each bit that is set in the i64 `bits`, an i64, from the
    lowest."""
    left = b.variable("i64", bits)
    with b.loop() as done:
        now = left.get()
        b.leave_loop_if(b.emit(f"icmp eq i64 {now}, 0"), done)
        left.set(b.emit(f"and i64 {now}, {b.emit(f'sub i64 {now}, 1')}"))
        yield b.emit(f"call i64 @llvm.cttz.i64(i64 {now}, i1 true)")
