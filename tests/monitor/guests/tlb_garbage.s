# Index, EntryHi, EntryLo and Context with garbage; entries from it are read back, used and
# overwritten. Pages of kseg0 only, so that none matches twice.
#= power-off
#+ hostile_runtime.s
#+ hostile_vectors.s
#> contained
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
