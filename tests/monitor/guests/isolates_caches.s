# Sets Status bits that this processor has not: fatal, for the guest alone.
#= fatal
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
        li      t0, 0x10000
        mtc0    t0, $12
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
