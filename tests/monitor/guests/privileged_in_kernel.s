# Every privileged instruction in kernel mode, also in delay slots. RFE only where the modes on
# the stack are the kernel's.
#= power-off
#+ hostile_runtime.s
#+ hostile_vectors.s
#+ privileged_instructions.s
#> contained
start:
        mtc0    zero, $12
        mtc0    zero, $13
        li      t9, 0x80200fc0
        CP0_MOVES
        tlbr
        tlbp
        rfe
        OTHER_COPROCESSORS
        li      t9, 0x81000000
        mtc0    t9, $10
        mtc0    zero, $2
        mtc0    zero, $0
        tlbwi
        li      t9, 0x82fff000
        mtc0    t9, $10
        tlbwr
        b       1f
        mfc0    t1, $12
1:      b       1f
        mtc0    zero, $12
1:      b       1f
        tlbp
1:      b       1f
        tlbr
1:      b       1f
        rfe
1:      b       1f
        .word   0x41010003  # bc0t
1:      b       contained
        nop
