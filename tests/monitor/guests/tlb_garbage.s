# Index, EntryHi, EntryLo and Context with garbage; entries from it are read back, used and
# overwritten. Pages of kseg0 only, so that none matches twice.
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
        li      s0, 0x12345678
        li      s1, 500
again:
        li      t0, 1103515245
        multu   s0, t0
        mflo    s0
        addiu   s0, s0, 12345
        mtc0    s0, $0
        mfc0    t0, $0
        addu    s5, s5, t0
        mtc0    s0, $4
        mfc0    t0, $4
        addu    s5, s5, t0
        mtc0    s0, $2
        mfc0    t0, $2
        addu    s5, s5, t0
        mtc0    s0, $10
        mfc0    t0, $10
        addu    s5, s5, t0
        tlbp
        mfc0    t0, $0
        addu    s5, s5, t0
        mtc0    s0, $0
        tlbr
        mfc0    t0, $10
        addu    s5, s5, t0
        andi    t1, s1, 63                 # each entry a page of its own
        sll     t2, t1, 8
        mtc0    t2, $0
        sll     t2, t1, 12
        lui     t3, 0x8500
        addu    t2, t2, t3
        andi    t3, s0, 0xfff
        or      t2, t2, t3
        mtc0    t2, $10
        mtc0    s0, $2
        nop
        tlbwi
        tlbr
        mfc0    t0, $2
        addu    s5, s5, t0
        lw      t0, 0(s0)
        andi    t0, s0, 0xffc
        lui     t1, 0xc000
        or      t0, t0, t1
        sw      t0, 0(t0)
        addiu   s1, s1, -1
        bnez    s1, again
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
