# WAIT with interrupts off, and nothing that will ever happen.
#= idle forever
        .equ    SERIAL, 0xbfe00000
        .equ    TIMER, 0xbffd0000
        .equ    CONTROL, 0xbfff7e00

start:
        mtc0    zero, $12
1:      wait
        b       1b
        nop
