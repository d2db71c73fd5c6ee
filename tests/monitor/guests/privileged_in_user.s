# Every privileged instruction in user mode; a system call leads back. CU0 is set, and must not
# help.
#= power-off
#+ hostile_runtime.s
#+ hostile_vectors.s
#+ privileged_instructions.s
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
        li      t0, 0x1040
        li      t0, 0x00001000
        mtc0    t0, $10
        li      t0, 0x00010600
        mtc0    t0, $2
        mtc0    zero, $0
        tlbwi
        li      t0, 0x10000008
        mtc0    t0, $12
        la      t1, 0x1000
        jr      t1
        rfe

        .org    0x80010000
        li      t9, 0xffffffff
        CP0_MOVES
        tlbr
        tlbwi
        tlbwr
        tlbp
        rfe
        OTHER_COPROCESSORS
        mtc0    t9, $12
        wait
        b       1f
        mfc0    t0, $12
1:      b       1f
        mtc0    t9, $12
1:      b       1f
        tlbwr
1:      b       1f
        rfe
1:      syscall
1:      b       1b
        nop
