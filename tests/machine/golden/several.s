# Four processors that interrupt each other in turn, and count with LL and SC.
#? 0 serial
#? 1 emufs dir=files
#? 2 disk rpm=7200 file=disk.img
#? 28 random seed=12345
#? 29 timer
#? 31 mainboard ramsize=64K cpus=4
#> 0
#= 150051 cycles (150051 run, 0 global-idle)
#=   cpu0: 131714 kern, 0 user, 18337 idle; 20 ll, 20/0 sc, 0 sync
#=   cpu1: 6265 kern, 0 user, 143786 idle; 20 ll, 20/0 sc, 0 sync
#=   cpu2: 6269 kern, 0 user, 143782 idle; 20 ll, 20/0 sc, 0 sync
#=   cpu3: 6270 kern, 0 user, 143781 idle; 20 ll, 20/0 sc, 0 sync
#= 0 irqs 0 exns 0r/0w disk 0r/1w console 0r/0w/1m emufs 0r/0w net
#= Elapsed virtual time: 0.010291423 seconds (25 mhz)
        .set noreorder
start:
        li      s0, 0xbfe00000          # the bus
        li      s7, 0xbfff7e00          # its controller

        # four processors: each prints its number, interrupting the next
        lw      t0, 0x18(s7)            # who am I
        li      t1, 1
        bne     t0, t1, 2f
        nop
        # processor 0 starts the others
        li      t1, 0xbfff8000
        la      t2, start
        sw      t2, 0x700(t1)
        sw      t2, 0xb00(t1)
        sw      t2, 0xf00(t1)
        li      t2, 15
        sw      t2, 0x14(s7)
        li      s6, 0
        b       3f
        nop
2:      li      s6, 1
        li      t1, 2
        beq     t0, t1, 3f
        nop
        li      s6, 2
        li      t1, 4
        beq     t0, t1, 3f
        nop
        li      s6, 3
3:      li      s1, 20
        sll     s2, s6, 10
        li      t1, 0xbfff8000
        addu    s2, s2, t1              # my area
        addiu   s3, s6, 1
        andi    s3, s3, 3
        sll     s3, s3, 10
        addu    s3, s3, t1              # the next one's
        bnez    s6, 4f
        nop
        sw      s3, 4(s2)               # processor 0 begins
4:      wait
        lw      t0, 4(s2)
        nop
        beqz    t0, 4b
        nop
        sw      zero, 4(s2)
        la      t2, count
5:      ll      t0, 0(t2)
        addiu   t0, t0, 1
        sc      t0, 0(t2)
        beqz    t0, 5b
        nop
        addiu   t0, s6, 0x30
        sw      t0, 0(s0)
        mult    s1, s1
        mflo    t0
6:      bgtz    t0, 6b
        addiu   t0, t0, -1
        li      t0, 1
        sw      t0, 4(s3)
        addiu   s1, s1, -1
        bgtz    s1, 4b
        nop
        bnez    s6, 7f
        nop

        sw      zero, 8(s7)             # switch off
1:      wait
        b       1b
        nop

7:      wait
        b       7b
        nop
count:  .word 0

text:   .asciiz "Hi\n"
