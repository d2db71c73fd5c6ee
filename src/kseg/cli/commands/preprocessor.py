"""The C preprocessor for sources named .S: whichever the host has."""

import os
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from kseg.errors import KsegError
from kseg.platform import processes

CANDIDATES = (("cc", "-E"), ("gcc", "-E"), ("clang", "-E"), ("cpp",))
SECONDS = 60
_DEFINED = ("__ASSEMBLER__", "__LANGUAGE_ASSEMBLY__", "_LANGUAGE_ASSEMBLY", "__mips__", "__mips")
_ORDER = {"big": ("__MIPSEB__", "_MIPSEB"), "little": ("__MIPSEL__", "_MIPSEL")}


def preprocess(
    source: Path, byte_order: str, directories: tuple[str, ...], definitions: tuple[str, ...]
) -> str:
    """`source` preprocessed as a compiler for MIPS would; KsegError if that cannot be done.

    Nothing of the host's own is defined or included.
    """
    command = [*_program(), "-undef", "-nostdinc", "-x", "assembler-with-cpp"]
    command += [f"-D{name}=1" for name in (*_DEFINED, *_ORDER[byte_order])]
    command += [f"-I{directory}" for directory in directories]
    command += [f"-D{definition}" for definition in definitions]
    try:
        done = processes.run([*command, _argument(source)], SECONDS)
    except processes.TookTooLong:
        raise KsegError(f"the preprocessor takes longer than {SECONDS} s for {source}") from None
    except OSError as error:
        raise KsegError(f"cannot run {command[0]}: {error.strerror}") from None
    if done.code:
        said = done.errors.decode(errors="replace").strip().splitlines()
        first = next((line for line in said if "error" in line), said[0] if said else "failed")
        raise KsegError(f"{command[0]}: {first}")
    return done.output.decode(errors="replace")


def _argument(source: Path) -> str:
    """The path as the user wrote it, which errors then show; never an option."""
    return f"./{source}" if str(source).startswith("-") else str(source)


def _program() -> list[str]:
    if chosen := os.environ.get("CPP"):
        return shlex.split(chosen)
    for candidate in CANDIDATES:
        if shutil.which(candidate[0]):
            return list(candidate)
    if find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc", "-E"]
    raise KsegError(
        "a source named .S needs a C preprocessor, and there is no cc, gcc, clang or cpp: "
        "install one, or name one in $CPP, or preprocess elsewhere (cc -E) and give the result"
    )
