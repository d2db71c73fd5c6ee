"""Clocks beside those that every Python has."""

import time
from collections.abc import Callable

own_time_ns: Callable[[], int] = getattr(time, "thread_time_ns", time.monotonic_ns)
"""The processor time that this thread has had, in ns: what does not pass while a guest rests.
Where threads have no such clock (in a browser), that of the wall."""
