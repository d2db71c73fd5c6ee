# Sets Status bits that this processor has not: fatal, for the guest alone.
#= fatal
#+ hostile_runtime.s
#+ hostile_vectors.s
start:
        li      t0, 0x10000
        mtc0    t0, $12
        b       contained
        nop
