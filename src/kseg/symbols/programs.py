"""The programs that come with a guest, for their names: an archive of executables.

They need not be named: which of them runs in an address space is seen from its code in memory.
"""

import functools
import zipfile
from pathlib import Path

from kseg.symbols.executable import MOST_BYTES, Executable, SymbolError
from kseg.symbols.symbol_file import SymbolFile


@functools.lru_cache(4)
def read_programs(path: Path) -> tuple[SymbolFile, ...]:
    """The executables in a zip archive; none where there is no such archive, or a damaged one: a
    guest's programs then have no names, as those of other guests."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(
                SymbolFile(Executable(archive.read(member)), f"{path}:{member.filename}")
                for member in archive.infolist()
                if member.file_size <= MOST_BYTES
            )
    except (OSError, SymbolError, zipfile.BadZipFile):
        return ()
