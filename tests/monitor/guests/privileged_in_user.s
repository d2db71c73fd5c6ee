# Every privileged instruction in user mode; a system call leads back. CU0 is set, and must not
# help.
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
        mfc0    t0, $0
        mfc0    t0, $1
        mfc0    t0, $2
        mfc0    t0, $4
        mfc0    t0, $8
        mfc0    t0, $9
        mfc0    t0, $10
        mfc0    t0, $11
        mfc0    t0, $12
        mfc0    t0, $13
        mfc0    t0, $14
        mfc0    t0, $15
        mfc0    t0, $16
        mfc0    t0, $20
        mtc0    t9, $0
        mtc0    t9, $1
        mtc0    t9, $2
        mtc0    t9, $4
        mtc0    t9, $8
        mtc0    t9, $9
        mtc0    t9, $10
        mtc0    t9, $11
        mtc0    t9, $13
        mtc0    t9, $14
        mtc0    t9, $15
        mtc0    t9, $20
        tlbr
        tlbwi
        tlbwr
        tlbp
        rfe
        .word   0xbc000000  # cache 0, 0(zero)
        .word   0xbc140000  # cache 20, 0(zero)
        .word   0x40400000  # cfc0
        .word   0x40c00000  # ctc0
        .word   0x41000000  # bc0f
        nop
        .word   0x44000000  # cop1
        .word   0x48000000  # cop2
        .word   0x4c000000  # cop3
        lwc1    $f0, 0(zero)
        swc1    $f0, 0(zero)
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
