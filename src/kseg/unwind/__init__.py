"""Back-traces: who called whom, in a guest's kernel and programs.

Begin with `backtrace`. `kseg.symbols.call_frames` has what the compiler wrote down; without it
`prologue` understands a function's beginning, and `symbolic_unwinder` runs its end on a copy of the
processor (`symbolic_processor`), in which what is not known is `unknown`. `address_space` and
`guest_memory` say what virtual addresses lead to.
"""
