# What every random kernel has: vectors, entering and leaving, the handlers of exceptions, the
# choice of the next program, the end. Before it come KBASE, UNCACHED and DEVICES, and which refill
# handler is used; behind it the random services, tables, frames and programs.
#
# Physical pages: 0x00 to 0x0f this kernel, 0x10 to 0x13 a page table for each program (the table
# at 0, what a page may become at 0x800), 0x14 kernel data, 0x18 to 0x1b pages for kseg2, 0x20 to
# 0x2f pages of the programs.
#
# A frame: registers at 4n, HI 128, LO 132, Status 136, Cause 140, EPC 144, BadVAddr 148,
# Context 152, EntryHi 156. fp is the frame's address in all that follows `enter`.

        .equ    SERIAL, DEVICES
        .equ    RANDOM, DEVICES + 0x1c0000
        .equ    TIMER, DEVICES + 0x1d0000
        .equ    CONTROL, DEVICES + 0x1f7e00

refill_vector:
        j       FIRST_REFILL            # some services change this word
        nop

        .org    KBASE + 0x80
general_vector:
        mfc0    k0, $8
        nop
        srl     k0, k0, 23
        xori    k0, k0, 0x180
        beqz    k0, table_miss          # 0xc0000000 to 0xc07fffff: page tables
        nop
plainly:
        j       enter
        nop

# A page table is not mapped. Only k0 may be changed: k1 is the refill handler's.
table_miss:
        mfc0    k0, $13
        nop
        andi    k0, k0, 0x78
        xori    k0, k0, 8
        bnez    k0, plainly             # neither TLBL nor TLBS
        mfc0    k0, $8
        nop
        srl     k0, k0, 21
        andi    k0, k0, 3
        ori     k0, k0, 0x10
        sll     k0, k0, 12
        ori     k0, k0, 0x700
        mtc0    k0, $2
        nop
        tlbwr
        mfc0    k0, $14
        nop
        xori    k0, k0, (linear_load - KBASE)
        sll     k0, k0, 4
        beqz    k0, 1f
        mfc0    k0, $14
        nop
        jr      k0
        rfe
1:      rfe                             # two exceptions deep
        jr      k1
        rfe

# Three refill handlers: of a table by tlbwr, by tlbwi in turn, and of a table in kseg2.
refill_random:
        mfc0    k0, $4
        lui     k1, %hi(table)
        lw      k1, %lo(table)(k1)
        andi    k0, k0, 0xffc
        addu    k1, k1, k0
        lw      k0, 0(k1)
        mfc0    k1, $14
        mtc0    k0, $2
        nop
        tlbwr
        jr      k1
        rfe

refill_indexed:
        mfc0    k0, $4
        lui     k1, %hi(table)
        lw      k1, %lo(table)(k1)
        andi    k0, k0, 0xffc
        addu    k1, k1, k0
        lw      k0, 0(k1)
        lui     k1, %hi(turn)
        mtc0    k0, $2
        lw      k0, %lo(turn)(k1)
        nop
        addiu   k0, k0, 0x100
        sw      k0, %lo(turn)(k1)
        mtc0    k0, $0
        mfc0    k1, $14
        tlbwi
        jr      k1
        rfe

refill_linear:
        mfc0    k1, $14
        mfc0    k0, $4
        nop
linear_load:
        lw      k0, 0(k0)
        nop
        mtc0    k0, $2
        nop
        tlbwr
        jr      k1
        rfe

enter:
        mfc0    k0, $12
        mfc0    k1, $14
        andi    k0, k0, 8
        beqz    k0, from_kernel
        lui     k0, KBASE >> 16
        sltu    k0, k1, k0
        beqz    k0, from_kernel         # user mode, but at an address of the kernel
        lui     k1, %hi(frame)
        lw      k1, %lo(frame)(k1)
        b       save
        nop
from_kernel:
        lui     k0, %hi(kernel_stack)
        lw      k1, %lo(kernel_stack)(k0)
        nop
        addiu   k1, k1, -256
        sw      k1, %lo(kernel_stack)(k0)
save:
        SAVE_REGISTERS
        mfhi    t0
        mflo    t1
        sw      t0, 128(k1)
        sw      t1, 132(k1)
        move    fp, k1
        mfc0    t0, $12
        mfc0    t1, $13
        mfc0    t2, $14
        mfc0    t3, $8
        mfc0    t4, $4
        mfc0    t5, $10
        sw      t0, 136(fp)
        sw      t1, 140(fp)
        sw      t2, 144(fp)
        sw      t3, 148(fp)
        sw      t4, 152(fp)
        sw      t5, 156(fp)
        andi    t1, t1, 0x7c
        lui     t0, %hi(handlers)
        addu    t0, t0, t1
        lw      t0, %lo(handlers)(t0)
        nop
        jr      t0
        nop

# Go on behind the instruction; behind the delay slot where it was in one.
skip:
        lw      t0, 144(fp)
        lw      t1, 140(fp)
        lw      t2, 148(fp)
        beq     t0, t2, fetch_failed
        nop
        bgez    t1, 1f
        addiu   t0, t0, 4
        addiu   t0, t0, 4
1:      sw      t0, 144(fp)
leave:
        la      t0, frames
        sltu    t1, fp, t0
        bnez    t1, leave_to_kernel
        nop
        lw      t0, resched
        lw      t1, current
        beqz    t0, same_program
        nop
        sw      zero, resched
        lw      t2, alive
        nop
        beqz    t2, finish
        nop
1:      addiu   t1, t1, 1
        andi    t1, t1, 3
        srlv    t3, t2, t1
        andi    t3, t3, 1
        beqz    t3, 1b
        nop
        sw      t1, current
same_program:
        sll     t2, t1, 12
        lui     t3, %hi(tables)
        addu    t2, t2, t3
        sw      t2, table
        sll     t2, t1, 8
        la      fp, frames
        addu    fp, fp, t2
        sw      fp, frame
        sll     t2, t1, 2
        lui     t3, %hi(asids)
        addu    t3, t3, t2
        lw      t3, %lo(asids)(t3)
        sll     t1, t1, 21
        lui     t2, 0xc000
        addu    t1, t1, t2
        mtc0    t3, $10
        mtc0    t1, $4
        b       restore
        nop
leave_to_kernel:
        lw      t0, 152(fp)
        lw      t1, 156(fp)
        mtc0    t0, $4
        mtc0    t1, $10
        addiu   t2, fp, 256
        sw      t2, kernel_stack
restore:
        lw      t0, 128(fp)
        lw      t1, 132(fp)
        mthi    t0
        mtlo    t1
        lw      t2, 136(fp)
        move    k1, fp
        mtc0    t2, $12
        RESTORE_REGISTERS
        lw      k0, 144(k1)
        nop
        jr      k0
        rfe

# There is nothing at EPC: the end of a program, but the kernel goes on where it wanted to.
fetch_failed:
        la      t1, frames
        sltu    t1, fp, t1
        beqz    t1, end_program
        nop
        lw      t0, fixup
        lw      t1, 136(fp)
        sw      t0, 144(fp)
        li      t2, 0xfffffff7
        and     t1, t1, t2
        sw      t1, 136(fp)
        b       leave
        nop
end_program:
        lw      t0, current
        lw      t1, alive
        li      t2, 1
        sllv    t2, t2, t0
        nor     t2, t2, zero
        and     t1, t1, t2
        sw      t1, alive
        li      t0, 1
        sw      t0, resched
        b       leave
        nop

# A page is invalid or clean: make it what it may become, or skip the access.
tlb_fault:
        lw      t0, 148(fp)
        nop
        bltz    t0, kernel_page
        srl     t1, t0, 12
        andi    t1, t1, 0x3ff
        sltiu   t2, t1, 64
        beqz    t2, skip
        sll     t1, t1, 2
        lw      t3, table
        nop
        addu    t3, t3, t1
        lw      t4, 0x800(t3)
        lw      t5, 0(t3)
        beqz    t4, skip
        nop
        beq     t5, t4, skip
        nop
        sw      t4, 0(t3)
        lw      t6, 156(fp)
        b       write_entry
        nop
# kseg2: sixteen pages at 0xc4000000, four of physical memory; every third is clean.
kernel_page:
        srl     t1, t0, 16
        li      t2, 0xc400
        bne     t1, t2, skip
        lw      t1, 140(fp)
        lw      t6, 156(fp)
        andi    t1, t1, 0x7c
        sltiu   t1, t1, 8
        bnez    t1, skip                # clean
        srl     t1, t0, 12
        andi    t4, t1, 3
        sll     t4, t4, 12
        lui     t2, 0x1
        ori     t2, t2, 0x8700
        andi    t1, t1, 1
        sll     t1, t1, 10
        xor     t2, t2, t1
        addu    t4, t4, t2
write_entry:
        mtc0    t6, $10
        mtc0    t4, $2
        tlbp
        mfc0    t7, $0
        nop
        bltz    t7, 1f
        nop
        tlbwi
        b       leave
        nop
1:      tlbwr
        b       leave
        nop

interrupt:
        mfc0    t0, $13
        nop
        andi    t1, t0, 0x300
        beqz    t1, 1f
        nop
        mtc0    zero, $13
1:      sll     t1, t0, 16
        bgez    t1, 1f
        li      t2, TICK
        mtc0    t2, $11
        sw      t2, resched
1:      andi    t1, t0, 0x400
        beqz    t1, leave
        li      t3, CONTROL
        lw      t1, 4(t3)               # who it is
        li      t4, SERIAL
        andi    t2, t1, 1
        beqz    t2, 1f
        lui     t5, 0x2000
        sw      zero, 4(t4)
1:      and     t2, t1, t5
        beqz    t2, leave
        li      t4, TIMER
        lw      t2, 12(t4)
        sw      t2, resched
        lw      t2, ticks
        nop
        addiu   t2, t2, -1
        sw      t2, ticks
        bgtz    t2, leave
        nop
        sw      zero, 8(t4)             # this was the last one
        b       leave
        nop

# A system call: its number in v0; a program's only, for the kernel's own do nothing.
system_call:
        la      t0, frames
        sltu    t0, fp, t0
        bnez    t0, skip
        lw      t1, 8(fp)
        NOTE_REGISTERS
        andi    t1, t1, 15
        sll     t1, t1, 2
        lui     t0, %hi(services)
        addu    t0, t0, t1
        lw      t0, %lo(services)(t0)
        nop
        jr      t0
        nop
yield:
        li      t0, 1
        sw      t0, resched
        b       skip
        nop
print:
        li      t0, SERIAL
        lw      t1, 16(fp)
        nop
        andi    t1, t1, 31
        addiu   t1, t1, 64
        sw      t1, 0(t0)
        b       skip
        nop

finish:
        mtc0    zero, $12
        li      t0, -1
        mtc0    t0, $11
        li      s0, SERIAL
        li      s1, CONTROL
        li      s3, TIMER
        sw      zero, 8(s3)
        la      s2, farewell
1:      lbu     t0, 0(s2)
        li      t1, 1
        beqz    t0, 3f
        addiu   s2, s2, 1
        sw      t1, 4(s0)               # the end of the character ends the waiting
        sw      t0, 0(s0)
2:      wait
        lw      t2, 12(s3)
        lw      t1, 4(s0)
        nop
        andi    t1, t1, 2
        beqz    t1, 2b
        nop
        b       1b
        nop
3:      sw      zero, 4(s0)
        sw      zero, 8(s1)
1:      wait
        b       1b
        nop

start:
        mtc0    zero, $12
        mtc0    zero, $13
        la      fp, frames
        BOOT
        b       leave
        nop
farewell:
        .asciiz "\ndone\n"
        .align  2
