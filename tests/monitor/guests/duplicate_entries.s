# Two TLB entries for one page: fatal for this processor, and for the guest alone.
#= fatal
#+ hostile_runtime.s
#+ hostile_vectors.s
start:
        mtc0    zero, $12
        li      t0, 0x5000
        mtc0    t0, $10
        li      t0, 0x20600
        mtc0    t0, $2
        mtc0    zero, $0
        nop
        tlbwi
        li      t0, 0x100
        mtc0    t0, $0
        nop
        tlbwi
        b       contained
        nop
