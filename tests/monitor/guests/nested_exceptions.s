# Exceptions in delay slots within the handlers of exceptions, thirty deep; each level keeps EPC
# on a stack and returns.
#= power-off
#+ hostile_runtime.s
#> contained
        .org    0x80000000
refill:
        j       deeper
        nop
        .org    0x80000080
general:
        j       deeper
        nop
deeper:
        addiu   sp, sp, -16
        mfc0    k0, $14
        mfc0    k1, $12
        sw      k0, 0(sp)
        sw      k1, 4(sp)
        mfc0    k0, $13
        nop
        sw      k0, 8(sp)
        addiu   s7, s7, 1
        blez    s0, out
        addiu   s0, s0, -1
        andi    t0, s0, 3
        sll     t0, t0, 2
        la      t1, ways
        addu    t1, t1, t0
        lw      t1, 0(t1)
        nop
        jr      t1
        nop
ways:   .word   way0, way1, way2, way3
way0:   b       out
        lw      t0, 0(zero)             # a refill
way1:   bnez    sp, out
        lw      t0, 1(sp)
way2:   beqz    zero, out
        .word   0xffffffff
way3:   li      t1, 0x7fffffff
        bgtz    t1, out
        add     t0, t1, t1
out:
        lw      k0, 0(sp)
        lw      k1, 4(sp)
        lw      t0, 8(sp)
        mtc0    k1, $12
        addiu   sp, sp, 16
        bgez    t0, 1f
        addiu   k0, k0, 4
        addiu   k0, k0, 4
1:      jr      k0
        rfe

start:
        mtc0    zero, $12
        li      sp, 0x80030000
        li      s0, 30
        b       1f
        syscall
1:      bnez    s7, contained
        nop
        b       1b
        nop
