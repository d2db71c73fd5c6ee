# Instructions that only the kernel may execute; t9 is what is written.
        .macro  CP0_MOVES
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
        .endm
        .macro  OTHER_COPROCESSORS
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
        .endm
