# Random delays, a restarting timer, disk seeks and rotation, the file system and the console at once.
#? 0 serial
#? 1 emufs dir=files
#? 2 disk rpm=7200 file=disk.img
#? 28 random seed=12345
#? 29 timer
#? 31 mainboard ramsize=64K cpus=1
#> AAAAAAAAAAAA
#= 20886544 cycles (9658824 run, 11227720 global-idle)
#=   cpu0: 225453 kern, 0 user, 0 idle; 0 ll, 0/0 sc, 0 sync
#= 0 irqs 0 exns 6r/6w disk 0r/12w console 0r/0w/13m emufs 0r/0w net
#= Elapsed virtual time: 0.462420404 seconds (25 mhz)
        .set noreorder
start:
        li      s0, 0xbfe00000          # the bus
        li      s7, 0xbfff7e00          # its controller

        # random delays, a restarting timer, a disk read after a seek, file system, serial
        lui     s1, 0x1d                # slot 29
        addu    s1, s1, s0
        lui     s2, 0x1c                # slot 28
        addu    s2, s2, s0
        lui     s3, 2                   # slot 2
        addu    s3, s3, s0
        lui     s4, 1                   # slot 1
        addu    s4, s4, s0
        li      t0, 1
        sw      t0, 8(s1)               # restart
        li      t0, 777
        sw      t0, 16(s1)              # countdown
        li      s5, 12
4:      lw      t0, 0(s2)               # a random number
        nop
        andi    t1, t0, 0x1fff
5:      bgtz    t1, 5b
        addiu   t1, t1, -1
        sw      t0, 8(s3)               # any sector, often none
        srl     t0, t0, 20
        sw      t0, 8(s3)
        andi    t0, t0, 2
        ori     t0, t0, 1
        sw      t0, 4(s3)
        li      t1, 0x41
        sw      t1, 0(s0)
6:      wait
        lw      t0, 12(s1)
        lw      t0, 4(s3)
        nop
        andi    t0, t0, 4
        beqz    t0, 6b
        nop
        sw      zero, 4(s3)
        sw      zero, 4(s0)
        sw      zero, 0(s4)
        li      t0, 8
        sw      t0, 12(s4)              # size of the directory
7:      wait
        lw      t0, 12(s1)
        lw      t0, 16(s4)
        nop
        beqz    t0, 7b
        nop
        sw      zero, 16(s4)
        addiu   s5, s5, -1
        bgtz    s5, 4b
        nop

        sw      zero, 8(s7)             # switch off
1:      wait
        b       1b
        nop

text:   .asciiz "Hi\n"
