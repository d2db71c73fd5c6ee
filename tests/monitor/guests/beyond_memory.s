# Maps every physical page from its own memory up to 512 MB in steps, and far beyond, and stores
# into each; the same through kseg0 and kseg1. Devices are left alone.
#= power-off
#> contained
        .equ    SERIAL, 0xbfe00000
        .equ    TIMER, 0xbffd0000
        .equ    CONTROL, 0xbfff7e00
        .org    0x80000000
refill:
        j       skip
        nop
        .org    0x80000080
general:
        j       skip
        nop
skip:
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
        mtc0    zero, $12
        mtc0    zero, $13
        li      s0, 0x00040000              # the first address that is not memory
        li      s1, 0x00091000
        li      s2, 0x1fe00000              # the bus
        li      s3, 0x00001000              # the page to map it at
        li      s5, 0xdeadbeef
again:
        mtc0    s3, $10
        li      t1, 0xfffff000
        and     t0, s0, t1
        ori     t0, t0, 0x600
        mtc0    t0, $2
        mtc0    zero, $0
        nop
        tlbwi
        sw      s5, 0(s3)
        lw      s4, 0(s3)
        sb      s5, 3(s3)
        ll      s4, 8(s3)
        sc      s4, 8(s3)
        jalr    s3
        nop
        lui     t0, 0x8000
        or      t0, t0, s0
        sw      s5, 0(t0)
        lui     t0, 0xa000
        or      t0, t0, s0
        sw      s5, 0(t0)
        lhu     s4, 2(t0)
        addu    s0, s0, s1
        sltu    t0, s0, s2
        bnez    t0, again
        nop
        li      s0, 0x20000000               # beyond what kseg0 reaches
        lui     s1, 0x0301
again2:
        mtc0    s3, $10
        li      t1, 0xfffff000
        and     t0, s0, t1
        ori     t0, t0, 0x600
        mtc0    t0, $2
        mtc0    zero, $0
        nop
        tlbwi
        sw      s5, 0(s3)
        lw      s4, 0(s3)
        jalr    s3
        nop
        addu    t0, s0, s1
        sltu    t1, s0, t0
        move    s0, t0
        bnez    t1, again2
        nop
        b       contained
        nop

contained:
        mtc0    zero, $12
        li      s0, SERIAL
        li      s1, CONTROL
        la      s2, mark
1:      lbu     t0, 0(s2)
        li      t1, 1
        beqz    t0, 3f
        addiu   s2, s2, 1
        sw      t1, 4(s0)               # the end of the character ends the waiting
        sw      t0, 0(s0)
2:      wait
        lw      t1, 4(s0)
        nop
        andi    t1, t1, 2
        beqz    t1, 2b
        nop
        b       1b
        nop
3:      sw      zero, 4(s0)
        sw      zero, 8(s1)
1:      wait
        b       1b
        nop
mark:   .asciiz "contained\n"
        .align  2
