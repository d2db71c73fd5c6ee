# How hostile guests end that stay whole: print a mark, and switch off.
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
