# All 64 ASIDs in turn with their own page each, for many rounds; what one stores no other sees.
#= power-off
#+ hostile_runtime.s
#+ hostile_vectors.s
#> contained
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
