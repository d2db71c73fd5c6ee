# Loads, stores and jumps to the kernel's segments in user mode.
#= power-off
#+ hostile_runtime.s
#+ hostile_vectors.s
#> contained
first:
        mfc0    k1, $13
        nop
        andi    k1, k1, 0x7c
        xori    k1, k1, 0x20
        beqz    k1, contained           # the system call
        nop
        j       count
        nop

start:
        mtc0    zero, $13
        li      t0, 0x00001000
        mtc0    t0, $10
        li      t0, 0x00010600
        mtc0    t0, $2
        mtc0    zero, $0
        tlbwi
        li      t0, 0xc0000000
        mtc0    t0, $10
        li      t0, 0x00010700
        mtc0    t0, $2
        li      t0, 0x100
        mtc0    t0, $0
        tlbwi
        li      t0, 8
        mtc0    t0, $12
        la      t1, 0x1000
        jr      t1
        rfe
        .org    0x80010000
        li      s0, 0x80000000
        li      s1, 0x04000000
again:
        lw      t0, 0(s0)
        lb      t0, 0(s0)
        lhu     t0, 0(s0)
        sw      t0, 0(s0)
        sb      t0, 0(s0)
        sh      t0, 0(s0)
        ll      t0, 0(s0)
        sc      t0, 0(s0)
        lwl     t0, 0(s0)
        swr     t0, 0(s0)
        jr      s0
        nop
        jalr    s0
        nop
        addu    s0, s0, s1
        bnez    s0, again
        nop
        li      s0, 0x80000080
        lw      t0, 0(s0)
        lw      t0, 2(s0)
        jr      s0
        nop
        li      s0, 0xbfe00000
        sw      s0, 0(s0)
        sw      zero, -4(zero)
        b       1f
        sw      zero, -4(zero)
1:      syscall
1:      b       1b
        nop
