"""Typed Python: functions that CPython runs as they are, and that become machine code as well.

A *text* is a module of plain functions, and of methods and properties of `ctypes` structures, whose
parameters and results have types; `compiler.build` makes LLVM's text of them, in the form that the
rest of the native code has. So what works on shared state is written once: it can be read, stepped
through and tested as Python, and runs natively where there is native code. What CPython does is
what it means; whatever could come out differently natively is an error, with file and line, when
it is compiled.

A text imports its words from here, which costs next to nothing:

* **Numbers** are Python's. Types of parameters, results and declared locals are `u8` to `u64`,
  `i32`, `i64`, `bool`, an `IntEnum`, and `Annotated[int, below(n)]`. Each expression has a range;
  what may not fit where it goes is an error unless it is cast: `u32(a - b)`. Only `x.counter += n`
  wraps by itself, as ctypes lets it. What needs an exact value (comparing, `>>`, `//`, `%`, an
  index) refuses what may lie beyond 64 bits. `Kind(n)`, of an `IntEnum`, is checked: where it is
  none, CPython raises and native code traps.
* **Memory** is ctypes': fields of structures, elements of arrays (surely within their bounds),
  `Structure.from_address(a)`, `c_uint32.from_address(a).value`, `ctypes.addressof(x)`,
  `ctypes.sizeof(T)`, `Structure.field.offset`. A structure or an array as a parameter is a
  reference to it; an address is a number, of the type `pointer` where other native code passes it
  as one.
* **Control** is `if`, `while`, `for` over `range`, `each_bit` or a constant tuple (which is
  expanded), `break`, `continue`, `return`. A local that is assigned again is declared
  (`n: u32 = 0`); it is known in the block that assigns it first. A condition that constants decide
  drops the other branch.
* **Calls** go to other functions by name, to methods and properties; to what was made in
  another way, by the address in a field where a method is marked `through`, or by its name where a
  function is marked `external`.
* **Constants** are whatever the module's names stand for: numbers, enumerations, tuples.
* **Words**: `matching`, `each_bit`, `lowest_bit`, `swapped`, `copy`, `likely`, `unlikely`,
  `host_ticks`, and `min`, `max`, `int`, `bool`.

Reading order: `words` (what CPython runs), `values` (numbers with their ranges), `expressions`,
`calls`, `statements`, `compiler`.
"""

from kseg.engine.codegen.typed.structures import Structure
from kseg.engine.codegen.typed.words import (
    below,
    by_python,
    copy,
    each_bit,
    external,
    host_ticks,
    i32,
    i64,
    likely,
    lowest_bit,
    matching,
    pointer,
    swapped,
    through,
    u8,
    u16,
    u32,
    u64,
    unheard,
    unlikely,
)

__all__ = [
    "Structure",
    "below",
    "by_python",
    "copy",
    "each_bit",
    "external",
    "host_ticks",
    "i32",
    "i64",
    "likely",
    "lowest_bit",
    "matching",
    "pointer",
    "swapped",
    "through",
    "u8",
    "u16",
    "u32",
    "u64",
    "unheard",
    "unlikely",
]
