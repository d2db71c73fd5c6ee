"""What a debugger has still to be told: that here the history begins, or ends.

GDB steps over a breakpoint by itself when it continues, and evaluates conditions by itself; when it
hears of an edge of the history instead of what came of such a step, it never lets the target run
again (GDB 13: only ordinary stops end its stepping over). So it hears what came of it, and of the
edge the next time, unless it has shown the stop to its user meanwhile: then the user knows where
the target stands, and means to go on.
"""


class Edge:
    """One end of the history."""

    def __init__(self) -> None:
        self._hidden = False
        self._stepped = False
        self._inserted = False

    def hide(self, *, by_step: bool) -> None:
        """The target stands at the edge, and the debugger has heard of something else: `by_step`,
        that a step is done."""
        self._hidden, self._stepped, self._inserted = True, by_step, False

    def step(self) -> None:
        """The debugger takes a step."""
        self._stepped = True

    def told(self) -> None:
        """The debugger knows, or the target stands there no more."""
        self._hidden = False

    def hear(self, data: bytes) -> None:
        """A packet has come while the target stands."""
        if data[:1] == b"q":
            # For its user, GDB asks for the threads.
            self._hidden = False
        elif data[:1] == b"Z":
            self._inserted = True

    @property
    def is_hidden(self) -> bool:
        """Whether the debugger is in the middle of something, and does not know."""
        return self._hidden

    @property
    def is_due(self) -> bool:
        """Whether it has come to the end of what it does by itself: it has stepped, and breakpoints
        are there again."""
        return self._hidden and self._stepped and self._inserted
