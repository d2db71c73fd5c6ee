"""Machine code that came with the package, for the kinds of processor that it was made for.

A wheel carries it (`kseg.ready_made` says what, and makes it); a checkout does not, for there
the sources change. Files are as the cache's are: a digest, and what it is the digest of. The digest
is also of the package's *identity*, which comes from all its sources, so that files of another kseg
are refused. Whoever can write here can write kseg itself, so nothing is asked about owners; and the
sources are taken to be those that the code was made from, so that no start need look at them.
"""

import functools
import os
import warnings
from pathlib import Path

from kseg.platform import host
from kseg.platform.digests import blake2b
from kseg.version import __version__

FOLDER = Path(__file__).parents[2] / "ready_made"
IDENTITY = "identity"
"""The file that says which kseg the others are for: its version, and the identity."""
_DIGEST_SIZE = 32


class PackageWarning(UserWarning):
    """What came with the package cannot be used; everything works, but starts slowly."""


def identity() -> str:
    """Of this package, if there is code with it; "" if there is none, or KSEG_READY_MADE=0 says to
    do without."""
    if os.environ.get("KSEG_READY_MADE") == "0":
        return ""
    try:
        version, found = (FOLDER / IDENTITY).read_text("ascii").split()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        _warn("is not as it was made")
        return ""
    if version != __version__:
        _warn(f"is for kseg {version}")
        return ""
    return found


def path_of(name: str) -> Path:
    """Where the code called `name` is for this kind of processor, if it is there."""
    return FOLDER / host.PROCESSOR / name


def exists(name: str) -> bool:
    """Is there a file with the code called `name`, intact or not?"""
    return bool(identity()) and path_of(name).exists()


def read(name: str) -> bytes | None:
    """The code called `name`, as it was made; None if there is none, or, with a warning, none that
    is intact."""
    if not identity():
        return None
    try:
        stored = path_of(name).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn(f"cannot be read ({error.strerror or error})")
        return None
    content = stored[_DIGEST_SIZE:]
    if stored[:_DIGEST_SIZE] != _digest(host.PROCESSOR, name, identity(), content):
        _warn("is damaged")
        return None
    return content


def pack(target: str, name: str, of: str, content: bytes) -> bytes:
    """A file with the code called `name` for a kind of processor, in the package whose identity is
    `of`."""
    return _digest(target, name, of, content) + content


def entries() -> list[Path]:
    """The files for this kind of processor."""
    folder = FOLDER / host.PROCESSOR
    return sorted(folder.iterdir()) if identity() and folder.is_dir() else []


def _digest(target: str, name: str, of: str, content: bytes) -> bytes:
    what = f"{target}\0{name}\0{of}\0".encode()
    return blake2b(what + content, digest_size=_DIGEST_SIZE).digest()


@functools.cache
def _warn(what: str) -> None:
    """Once: of many files that are of no use, none is worth a second warning."""
    text = (
        f"the ready-made code in {FOLDER} {what}, so it is compiled; installing kseg again mends it"
    )
    warnings.warn(text, PackageWarning, stacklevel=2)
