# Maps every physical page from its own memory up to 512 MB in steps, and far beyond, and stores
# into each; the same through kseg0 and kseg1. Devices are left alone.
#= power-off
#+ hostile_runtime.s
#+ hostile_vectors.s
#> contained
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
