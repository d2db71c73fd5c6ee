# Prints a line on the serial console of the machine system161 and switches it off.

        .equ    SERIAL,  0xbfe00000     # LAMEbus slot 0: the character at 0, its interrupt at 4
        .equ    CONTROL, 0xbfff7e00     # bus controller in slot 31: the power at 8

__start:
        la      t0, text
        li      t1, SERIAL
next:   lbu     t2, 0(t0)
        addiu   t0, t0, 1
        beqz    t2, off                 # the text ends in a zero
        sw      zero, 4(t1)             # in the delay slot: the serial line is free again
        sw      t2, 0(t1)
wait:   lw      t3, 4(t1)
        nop                             # a loaded register can be used one instruction later
        beqz    t3, wait                # until the character is out
        nop
        b       next
        nop
off:    li      t1, CONTROL
        sw      zero, 8(t1)
        b       off                     # it takes a moment
        nop

        .rodata
text:   .asciiz "Hello from an R3000\n"
