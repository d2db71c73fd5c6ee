"""The interpreter: predecoded and threaded, compiled from the declarations.

Guest code is decoded once into *entries*, sixteen bytes an instruction, each of which begins with
the address of the native code (the *handler*) that executes it; a handler ends by jumping to the
handler of the next entry.

Reading order: `layout` (the data that native code and Python share), `convention` (what all
handlers share), `lifter` with `operands` and `memory_access` (a declaration becomes a handler's
body), `handlers` and `dispatch` (its beginning and end), `runtime` (what handlers call when it is
not simple, and the loops around them all), `module` (all of it as one LLVM module), `image`
(compiled and kept), `engine`.
"""
