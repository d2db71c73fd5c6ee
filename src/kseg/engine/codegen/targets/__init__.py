"""The kinds of processor for which native code is made, and all that is different between them.

`target` (what one is), `x86_64`, `aarch64`.
"""

from kseg.engine.codegen.targets.target import Target
from kseg.platform import host
from kseg.platform.code import NativeCodeError

NAMES = ("x86_64", "aarch64")


def named(name: str) -> Target:
    """The target for a kind of processor; NativeCodeError if there is none."""
    if name == "x86_64":
        from kseg.engine.codegen.targets import x86_64

        return x86_64.TARGET
    if name == "aarch64":
        from kseg.engine.codegen.targets import aarch64

        return aarch64.TARGET
    raise NativeCodeError(f"there is no native code for {name}, only for {', '.join(NAMES)}")


def native() -> Target:
    """This host's; NativeCodeError if there is none, or no code can be executed here."""
    if not host.HAS_NATIVE_CODE:
        raise NativeCodeError("native code needs Linux, which any container has")
    return named(host.PROCESSOR)


__all__ = ["NAMES", "Target", "named", "native"]
