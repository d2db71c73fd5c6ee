"""Stack unwinding: back-traces of a guest's kernel and programs, through exceptions.

Begin with `backtrace`. `kseg.symbols.call_frames` has what the compiler wrote down; without it
`prologue` analyses a function's prologue, and `symbolic_unwinder` executes its epilogue
symbolically (on a `symbolic_processor`, in which what is not known is `unknown`). `address_space`
and `guest_memory` say what virtual addresses lead to.
"""
