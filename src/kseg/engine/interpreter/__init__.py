"""The interpreter: predecoded and threaded, compiled from the declarations.

Guest code is decoded once into *entries*, sixteen bytes an instruction, each of which begins with
the address of the native code (the *handler*) that executes it; a handler ends by jumping to the
handler of the next entry. Reading order: `layout` (the data that native code and Python share),
`tracer` (a declaration becomes a handler's body), `handlers` (its beginning and end),
`memory_runtime`, `tlb_runtime`, `code_runtime`, `control_runtime` (what handlers call when it is
not simple), `module` (all of it as one LLVM module), `engine`.
"""
