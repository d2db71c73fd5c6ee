"""The compiled interpreter as plain bytes: made once for a profile and byte order, then kept.

A start that finds it imports neither the declarations nor LLVM.
"""

import struct
from typing import TYPE_CHECKING

import msgspec

from kseg import progress
from kseg.engine.codegen.generated import Generated
from kseg.engine.interpreter.layout import FUNCTIONS, OPERATIONS

if TYPE_CHECKING:
    from kseg.engine.codegen.targets.target import Target

_TABLES = (
    "handlers",
    "slot_handlers",
    "s_handlers",
    "t_handlers",
    "load_handlers",
    "both_handlers",
)
"""The tables of handlers in `layout.Shared`; the last two are there where loads have a delay."""
NO_HANDLER = 0xFFFFFFFF
_HEADER = struct.Struct(f"<{3 + len(FUNCTIONS)}I")


class Image(msgspec.Struct, frozen=True):
    """Machine code, and the numbers that the engine's tables are filled from."""

    code: bytes
    functions: dict[str, int]
    """The offset of each of FUNCTIONS; 0 where the profile has none."""
    tables: dict[str, tuple[int, ...]]
    """For each table of `layout.Shared`, the handlers' offsets by operation, or NO_HANDLER."""
    patterns: bytes
    """The decoder's rows, each a `layout.Pattern`."""
    rewritten: bytes
    """For each operation, `layout.Shared.rewritten`."""
    jumping: bytes
    """For each operation, `layout.Shared.jumping`."""
    starts: tuple[int, ...]

    def pack(self) -> bytes:
        """All of it as bytes."""
        header = _HEADER.pack(
            len(self.code),
            len(self.tables),
            len(self.patterns),
            *(self.functions[name] for name in FUNCTIONS),
        )
        tables = b"".join(
            struct.pack(f"<{OPERATIONS}I", *self.tables[name])
            for name in _TABLES[: len(self.tables)]
        )
        starts = struct.pack("<65I", *self.starts)
        return header + tables + starts + self.rewritten + self.jumping + self.patterns + self.code

    @classmethod
    def unpack(cls, packed: bytes) -> "Image":
        """The inverse of `pack`."""
        code_size, table_count, pattern_size, *offsets = _HEADER.unpack_from(packed)
        at = _HEADER.size
        tables = {}
        for name in _TABLES[:table_count]:
            tables[name] = struct.unpack_from(f"<{OPERATIONS}I", packed, at)
            at += 4 * OPERATIONS
        starts = struct.unpack_from("<65I", packed, at)
        at += 4 * 65
        rewritten = packed[at : at + OPERATIONS]
        at += OPERATIONS
        jumping = packed[at : at + OPERATIONS]
        at += OPERATIONS
        patterns = packed[at : at + pattern_size]
        code = packed[at + pattern_size : at + pattern_size + code_size]
        functions = dict(zip(FUNCTIONS, offsets, strict=True))
        return cls(code, functions, tables, patterns, rewritten, jumping, starts)


def generated(profile_name: str, byte_order: str) -> Generated:
    """The interpreter for a profile and byte order, packed."""
    return Generated(
        f"interpreter-{profile_name}-{byte_order}",
        lambda target: _compile(profile_name, byte_order, target).pack(),
    )


def load(profile_name: str, byte_order: str) -> Image:
    """The interpreter for a profile and byte order, ready-made or newly compiled."""
    return Image.unpack(generated(profile_name, byte_order).load())


def _compile(profile_name: str, byte_order: str, target: "Target") -> Image:
    from kseg.engine.codegen.llvm import compile_module
    from kseg.engine.interpreter.module import build

    progress.report("compiling the interpreter, once for all runs", long=True)
    module = build(profile_name, byte_order)
    blob = compile_module(module.text, target)
    offsets = blob.symbols | {"": NO_HANDLER}
    tables = {
        name: tuple(
            offsets[functions[number]] if number < len(functions) else NO_HANDLER
            for number in range(OPERATIONS)
        )
        for name, functions in module.tables.items()
    }
    patterns = b"".join(struct.pack("<4I", *row) for row in module.patterns)
    return Image(
        blob.code,
        {name: blob.symbols.get(name, 0) for name in FUNCTIONS},
        tables,
        patterns,
        bytes(module.rewritten.get(number, 0) for number in range(OPERATIONS)),
        bytes(module.jumping.get(number, 0) for number in range(OPERATIONS)),
        tuple(module.starts),
    )
