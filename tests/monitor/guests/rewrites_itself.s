# Writes its own exception vectors again and again, by three addresses, and code just ahead of
# where it runs.
#= power-off
#+ hostile_runtime.s
#> contained
        .org    0x80000080
general:
        nop
        nop

start:
        mtc0    zero, $12
        li      s0, 0
        li      t0, 0x00005000               # page 0 at 0x5000, writable
        mtc0    t0, $10
        li      t0, 0x600
        mtc0    t0, $2
        mtc0    zero, $0
        nop
        tlbwi
again:
        la      t0, first
        andi    t1, s0, 1
        bnez    t1, 1f
        nop
        la      t0, second
1:      lw      t1, 0(t0)
        andi    t2, s0, 3
        sltiu   t3, t2, 1
        bnez    t3, kseg1
        sltiu   t3, t2, 2
        bnez    t3, mapped
        nop
        lui     t3, 0x8000
        b       put
        nop
kseg1:  lui     t3, 0xa000
        b       put
        nop
mapped: ori     t3, zero, 0x5000
put:
        sw      t1, 0x80(t3)
        syscall
        lw      t1, 4(t0)
        la      t3, ahead
        sw      t1, 0(t3)
ahead:  nop
        addiu   s0, s0, 1
        sltiu   t0, s0, 400
        bnez    t0, again
        nop
        addu    t0, s1, s2
        bne     t0, s0, wrong
        nop
        sltiu   t0, s1, 400
        beqz    t0, wrong
        addu    t0, s3, s4
        beq     t0, s0, contained
        nop
wrong:  b       wrong
        nop
first:  j       handler1
        addiu   s3, s3, 1
second: j       handler2
        addiu   s4, s4, 1
handler1:
        mfc0    k0, $14
        addiu   s1, s1, 1
        addiu   k0, k0, 4
        jr      k0
        rfe
handler2:
        mfc0    k0, $14
        addiu   s2, s2, 1
        addiu   k0, k0, 4
        jr      k0
        rfe
