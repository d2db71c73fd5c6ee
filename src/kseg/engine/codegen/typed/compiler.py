"""From typed Python to LLVM's text."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from kseg.engine.codegen.typed.statements import Function

DECLARATIONS = """
declare i64 @llvm.cttz.i64(i64, i1)
declare i32 @llvm.bswap.i32(i32)
declare void @llvm.trap()
!0 = !{!"branch_weights", i32 2000, i32 1}
!1 = !{!"branch_weights", i32 1, i32 2000}
"""
"""What a module needs for it, once, beside the target's prelude."""


def build(roots: Iterable[Callable[..., Any]], constants: Mapping[str, Any] | None = None) -> str:
    """A module that has the functions `roots`, by their names, and all that they call.

    `constants` go before those of the texts' modules that have the same names: so a text can be
    specialised. TypedPythonError says where and why something cannot become native code.
    """
    roots = list(roots)
    names = [exported_name(root) for root in roots]
    return DECLARATIONS + "\n".join(functions(roots, names, constants))


def exported_name(function: Any) -> str:
    """What a root is called in a module: its `symbol`, where it has one."""
    return str(getattr(function, "symbol", function.__name__))


def functions(
    roots: Iterable[Callable[..., Any]],
    exported: Collection[str],
    constants: Mapping[str, Any] | None = None,
) -> list[str]:
    """The same, function by function, for a module that has others too, which call `roots`. Those
    whose names are `exported` can be called by other code."""
    wanted, texts = list(roots), []
    own, done = set(wanted), set()

    def symbol(function: Any) -> str:
        if function in own:
            return exported_name(function)
        return re.sub(r"[^\w.]", "", f"{function.__module__}.{function.__qualname__}")

    for function in wanted:
        if function not in done:
            done.add(function)
            hidden = function in own and exported_name(function) in exported
            linkage = "hidden" if hidden else "internal"
            attributes = (linkage, "noinline" if function in own else "")
            compiled = Function(function, symbol, constants or {}, attributes)
            texts.append(compiled.text)
            wanted += compiled.called
    return texts
