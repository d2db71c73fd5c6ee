# Status with all that can be written and with garbage, short of what is fatal; and Status in user
# mode all at once, in the kernel's own segment.
#= power-off
#+ hostile_runtime.s
#+ hostile_vectors.s
#> contained
first:
        mfc0    k0, $12
        nop
        andi    k0, k0, 8
        bnez    k0, contained           # it was in user mode
        nop
        j       count
        nop

start:
        mtc0    zero, $12
        la      s0, values
        la      s1, end
again:
        lw      t0, 0(s0)
        nop
        mtc0    t0, $12
        nop
        mfc0    t1, $12
        addu    s5, s5, t1
        syscall
        nop
        mfc0    t1, $12
        addu    s5, s5, t1
        mtc0    zero, $12
        addiu   s0, s0, 4
        bne     s0, s1, again
        nop
        li      t0, 0xf000ff02               # in user mode there is no next instruction
        mtc0    t0, $12
        nop
        b       contained
        nop
        .rodata
values: .word   0xffbcfffd, 0xf000ff3d, 0xff01, 0x3c, 0x12345678, 0x80808080, 0x14, 0xf0000000, 0xc80c03c
end:    .word   0
        .text
