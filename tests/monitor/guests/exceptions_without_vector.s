# BEV stays set, and the boot ROM has no handlers: exceptions without end. Bounded by cycles.
#= cycle limit
#+ hostile_runtime.s

start:
        syscall
        b       contained
        nop
