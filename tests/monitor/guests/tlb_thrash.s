# More pages than the TLB holds, in turn and for ever: each access misses. Bounded by cycles.
#= cycle limit
        .org    0x80000000
refill:
        mfc0    k0, $8
        nop
        srl     k0, k0, 12
        andi    k0, k0, 31
        addiu   k0, k0, 32              # 32 pages at 0x20000
        sll     k0, k0, 12
        ori     k0, k0, 0x600
        mtc0    k0, $2
        mfc0    k1, $14
        tlbwr
        jr      k1
        rfe

start:
        mtc0    zero, $12
1:      li      s0, 0
        li      s1, 0x00100000
2:      lw      t0, 0(s0)
        addiu   t0, t0, 1
        sw      t0, 0(s0)
        addiu   s0, s0, 0x1000
        bne     s0, s1, 2b
        nop
        addiu   s5, s5, 1
        b       1b
        nop
