"""The machine code that a wheel carries, so that no start compiles anything.

`CODE` says what; `hatch_build.py` has it made when a wheel is built, for every target, and put in
this folder; `kseg.engine.codegen.shipped` reads it there. A checkout has none of it.
"""

from pathlib import Path

from kseg.boards import BOARDS, board_named
from kseg.engine.codegen import shipped, targets
from kseg.engine.codegen.generated import Generated
from kseg.engine.interpreter import image as interpreter
from kseg.engine.translator.stencils import image as stencils
from kseg.monitor import native as devices
from kseg.monitor.hypervisor import native as dispatcher
from kseg.platform.digests import blake2b
from kseg.version import __version__

PROCESSORS = (
    ("mips161", "big"),
    ("r3000", "big"),
    ("r3000", "little"),
    ("r3000-interlocked", "little"),
)
"""Profiles and byte orders of machines that people have."""

CODE: tuple[Generated, ...] = (
    *(interpreter.generated(*kind) for kind in PROCESSORS),
    *(stencils.generated(*kind) for kind in PROCESSORS),
    dispatcher.GENERATED,
    *(devices.of_board(board_named(name)) for name in BOARDS),
)
"""All of it, what takes long first."""


def wanted() -> list[tuple[str, str]]:
    """What is to be made: targets, and names of CODE."""
    return [
        (target, code.name)
        for code in CODE
        for target in targets.NAMES
        if not code.name.startswith("stencils-") or targets.named(target).has_stencils
    ]


def write(folder: Path, target: str, name: str) -> None:
    """Make one, and its file in a `folder` that shall be this one in a package with the sources
    from which it is made. Raises what `Generated.make` does."""
    (code,) = (code for code in CODE if code.name == name)
    made = code.make(targets.named(target))
    (folder / target).mkdir(parents=True, exist_ok=True)
    (folder / target / name).write_bytes(shipped.pack(target, name, identity(), made))


def write_identity(folder: Path) -> None:
    """Make the file that says which kseg the others are for."""
    (folder / shipped.IDENTITY).write_text(f"{__version__} {identity()}\n")


def identity() -> str:
    """Of the sources that are running: a digest of all of kseg's, and of the LLVM here."""
    from llvmlite.binding import llvm_version_info

    package = Path(__file__).parents[1]
    digest = blake2b(repr(llvm_version_info).encode(), digest_size=16)
    for path in sorted(package.rglob("*.py")):
        digest.update(f"\0{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
