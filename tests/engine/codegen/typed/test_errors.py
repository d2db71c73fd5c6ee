"""What is not typed Python is said, with the place, instead of being compiled to something else."""

import pytest

from kseg.engine.codegen.typed.compiler import build
from kseg.engine.codegen.typed.values import TypedPythonError
from tests.engine.codegen.typed.texts import WORDS, defined

HEAD = """
class S(ctypes.Structure):
    _fields_ = [("n", ctypes.c_uint32), ("t", ctypes.c_uint32 * 8), ("f", ctypes.c_float),
                ("some", ctypes.c_uint32, 3)]
    def method(self, a: u32) -> None:
        self.n = a
class Gaps(IntEnum):
    A = 1
    B = 3
class Near(IntEnum):
    A = 0
    B = 1
def untyped(a): return a
def nothing(a: u32) -> None: return
def f(s: S, a: u32, b: u64, c: i64, g: bool) -> u32:
"""
WRONG = {
    # Numbers.
    "return a - 1": "-1 to 4294967294 may not fit u32: cast, u32(…)",
    "return a + b": "may not fit u32",
    "s.n = b": "may not fit",
    "x: u8 = a": "may not fit u8",
    "x: u8 = 0\nx = x + 1": "1 to 256 may not fit u8: cast, u8(…)",
    "x: u8 = 0\nx += 1": "1 to 256 may not fit u8: cast, u8(…)",
    "nothing(b)": "may not fit u32",
    "return u32(b > c)": "cast it",
    "return u32(b - c < 3)": "cast it",
    "return u32((b * b) >> 3)": "exact numbers",
    "return u32((b * b) % 3)": "exact numbers",
    "if b * b:\n return 1": "exact number is wanted",
    "return u32(b << a)": "a shift by 0 to 4294967295",
    "return a // a": "by what may be 0",
    "return u32(c // 3)": "what may be negative",
    "return u32(a ** 2)": "there is no Pow here",
    "return a / 2": "there is no Div here",
    "return +a": "there is no UAdd here",
    "return u32(1.5)": "there is no Constant here",
    # Memory.
    "return s.t[a]": "0 to 4294967295 may not be among 8",
    "return s.t[a % 8 - 1]": "-1 to 6 may not be among 8",
    "return s.m": "S has no field m",
    "return s.f": "nothing of c_float",
    "return s.some": "S has no field some",
    "return a.n": "a number has no n",
    "return a[0]": "only arrays have elements",
    "return s": "a u32 is wanted here",
    "s.t = a": "only numbers are assigned",
    "s.method(s)": "a u32 is wanted here",
    "s.other(a)": "no method other",
    "return u32(ctypes.addressof(a))": "only what lies in memory",
    "x = S.from_address(c)": "may not fit u64",
    "copy(b, b, a)": "only a constant number of bytes",
    "return u32(matching(s.t, a, a))": "which are looked at is constant",
    # Names.
    "if g:\n x = a\nreturn x": "x is no constant, and no local that is surely assigned",
    "x = a\nx = b": "x is assigned more than once: declare it",
    "x = a\nif g:\n x: u8 = 0": "x is declared already",
    "x = a\nif g:\n x = 0": "declare it",
    "return a in s.t": "of a tuple that is written there",
    "x: u8 = 1\nif g:\n x: u8 = 0": "x is declared already",
    "for a in range(3):\n pass": "a is declared already",
    "for i in range(3):\n pass\nreturn i": "i is no constant",
    "return y": "y is no constant",
    "x: float = a": "float is no type of native code",
    "x: u32 = s": "a u32 is wanted",
    "x: S = a": "a S is wanted",
    "x: Gaps = 1": "Gaps is no type of native code",
    # Control.
    "if g:\n return 1": "f may end without returning anything",
    "return": "the result is missing",
    "for i in s.t:\n pass": "for is over range",
    "for i in range(0, 8, 2):\n pass": "for is over range",
    "for i in each_bit(c):\n pass": "have no end",
    "try:\n pass\nfinally:\n pass": "there is no such Try here",
    "while g:\n pass\nelse:\n pass": "there is no such While here",
    "x = [a]": "there is no List here",
    "return (lambda: a)()": "known by name",
    "x, y = s.t": "there is no such Assign here",
    "y = g and a": "they are of truth values",
    "y = a if g else s": "not of one type",
    "a": "there is no such Expr here",
    # Calls.
    "return print(a)": "print cannot be called here",
    "return untyped(a)": "a has no type",
    "return nothing(a)": "a call without a result has no value",
    "nothing()": "nothing has more parameters",
    "nothing(a, a)": "nothing has other parameters",
    "nothing(b=a)": "nothing has other parameters",
    "return u32(a, b)": "u32 is of one number",
    "return u32(min(a))": "min has other parameters",
    "return Near(s)": "a number is wanted here",
}


@pytest.mark.parametrize("body", WRONG)
def test_what_is_wrong_is_said(body: str) -> None:
    lines = "".join(f" {line}\n" for line in body.split("\n"))
    text = defined(HEAD + lines + (" return 0\n" if "return" not in body else ""))
    with pytest.raises(TypedPythonError) as caught:
        build([text.f])
    place, _, message = str(caught.value).partition(": ")
    assert WRONG[body] in message
    file, _, line = place.partition(":")
    first = (WORDS + HEAD).count("\n") + 1
    assert file.startswith("text")
    assert first - 1 <= int(line) < first + len(lines.splitlines()) + 1


def test_what_has_no_source_is_refused() -> None:
    namespace: dict[str, object] = {}
    exec("def g(a: int) -> None: pass", namespace)
    with pytest.raises(TypedPythonError, match="there is no source of g"):
        build([namespace["g"]])  # type: ignore[list-item]


def test_a_number_that_is_none_of_an_enumeration_is_refused_by_cpython() -> None:
    """Natively it ends the process, as it would not be known what comes of it."""
    text = defined("class K(IntEnum):\n A = 0\n B = 1\ndef k(a: u32) -> K:\n return K(a)\n")
    assert "llvm.trap" in build([text.k]).partition("define")[2]
    with pytest.raises(ValueError, match="2"):
        text.k(2)
