"""A directory of generated files that survive the process: the user's own, and checked on reading.

Nothing in it is ever needed: whatever is missing, damaged, foreign or unwritable is made again or
done without, with a warning where the user can mend something.
"""

import errno
import os
import stat
import time
import warnings
from contextlib import suppress
from pathlib import Path

from kseg.platform.caches import user_cache
from kseg.platform.digests import blake2b
from kseg.platform.files import is_full, open_file
from kseg.platform.owners import is_own, only_own

_DIGEST_SIZE = 32
_KINDS = (
    "account", "burst-loop", "device", "devices",
    "dispatcher", "interpreter", "stencils", "translations",
)  # fmt: skip
"""How the names of files begin."""
_NAME = (
    r"(?:account|burst-loop|device-\w+-\w+|devices-[a-z0-9]+|dispatcher|translations"
    r"|(?:interpreter|stencils)-[a-z0-9]+-[a-z]+)"
    r"-[0-9a-f]{16,64}(?:-[0-9a-f]{5})?"
    r"|\.new-[a-z0-9_]+"
)
"""Names that no other program gives to files: such a file is kseg's also when it is damaged."""
_MOST_READ = 128 << 20
"""Bytes of one file: none is as large, but a sparse one costs nothing to make."""
_KEPT = 8
"""How many files of one kind are kept; the oldest go."""
_UNFINISHED = ".new-"
"""How the names of files begin while they are written."""
_BEGINNINGS = (_UNFINISHED, *(f"{kind}-" for kind in _KINDS))
_LONGEST_WRITE = 3600.0
"""Seconds after which no process is still writing one."""

_warned: set[Path] = set()
"""Directories of which the user knows that they are of no use."""
_makes_directory = True


def make_no_directory() -> None:
    """In this process: for one that outlives its machine. Removing the directory meanwhile
    is to be rid of it."""
    global _makes_directory
    _makes_directory = False


class CacheWarning(UserWarning):
    """The cache directory cannot be used; everything works, but starts slowly."""


def directory() -> Path:
    """Where the cache lies: KSEG_CACHE_DIR, or the system's place for a user's caches."""
    chosen = os.environ.get("KSEG_CACHE_DIR")
    if chosen:
        return Path(chosen).absolute()
    return user_cache() / "kseg"


def entries() -> list[Path]:
    """The files kept, of whatever version of kseg, by name; also those never written to the end.
    Nothing else that lies in the directory, which may not be kseg's alone."""
    with suppress(OSError):
        return sorted(
            path
            for path in directory().iterdir()
            if path.name.startswith(_BEGINNINGS) and _is_entry(path)
        )
    return []


def _is_entry(path: Path) -> bool:
    """Has kseg made this file? By its name, or by the digest with which it begins. A link that
    leads nowhere is nothing at all."""
    import re  # which no start needs

    name = path.name
    with suppress(OSError):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return not path.exists()
        if not stat.S_ISREG(status.st_mode) or not is_own(status):
            return False
        if re.fullmatch(_NAME, name, re.ASCII):
            return True
        parts = name.split("-")
        stored = _contents(path)
        return stored is not None and any(
            _intact("-".join(parts[:n]), "-".join(parts[n:]), stored) is not None
            for n in range(1, len(parts))
        )
    return False


def exists(kind: str, key: str) -> bool:
    """Is there a file under `kind` and `key`, intact or not?"""
    try:
        return (directory() / f"{kind}-{key}").exists()
    except OSError:
        return False


def is_usable() -> bool:
    """Can files be kept? Makes the directory if there is none; warns, once, where it is of no
    use."""
    folder = directory()
    try:
        if _makes_directory:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if is_full(folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        _complain(folder, error)
        return False
    if only_own(status):
        return True
    if not is_own(status):
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
    stored = _contents(directory() / f"{kind}-{key}")
    return None if stored is None else _intact(kind, key, stored)


def _contents(path: Path) -> bytes | None:
    """What is in a file, or None if that is not ours."""
    try:
        # Whatever else may lie there under its name: neither follow it nor wait for it.
        handle = open_file(path, follow=False)
        with open(handle, "rb") as file:  # noqa: PTH123 - it is a descriptor
            status = os.fstat(handle)
            if not (stat.S_ISREG(status.st_mode) and only_own(status)):
                return None
            if status.st_size > _MOST_READ or not only_own(path.parent.stat()):
                return None
            return file.read(status.st_size)
    except OSError:
        return None


def _intact(kind: str, key: str, stored: bytes) -> bytes | None:
    """What was kept, unless it has been damaged, or is something else."""
    digest, content = stored[:_DIGEST_SIZE], stored[_DIGEST_SIZE:]
    return content if digest == _digest(kind, key, content) else None


def write(kind: str, key: str, content: bytes, most_bytes: int | None = None) -> bool:
    """Keep `content`; if that cannot be done, warn and go on, with False.

    Of each kind the newest few are kept, or as many as `most_bytes` allows.
    """
    if not is_usable():
        return False
    folder = directory()
    # Not by `tempfile`, which takes as long to import as a board.
    temporary = folder / f"{_UNFINISHED}{os.urandom(8).hex()}"
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(kind, key, content) + content)
            temporary.replace(folder / f"{kind}-{key}")
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _trim(folder, kind, most_bytes)
    except OSError as error:
        _complain(folder, error)
        return False
    return True


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
    return blake2b(f"{kind}\0{key}\0".encode() + content, digest_size=_DIGEST_SIZE).digest()


def _trim(folder: Path, kind: str, most_bytes: int | None) -> None:
    sizes = {}
    for path in folder.glob(f"{kind}-*"):
        with suppress(OSError):  # another process may be trimming too
            if _is_entry(path):
                status = path.lstat()
                sizes[path] = status.st_mtime, status.st_size
    kept = total = 0
    for path, (_, size) in sorted(sizes.items(), key=lambda item: item[1], reverse=True):
        kept, total = kept + 1, total + size
        if kept > _KEPT if most_bytes is None else total > most_bytes:
            path.unlink(missing_ok=True)
    for path in folder.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):
            age = time.time() - path.stat().st_mtime
            if age > _LONGEST_WRITE and _is_entry(path):
                path.unlink(missing_ok=True)
