"""Machine code that kseg generates for itself, by name: it came with the package, is kept in the
cache, or is made now.

A start that finds it imports neither what it is made from nor LLVM.
"""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kseg.engine.codegen import shipped
from kseg.platform import host
from kseg.platform.digests import blake2b
from kseg.version import __version__

if TYPE_CHECKING:
    from kseg.engine.codegen.targets.target import Target

_PACKAGE = Path(__file__).parents[2]
_DECLARATIONS = (
    "cp0",
    "exceptions",
    "floating_point",
    "instruction",
    "instruction_set",
    "pattern",
    "profile",
    "registers",
    "values",
)
"""The modules of `kseg.isa`, besides `instructions`, on which machine code depends."""


class Generated(NamedTuple):
    """One run of bytes with machine code in it, and how it is made."""

    name: str
    """Its file's, and the kind of its entry in the cache."""
    make: "Callable[[Target], bytes]"
    """Makes it. ImportError without LLVM; NativeCodeError if it cannot stand by itself."""
    sources: Callable[[], Iterable[Path]] = tuple
    """The modules on which it depends, besides the declarations and what makes the interpreter."""

    def exists(self) -> bool:
        """Need it not be made? As far as can be seen without reading it."""
        if shipped.exists(self.name):
            return True
        from kseg.engine.codegen import cache

        return cache.exists(self.name, key(self.sources()))

    def find(self) -> bytes | None:
        """The bytes, unless they have to be made."""
        found = shipped.read(self.name)
        if found is not None:
            return found
        from kseg.engine.codegen import cache

        return cache.read(self.name, key(self.sources()))

    def load(self) -> bytes:
        """The bytes, found or newly made, and then kept; raises what `make` does."""
        found = self.find()
        if found is not None:
            return found
        from kseg.engine.codegen import cache, targets

        made = self.make(targets.native())
        cache.write(self.name, key(self.sources()), made)
        return made


def key(further: Iterable[Path] = ()) -> str:
    """Changes whenever machine code from the declarations could: with the version, the host's
    kind, and the sources of declarations and generators, with the `further` ones. A package with
    ready-made code has an identity in place of its own sources."""
    parts = [__version__, host.PROCESSOR, host.SYSTEM]
    identity = shipped.identity()
    parts.append(identity or _own_sources())
    parts += [_state(path) for path in sorted(further) if not (identity and _is_own(path))]
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


@functools.cache
def _own_sources() -> str:
    sources = [_PACKAGE / "isa" / f"{name}.py" for name in _DECLARATIONS]
    patterns = ("isa/instructions/*.py", "engine/codegen/**/*.py", "engine/interpreter/**/*.py")
    for pattern in patterns:
        sources += _PACKAGE.glob(pattern)
    sources += [_PACKAGE / "engine" / f"{name}.py" for name in ("floating_point", "state")]
    return "\n".join(_state(path) for path in sorted(sources))


def _is_own(path: Path) -> bool:
    return path.is_relative_to(_PACKAGE)


def _state(path: Path) -> str:
    status = path.stat()
    place = path.relative_to(_PACKAGE) if _is_own(path) else path
    return f"{place} {status.st_size} {status.st_mtime_ns}"
