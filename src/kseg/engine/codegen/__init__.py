"""From declarations to machine code: symbolic values, LLVM IR as text, and a cache of objects.

Reading order: `builder` (IR as text), `value` (the arithmetic of the declarations, symbolic),
`targets` (what differs between processors), `llvm` (an IR module becomes an object), `linker` (and
that bytes), `native` (which are mapped executable), `generated` (all that by name: `shipped` with
the package, or kept on disk in the `cache`), `typed` (functions that CPython runs and that become
IR as well).
"""
