"""A directory of generated files that survive the process: the user's own, and checked on reading.

Nothing in it is ever needed: whatever is missing, damaged, foreign or unwritable is made again or
done without, with a warning where the user can mend something.
"""

import hashlib
import os
import stat
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

_DIGEST_SIZE = 32
_KINDS = ("interpreter", "stencils", "translations")
"""How the names of files begin."""
_KEPT = 8
"""How many files of one kind are kept; the oldest go."""


class CacheWarning(UserWarning):
    """The cache directory cannot be used; everything works, but starts slowly."""


def directory() -> Path:
    """Where the cache lies: KSEG_CACHE_DIR, or the system's place for a user's caches."""
    chosen = os.environ.get("KSEG_CACHE_DIR")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("kseg"))


def entries() -> list[Path]:
    """The files kept, of whatever version of kseg, by name."""
    folder = directory()
    return sorted(path for kind in _KINDS for path in folder.glob(f"{kind}-*"))


def exists(kind: str, key: str) -> bool:
    """Is there a file under `kind` and `key`, intact or not?"""
    return (directory() / f"{kind}-{key}").exists()


def read(kind: str, key: str) -> bytes | None:
    """The file kept under `kind` and `key`, or None if there is none that is intact and ours."""
    path = directory() / f"{kind}-{key}"
    try:
        with path.open("rb") as file:
            if not _is_ours(os.fstat(file.fileno())) or not _is_ours(path.parent.stat()):
                return None
            stored = file.read()
    except OSError:
        return None
    digest, content = stored[:_DIGEST_SIZE], stored[_DIGEST_SIZE:]
    return content if digest == _digest(kind, key, content) else None


def write(kind: str, key: str, content: bytes, most_bytes: int | None = None) -> None:
    """Keep `content`; if that cannot be done, warn and go on.

    Of each kind the newest few are kept, or as many as `most_bytes` allows.
    """
    folder = directory()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(folder.stat()):
            warnings.warn(
                f"{folder} can be written by others, so nothing is cached there; "
                f"`chmod 700 {folder}` mends it",
                CacheWarning,
                stacklevel=2,
            )
            return
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(kind, key, content) + content)
            Path(temporary).replace(folder / f"{kind}-{key}")
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        _trim(folder, kind, most_bytes)
    except OSError as error:
        reason = error.strerror or str(error)
        warnings.warn(
            f"cannot keep generated code in {folder} ({reason}), so the next start is slow too; "
            "KSEG_CACHE_DIR names another place",
            CacheWarning,
            stacklevel=2,
        )


def _digest(kind: str, key: str, content: bytes) -> bytes:
    return hashlib.blake2b(f"{kind}\0{key}\0".encode() + content, digest_size=_DIGEST_SIZE).digest()


def _is_ours(status: os.stat_result) -> bool:
    """Does it belong to this user, and can nobody else write it?"""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _trim(folder: Path, kind: str, most_bytes: int | None) -> None:
    sizes = {}
    for path in folder.glob(f"{kind}-*"):
        with suppress(OSError):  # another process may be trimming too
            status = path.stat()
            sizes[path] = status.st_mtime, status.st_size
    kept = total = 0
    for path, (_, size) in sorted(sizes.items(), key=lambda item: item[1], reverse=True):
        kept, total = kept + 1, total + size
        if kept > _KEPT if most_bytes is None else total > most_bytes:
            path.unlink(missing_ok=True)
