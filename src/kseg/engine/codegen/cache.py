"""A directory of generated files that survive the process: the user's own, and checked on reading.

Nothing in it is ever needed: whatever is missing, damaged, foreign or unwritable is made again or
done without, with a warning where the user can mend something.
"""

import errno
import hashlib
import os
import stat
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path

_DIGEST_SIZE = 32
_KINDS = ("dispatcher", "interpreter", "stencils", "translations")
"""How the names of files begin."""
_KEPT = 8
"""How many files of one kind are kept; the oldest go."""
_UNFINISHED = ".new-"
"""How the names of files begin while they are written."""
_LONGEST_WRITE = 3600.0
"""Seconds after which nobody is still writing one."""

_warned: set[Path] = set()
"""Directories of which the user knows that they are of no use."""
_makes_directory = True


def make_no_directory() -> None:
    """In this process: for one that outlives its machine. Whoever removes the directory meanwhile
    is to be rid of it."""
    global _makes_directory
    _makes_directory = False


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
    """The files kept, of whatever version of kseg, by name; also those never written to the end."""
    folder = directory()
    patterns = [f"{_UNFINISHED}*", *(f"{kind}-*" for kind in _KINDS)]
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def exists(kind: str, key: str) -> bool:
    """Is there a file under `kind` and `key`, intact or not?"""
    return (directory() / f"{kind}-{key}").exists()


def is_usable() -> bool:
    """Can files be kept? Makes the directory if there is none; warns, once, where it is of no
    use."""
    folder = directory()
    try:
        if _makes_directory:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status, system = folder.stat(), os.statvfs(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if system.f_blocks and not system.f_bavail:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        _complain(folder, error)
        return False
    if _is_ours(status):
        return True
    if status.st_uid != os.geteuid():
        _warn(
            folder,
            f"{folder} belongs to another user, so nothing is cached there; "
            "KSEG_CACHE_DIR names another place",
        )
    else:
        _warn(
            folder,
            f"{folder} can be written by others, so nothing is cached there; "
            f"`chmod 700 {folder}` mends it",
        )
    return False


def read(kind: str, key: str) -> bytes | None:
    """The file kept under `kind` and `key`, or None if there is none that is intact and ours."""
    path = directory() / f"{kind}-{key}"
    try:
        # Whatever else may lie there under its name: neither follow it nor wait for it.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:  # noqa: PTH123 - it is a descriptor
            status = os.fstat(handle)
            if not (stat.S_ISREG(status.st_mode) and _is_ours(status)):
                return None
            if not _is_ours(path.parent.stat()):
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
    if not is_usable():
        return
    folder = directory()
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=_UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(kind, key, content) + content)
            Path(temporary).replace(folder / f"{kind}-{key}")
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        _trim(folder, kind, most_bytes)
    except OSError as error:
        _complain(folder, error)


def _complain(folder: Path, error: OSError) -> None:
    _warn(
        folder,
        f"cannot keep generated code in {folder} ({error.strerror or error}), so the next start is "
        "slow too; KSEG_CACHE_DIR names another place",
    )


def _warn(folder: Path, text: str) -> None:
    """Once: of the many files that go there, none is worth a second warning."""
    if folder not in _warned:
        _warned.add(folder)
        warnings.warn(text, CacheWarning, stacklevel=3)


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
    for path in folder.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _LONGEST_WRITE:
                path.unlink(missing_ok=True)
