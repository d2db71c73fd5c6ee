"""A line on a terminal's screen that says how far long work has come.

It stands behind what is there, and the cursor stays where it was: `kseg.cli.streams` takes the line
away before anything else is written, so that nobody else need know of it.
"""

import shutil
import time

from kseg.cli import streams

PAUSE = 0.1
"""Seconds between two drawings."""
PATIENCE = 0.3
"""Seconds that work may take before there is a line: most does not."""
SILENCE = 1.0
"""Seconds without news after which the next is of other work."""

SAVE, RESTORE = "\x1b7", "\x1b8"


class Line:
    """Draws on stderr, which is a terminal."""

    def __init__(self) -> None:
        self._next = self._heard = 0.0

    def show(self, text: str, long: bool = False) -> None:
        """Say this, unless it is too soon; at once if it takes `long`."""
        now = time.monotonic()
        if now - self._heard > SILENCE:
            self._next = now + PATIENCE
        self._heard = now
        if not long and now < self._next:
            return
        self._next = now + PAUSE
        most = shutil.get_terminal_size().columns - 1
        streams.draw(f"{SAVE}{text[:most]}{streams.ERASE}{RESTORE}")


show = Line().show
"""For the process's stderr."""
