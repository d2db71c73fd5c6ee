# The timer card with the shortest period, the on-chip timer with Compare just ahead, both
# software interrupts always pending, and interrupts let through whenever possible.
#= power-off
#+ hostile_runtime.s
#> contained
        .org    0x80000080
general:
        mfc0    k0, $14
        lui     k1, 0xbffd
        lw      zero, 12(k1)
        addiu   k1, zero, 20
        mtc0    k1, $11
        addiu   s7, s7, 1
        sltiu   k1, s7, 600
        beqz    k1, enough
        andi    k1, s7, 7
        bnez    k1, 1f
        mfc0    k1, $12
        nop
        xori    k1, k1, 0x700           # the on-chip timer alone, and the program goes on
        mtc0    k1, $12
1:      jr      k0
        rfe

start:
        mtc0    zero, $12
        li      s0, TIMER
        li      t0, 1
        sw      t0, 8(s0)
        sw      zero, 16(s0)
        wait
        li      t0, 20
        mtc0    t0, $11
        li      t0, 0x300
        mtc0    t0, $13
        li      s1, 0
        li      t0, 0xff01
        mtc0    t0, $12
1:      b       1b
        addiu   s1, s1, 1
enough: mtc0    zero, $12
        sw      zero, 8(s0)
        li      t0, -1
        mtc0    t0, $11
        mtc0    zero, $13
        lw      t0, 12(s0)
        b       contained
        nop
