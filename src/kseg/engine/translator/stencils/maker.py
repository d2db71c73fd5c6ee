"""Makes stencils in a process of its own, so that no guest waits for them: they are for the next
machine, or for this one if it runs long enough."""

import subprocess
import sys
import warnings
from contextlib import suppress


def make_beside(profile_name: str, byte_order: str) -> None:
    """Start making the stencils of a profile and byte order, if that can be done."""
    with suppress(OSError):
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, profile_name, byte_order],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        # Nobody waits for it: it ends by itself, and what it says does not matter.
        process.returncode = 0


if __name__ == "__main__":
    from kseg.engine.translator.stencils.image import load

    warnings.simplefilter("ignore")
    load(sys.argv[1], sys.argv[2])
