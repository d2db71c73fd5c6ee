"""Which host this is, in names of kseg's own."""

import os
import sys

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
