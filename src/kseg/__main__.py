"""The command `kseg`, also as `python -m kseg`."""

import sys
from typing import NoReturn

from kseg.platform import signals


def main() -> NoReturn:
    """The console script. Ctrl-C is no traceback, wherever it comes: while everything is imported,
    while an error is told, at the very end."""
    signals.let_interrupt_end()
    try:
        from kseg.cli import main as obey

        signals.let_interrupt_raise()
        obey()
    except KeyboardInterrupt:
        sys.exit(128 + signals.INTERRUPT)
    finally:
        signals.let_interrupt_end()


if __name__ == "__main__":
    main()
