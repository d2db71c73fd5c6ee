# Jumps to odd and unmapped addresses, where no memory is, into devices, by each kind of jump.
#= power-off
#+ hostile_runtime.s
#> contained
        .org    0x80000000
refill:
        j       skip
        nop
        .org    0x80000080
general:
        j       skip
        nop
skip:                                   # where it arrived anywhere: back to ra
        mfc0    k0, $14
        mfc0    k1, $8
        addiu   s7, s7, 1
        beq     k0, k1, 1f
        lui     k1, 0x8000
        srl     k0, k0, 12
        sll     k0, k0, 12
        bne     k0, k1, 1f
        mfc0    k0, $14
        nop
        addiu   k0, k0, 4
        jr      k0
        rfe
1:      jr      ra
        rfe

start:
        mtc0    zero, $12
        la      s0, targets
        la      s1, end
again:
        lw      t0, 0(s0)
        la      ra, 1f
        jr      t0
        nop
1:      jalr    t0
        nop
        jalr    t1, t0
        addiu   t0, t0, 4
        addiu   s0, s0, 4
        bne     s0, s1, again
        nop
        b       contained
        nop
        .rodata
targets:
        .word   0x80000001, 0x80000002, 0x80000003, 0x1, 0x2, 0x3, 0x0, 0x4, 0x1000, 0x7ffffffc, 0x7fffffff, 0x90000000, 0x9ffffffc, 0xa8000000, 0xbfc00000, 0xbfc00ffc, 0xbfe00000, 0xbfffffff, 0xc0000000, 0xdffffffe, 0xfffffffc, 0xffffffff, 0x8003fffc
end:    .word   0
        .text
