"""From declarations to machine code: symbolic values, LLVM IR as text, and a cache of objects.

Reading order: `builder` (IR as text), `value` (the arithmetic of the declarations, symbolic),
`native` (compile an IR module, keep its object code on disk, map it executable), `typed` (functions
that CPython runs and that become IR as well).
"""
