"""From typed Python to a module of LLVM's text."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kseg.engine.codegen import vector
from kseg.engine.codegen.typed.statements import Function

PRELUDE = f"""{vector.DECLARATIONS}
declare i64 @llvm.readcyclecounter()
declare void @llvm.trap()
!0 = !{{!"branch_weights", i32 2000, i32 1}}
!1 = !{{!"branch_weights", i32 1, i32 2000}}
"""


def build(roots: Iterable[Callable[..., Any]], constants: Mapping[str, Any] | None = None) -> str:
    """A module that has the functions `roots`, by their names, and all that they call.

    `constants` go before those of the texts' modules that have the same names: so a text can be
    specialised. TypedPythonError says where and why something cannot become native code.
    """
    return PRELUDE + "\n".join(functions(roots, constants))


def functions(
    roots: Iterable[Callable[..., Any]], constants: Mapping[str, Any] | None = None
) -> list[str]:
    """The same, function by function, for a module that has more; it needs what `PRELUDE` has."""
    wanted, texts = list(roots), []
    exported, done = list(wanted), set()

    def symbol(function: Any) -> str:
        if function in exported:
            return str(function.__name__)
        return re.sub(r"[^\w.]", "", f"{function.__module__}.{function.__qualname__}")

    for function in wanted:
        if function not in done:
            done.add(function)
            linkage = "hidden" if function in exported else "internal"
            compiled = Function(function, symbol, constants or {}, (linkage, ""))
            texts.append(compiled.text)
            wanted += compiled.called
    return texts
