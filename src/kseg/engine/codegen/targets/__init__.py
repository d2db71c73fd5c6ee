"""The kinds of processor for which native code is made, and all that is different between them.

`target` (what one is), `x86_64`, `aarch64`. They are imported when code is made: most starts find
it in the cache.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from kseg.platform import host
from kseg.platform.code import NativeCodeError

if TYPE_CHECKING:
    from kseg.engine.codegen.targets.target import Target

NAMES = ("x86_64", "aarch64")


def named(name: str) -> "Target":
    """The target for a kind of processor, one of NAMES."""
    target: Target = import_module(f"{__name__}.{name}").TARGET
    return target


def check() -> None:
    """NativeCodeError where there is no native code for this host."""
    if not host.HAS_NATIVE_CODE:
        raise NativeCodeError("native code needs Linux, which any container has")
    if host.PROCESSOR not in NAMES:
        raise NativeCodeError(f"there is native code for {' and '.join(NAMES)} only")


def native() -> "Target":
    """This host's; NativeCodeError if there is none."""
    check()
    return named(host.PROCESSOR)
