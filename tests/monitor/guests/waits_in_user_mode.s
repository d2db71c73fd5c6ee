# WAIT, RFE and Status from user mode in a loop; the kernel goes on behind them until it has
# counted enough.
#= power-off
#+ hostile_runtime.s
#> contained
        .org    0x80000000
refill:
        j       skip
        nop
        .org    0x80000080
general:
        j       skip
        nop
skip:
        sltiu   k0, s7, 200
        beqz    k0, contained
        nop
        mfc0    k0, $14
        mfc0    k1, $13
        addiu   s7, s7, 1
        addu    s6, s6, k1
        bgez    k1, 1f
        addiu   k0, k0, 4
        addiu   k0, k0, 4               # behind the delay slot
1:      jr      k0
        rfe

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
