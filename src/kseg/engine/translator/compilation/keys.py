"""What translations depend on besides the guest's bytes, as a name for files that are kept."""

import functools
from pathlib import Path

from kseg.engine.codegen import generated, shipped
from kseg.platform import processors
from kseg.platform.digests import blake2b


def key_for(profile_name: str, byte_order: str) -> str:
    """Differs wherever translations would."""
    parts = f"{_sources_key()}\0{processors.identity()}\0{profile_name}\0{byte_order}"
    return blake2b(parts.encode(), digest_size=12).hexdigest()


def _translator_sources() -> list[Path]:
    translator = Path(__file__).parents[1]
    rooms = (translator, translator / "llvm", translator / "compilation")
    return [path for room in rooms for path in room.glob("*.py")]


@functools.cache
def _sources_key() -> str:
    # A package with an identity need not even look for them.
    return generated.key(() if shipped.identity() else _translator_sources())
