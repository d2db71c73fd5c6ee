"""Where programs keep what they can make again."""

import os
from pathlib import Path

from kseg.platform import host


def user_cache() -> Path:
    """The directory for this user's caches; it need not exist. On Linux as the XDG Base Directory
    Specification says (XDG_CACHE_HOME, or ~/.cache), on macOS as Apple does."""
    if host.SYSTEM == "darwin":
        return Path(os.path.expanduser("~/Library/Caches"))  # noqa: PTH111 - none need be a home
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has relative ones ignored.
    return Path(chosen if os.path.isabs(chosen) else os.path.expanduser("~/.cache"))  # noqa: PTH111, PTH117
