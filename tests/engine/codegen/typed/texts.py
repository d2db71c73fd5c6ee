"""Functions of typed Python for tests: run by CPython, and compiled."""

import ctypes
import itertools
import linecache
from collections.abc import Callable
from typing import Any

from kseg.engine.codegen.llvm import compile_module
from kseg.engine.codegen.native import MappedCode
from kseg.engine.codegen.typed.calls import signature_of
from kseg.engine.codegen.typed.compiler import build
from kseg.engine.codegen.typed.values import held

WORDS = "from kseg.engine.codegen.typed import *\nimport ctypes\nfrom enum import IntEnum\n"
_numbers = itertools.count()


def defined(source: str) -> Any:
    """What a source defines, which `inspect` finds again; the words are there."""
    name = f"text{next(_numbers)}.py"
    source = WORDS + source
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": "texts"}
    exec(compile(source, name, "exec"), namespace)
    return type("Defined", (), {key: staticmethod(value) if callable(value) else value
                                for key, value in namespace.items()})  # fmt: skip


def compiled(*functions: Callable[..., Any], **constants: Any) -> Any:
    """The same functions as native code: one, or several by name."""
    code = MappedCode(compile_module(build(functions, constants)))
    made = {each.__name__: _native(each, code) for each in functions}
    return made if len(functions) > 1 else made[functions[0].__name__]


def _native(function: Callable[..., Any], code: MappedCode) -> Callable[..., Any]:
    signature = signature_of(function)
    types = [_ctype(each) for each in signature.parameters.values()]
    result = None if signature.result is None else _ctype(signature.result)
    called = ctypes.CFUNCTYPE(result, *types)(code.address(function.__name__))

    def call(*given: Any, _code: MappedCode = code) -> Any:
        return called(*(_passed(each) for each in given))

    return call


def _passed(value: Any) -> int:
    return ctypes.addressof(value) if isinstance(value, (ctypes.Structure, ctypes.Array)) else value


def _ctype(type_: Any) -> Any:
    if type_ is bool:
        return ctypes.c_bool
    word = held(type_)
    if word is None:
        return ctypes.c_void_p
    return getattr(ctypes, f"c_{'int' if word.low < 0 else 'uint'}{word.bits}")
