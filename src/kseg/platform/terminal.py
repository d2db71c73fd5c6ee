"""The user's terminal while a guest has it: raw, and given back whatever happens."""

import contextlib
import errno
import os
import termios
from typing import Any

INPUT, LOCAL, CONTROL = 0, 3, 6


def pair() -> tuple[int, int]:
    """A terminal made of nothing: the descriptors of who shows it, and of who believes to be at
    one."""
    return os.openpty()


class Terminal:
    """A terminal on a descriptor. Settings are taken and restored only while this process is in
    the foreground: they are some other program's otherwise."""

    def __init__(self, descriptor: int = 0, *, signals: bool = False) -> None:
        """`signals`: keys such as Ctrl-C and Ctrl-Z still act on kseg, not on the guest."""
        self.descriptor = descriptor
        self._signals = signals
        self._saved: list[Any] | None = None
        self._raw = False

    @property
    def in_foreground(self) -> bool:
        """Whether what is typed there is meant for this process."""
        try:
            return os.tcgetpgrp(self.descriptor) == os.getpgrp()
        except OSError:
            return False

    @property
    def gone(self) -> bool:
        """Whether it was hung up: nothing can be read from it, or written to it, any more."""
        try:
            os.tcgetpgrp(self.descriptor)
        except OSError as error:
            return error.errno == errno.EIO
        return False

    def take(self) -> None:
        """No echo, no lines, no translation of Enter (it arrives as a carriage return)."""
        if self._raw or not self.in_foreground:
            return
        if self._saved is None:
            self._saved = termios.tcgetattr(self.descriptor)
        settings = termios.tcgetattr(self.descriptor)
        settings[INPUT] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP)
        settings[INPUT] &= ~(termios.IXON | termios.IXOFF)
        settings[LOCAL] &= ~(termios.ICANON | termios.ECHO | termios.ECHONL | termios.IEXTEN)
        if self._signals:
            settings[LOCAL] |= termios.ISIG
        else:
            settings[LOCAL] &= ~termios.ISIG
        settings[CONTROL] = list(settings[CONTROL])
        settings[CONTROL][termios.VMIN] = 1
        settings[CONTROL][termios.VTIME] = 0
        termios.tcsetattr(self.descriptor, termios.TCSADRAIN, settings)
        self._raw = True

    def give_back(self) -> None:
        """As it was before `take`; nothing if it is not ours."""
        if self._raw and self._saved is not None:
            self._raw = False
            # After a hang-up there is nothing left to restore.
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.descriptor, termios.TCSADRAIN, self._saved)
