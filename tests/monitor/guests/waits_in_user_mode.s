# WAIT, RFE and Status from user mode in a loop; the kernel goes on behind them until it has
# counted enough.
#= power-off
#+ hostile_runtime.s
#+ hostile_vectors.s
#> contained
first:
        sltiu   k0, s7, 200
        beqz    k0, contained
        nop
        j       count
        nop

start:
        li      t0, 0x00001000
        mtc0    t0, $10
        li      t0, 0x00010200
        mtc0    t0, $2
        mtc0    zero, $0
        tlbwi
        li      t0, 0xff0c
        mtc0    t0, $12
        la      t1, 0x1000
        jr      t1
        rfe
        .org    0x80010000
1:      wait
        b       1b
        mtc0    zero, $12
        rfe
        b       1b
        nop
