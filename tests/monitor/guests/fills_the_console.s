# Prints for ever, without waiting until a character is out, and then by WAIT. Bounded by cycles.
#= cycle limit

start:
        mtc0    zero, $12
        li      s0, SERIAL
        li      s1, 0x100
1:      andi    t0, s1, 0x3f
        addiu   t0, t0, 32
        sw      t0, 0(s0)
        addiu   s1, s1, -1
        bgtz    s1, 1b
        nop
2:      li      t1, 1
        sw      t1, 4(s0)
        sw      t0, 0(s0)
        wait
        addiu   t0, t0, 1
        andi    t0, t0, 0x7f
        ori     t0, t0, 0x20
        b       2b
        nop
