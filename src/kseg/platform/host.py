"""Which host this is, in names of kseg's own, and whether kseg runs there."""

import os
import sys

from kseg.errors import HostError

SYSTEM = sys.platform
"""The operating system: "linux", "darwin" (macOS), "win32", "emscripten" (a browser)."""

_PROCESSORS = {"AMD64": "x86_64", "arm64": "aarch64"}
"""Some systems have names of their own for them."""


def _processor() -> str:
    if not hasattr(os, "uname"):
        import platform

        machine = platform.machine()
    else:
        machine = os.uname().machine
    return _PROCESSORS.get(machine, machine)


PROCESSOR = _processor()
"""The kind of processor as Linux names it: "x86_64", "aarch64", ..."""


HAS_NATIVE_CODE = SYSTEM == "linux"
"""Others make memory executable in ways that kseg does not know: docs/hosts.md."""


def check() -> None:
    """HostError, which says what to do instead, where kseg does not run at all."""
    if SYSTEM == "win32":
        raise HostError(
            "kseg does not run on Windows itself: use it in WSL 2 (wsl --install), or in a"
            " container with Linux"
        )
