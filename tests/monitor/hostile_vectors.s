# Vectors for hostile guests that bring none: do what the guest does `first`, if it says so, count the
# exception, and go on behind the instruction.
        .org    0x80000000
        j       FIRST
        nop
        .org    0x80000080
        j       FIRST
        nop
count:
        mfc0    k0, $14
        mfc0    k1, $13
        addiu   s7, s7, 1
        addu    s6, s6, k1
        bgez    k1, 1f
        addiu   k0, k0, 4
        addiu   k0, k0, 4               # behind the delay slot
1:      jr      k0
        rfe
