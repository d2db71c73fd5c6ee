"""The host's arithmetic against the integers: where it is sure, it is right; mostly it is."""

import ctypes
import os
import random
from collections import Counter

import pytest

from kseg.engine import floating_point
from kseg.engine.codegen import targets
from kseg.engine.codegen.builder import FunctionBuilder
from kseg.engine.codegen.llvm import compile_module
from kseg.engine.codegen.native import MappedCode
from kseg.engine.codegen.typed import compiler
from kseg.engine.interpreter.floating_point import FloatOperation
from kseg.engine.state import ProcessorState
from kseg.isa import floating_point as fp
from tests.engine.test_floating_point import FD, FS, FT, OPERATIONS, Native, operand, put

COUNT = int(os.environ.get("KSEG_FLOATING_EXAMPLES", "3000"))
Host = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)


def attempting(format_: int, operation: int) -> str:
    """A function that carries out an operation where the host is sure; was it?"""
    b = FunctionBuilder(f"host_{format_}_{operation}", "zeroext i1", [("ptr", "state")], "hidden")
    own = FloatOperation(b, format_, operation)
    attempt = own.attempt(FS, FT)
    with b.if_(attempt.sure):
        own.write(attempt, FD)
    b.return_("i1", attempt.sure)
    return b.text()


def module() -> str:
    texts = [attempting(*what) for what in OPERATIONS]
    return compiler.build([floating_point.compute]) + "\n".join(texts)


@pytest.fixture(scope="module")
def code() -> MappedCode:
    return MappedCode(compile_module(module()))


def near(rng: random.Random, format_: int, bits: int) -> int:
    """A number not far from another: sums cancel, quotients are near one, products are tiny."""
    width = 64 if format_ == fp.DOUBLE else 32
    return (bits + rng.randrange(-3, 4) ^ rng.getrandbits(1) << width - 1) & (1 << width) - 1


@pytest.mark.parametrize(("format_", "operation"), OPERATIONS)
def test_the_host_is_right_where_it_is_sure(code: MappedCode, format_: int, operation: int) -> None:
    native = Native(code.address("compute"))
    host = Host(code.address(f"host_{format_}_{operation}"))
    rng = random.Random(f"{format_} {operation}")
    sure: Counter[bool] = Counter()
    for _ in range(COUNT):
        one = ProcessorState()
        x = operand(rng, format_)
        put(one, FS, x)
        put(one, FT, rng.choice((operand(rng, format_), near(rng, format_, x))))
        one.fcsr = rng.choice((0, 0, 0, 1, 2, 3)) | rng.choice((0, rng.getrandbits(10) << 2))
        other = ProcessorState.from_buffer_copy(one)
        found = host(ctypes.addressof(one))
        sure[found] += 1
        if found:
            raised = native(ctypes.addressof(other), format_, operation, FD, FS, FT, False)
            assert not raised
        assert bytes(one) == bytes(other), (hex(x), other.fpr[FT : FT + 2], other.fcsr)
    assert sure[True] > COUNT // 10
    assert sure[False] or format_ == fp.WORD


@pytest.mark.parametrize("target", targets.NAMES)
def test_no_target_calls_a_library(target: str) -> None:
    """What refers to something outside itself cannot be made."""
    assert compile_module(module(), targets.named(target)).code
