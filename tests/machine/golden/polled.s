# Serial output by polling while nothing else is pending: events come late, 50,000 cycles a character.
#? 0 serial
#? 1 emufs dir=files
#? 2 disk rpm=7200 file=disk.img
#? 28 random seed=12345
#? 29 timer
#? 31 mainboard ramsize=64K cpus=1
#> Hi
#= 325263 cycles (200000 run, 125263 global-idle)
#=   cpu0: 150017 kern, 0 user, 0 idle; 0 ll, 0/0 sc, 0 sync
#= 0 irqs 0 exns 0r/0w disk 0r/3w console 0r/0w/1m emufs 0r/0w net
#= Elapsed virtual time: 0.015300589 seconds (25 mhz)
        .set noreorder
start:
        li      s0, 0xbfe00000          # the bus
        li      s7, 0xbfff7e00          # its controller

        # serial output by polling, nothing else pending
        la      s1, text
1:      lbu     t0, 0(s1)
        nop
        beqz    t0, 3f
        addiu   s1, s1, 1
        sw      t0, 0(s0)
2:      lw      t1, 4(s0)
        nop
        andi    t1, t1, 2
        beqz    t1, 2b
        nop
        b       1b
        sw      zero, 4(s0)
3:

        sw      zero, 8(s7)             # switch off
1:      wait
        b       1b
        nop

text:   .asciiz "Hi\n"
