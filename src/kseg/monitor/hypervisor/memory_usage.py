"""How much memory guests have and use, in pages and frames of 4 kB."""

from typing import NamedTuple


class GuestMemory(NamedTuple):
    """Where the pages of one guest lie."""

    own: int
    """Pages with a frame of their own."""
    shared: int
    """Pages that lie in a frame together with others, of this guest or another."""
    untouched: int
    """Pages of zeros, which take no frame: never written, or found to be zero again."""


class MachineMemory(NamedTuple):
    """The frames of the machine."""

    total: int
    """Frames that guests can have."""
    used: int
    """Frames that guests have."""
    shared: int
    """Of those, how many hold more than one page."""
    saved: int
    """Frames that would be used besides if each of the pages in them had its own."""
    committed: int
    """Pages that guests were promised, written or not."""
