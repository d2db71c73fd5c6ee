# WAIT with interrupts off, and nothing that will ever happen.
#= idle forever

start:
        mtc0    zero, $12
1:      wait
        b       1b
        nop
