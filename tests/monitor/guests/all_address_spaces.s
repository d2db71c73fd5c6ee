# All 64 ASIDs in turn with their own page each, for many rounds; what one stores no other sees.
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
        li      s0, 0                        # round
round:
        li      s1, 0                        # ASID
next:
        sll     t0, s1, 6
        ori     t0, t0, 0x3000
        mtc0    t0, $10
        andi    t1, s1, 31
        sll     t1, t1, 12
        lui     t2, 2
        addu    t1, t1, t2                 # 32 pages at 0x20000
        ori     t1, t1, 0x600
        mtc0    t1, $2
        sll     t1, s1, 8
        mtc0    t1, $0
        nop
        tlbwi
        li      t3, 0x3000
        addu    t4, s0, s1
        sltiu   t5, s1, 32
        beqz    t5, look
        nop
        sw      t4, 0(t3)
        b       done
        nop
look:
        lw      t5, 0(t3)
        addiu   t4, t4, -32
        bne     t4, t5, wrong
        nop
done:
        addiu   s1, s1, 1
        sltiu   t0, s1, 64
        bnez    t0, next
        nop
        li      s1, 63                       # and backwards, with the entries that are there
back:
        sll     t0, s1, 6
        mtc0    t0, $10
        li      t3, 0x3000
        lw      t5, 0(t3)
        andi    t4, s1, 31
        addu    t4, t4, s0
        bne     t4, t5, wrong
        nop
        bnez    s1, back
        addiu   s1, s1, -1
        addiu   s0, s0, 1
        sltiu   t0, s0, 40
        bnez    t0, round
        nop
        b       contained
        nop
wrong:
        b       wrong
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
