/*
 * The first instructions; entering the kernel at an exception and leaving it;
 * changing from one thread's stack to another's.
 */
#include "machine.h"

/* Instructions that the assembler has no names for. */
#define RFE .word 0x42000010
#define WAIT .word 0x42000020

        .set noreorder
        .set noat

/*
 * The two vectors, at the bottom of memory: a missing TLB entry, and everything
 * else. There is no virtual memory here, so the first means a wild pointer. In
 * System/161 register 0 can be written like any other: make it zero again.
 */
        .section .vectors, "ax"
        .globl refill_vector
refill_vector:
        j       exception_entry
        xor     $zero, $zero, $zero

        .org    refill_vector + 0x80
        .globl general_vector
general_vector:
        j       exception_entry
        xor     $zero, $zero, $zero

        .text
/* The boot loader jumps here, with the boot string in $a0. .bss is cleared. */
        .globl start
start:
        la      $sp, boot_stack + BOOT_STACK_SIZE - ARGUMENT_AREA
        mtc0    $zero, CP0_STATUS
        jal     kernel_main
        move    $ra, $zero

/*
 * Save the registers in a trap frame on the stack of the thread that runs, call
 * trap(), and go on with what the frame has then.
 */
        .globl exception_entry
exception_entry:
        move    $k1, $sp
        addiu   $sp, $sp, -(FRAME_SIZE + ARGUMENT_AREA)
        sw      $1, ARGUMENT_AREA + FRAME_REGISTER(1)($sp)
        sw      $2, ARGUMENT_AREA + FRAME_REGISTER(2)($sp)
        sw      $3, ARGUMENT_AREA + FRAME_REGISTER(3)($sp)
        sw      $4, ARGUMENT_AREA + FRAME_REGISTER(4)($sp)
        sw      $5, ARGUMENT_AREA + FRAME_REGISTER(5)($sp)
        sw      $6, ARGUMENT_AREA + FRAME_REGISTER(6)($sp)
        sw      $7, ARGUMENT_AREA + FRAME_REGISTER(7)($sp)
        sw      $8, ARGUMENT_AREA + FRAME_REGISTER(8)($sp)
        sw      $9, ARGUMENT_AREA + FRAME_REGISTER(9)($sp)
        sw      $10, ARGUMENT_AREA + FRAME_REGISTER(10)($sp)
        sw      $11, ARGUMENT_AREA + FRAME_REGISTER(11)($sp)
        sw      $12, ARGUMENT_AREA + FRAME_REGISTER(12)($sp)
        sw      $13, ARGUMENT_AREA + FRAME_REGISTER(13)($sp)
        sw      $14, ARGUMENT_AREA + FRAME_REGISTER(14)($sp)
        sw      $15, ARGUMENT_AREA + FRAME_REGISTER(15)($sp)
        sw      $16, ARGUMENT_AREA + FRAME_REGISTER(16)($sp)
        sw      $17, ARGUMENT_AREA + FRAME_REGISTER(17)($sp)
        sw      $18, ARGUMENT_AREA + FRAME_REGISTER(18)($sp)
        sw      $19, ARGUMENT_AREA + FRAME_REGISTER(19)($sp)
        sw      $20, ARGUMENT_AREA + FRAME_REGISTER(20)($sp)
        sw      $21, ARGUMENT_AREA + FRAME_REGISTER(21)($sp)
        sw      $22, ARGUMENT_AREA + FRAME_REGISTER(22)($sp)
        sw      $23, ARGUMENT_AREA + FRAME_REGISTER(23)($sp)
        sw      $24, ARGUMENT_AREA + FRAME_REGISTER(24)($sp)
        sw      $25, ARGUMENT_AREA + FRAME_REGISTER(25)($sp)
        sw      $28, ARGUMENT_AREA + FRAME_REGISTER(28)($sp)
        sw      $k1, ARGUMENT_AREA + FRAME_REGISTER(29)($sp)
        sw      $30, ARGUMENT_AREA + FRAME_REGISTER(30)($sp)
        sw      $31, ARGUMENT_AREA + FRAME_REGISTER(31)($sp)
        mfhi    $t0
        mflo    $t1
        mfc0    $t2, CP0_STATUS
        mfc0    $t3, CP0_CAUSE
        mfc0    $t4, CP0_EPC
        mfc0    $t5, CP0_BAD_ADDRESS
        sw      $t0, ARGUMENT_AREA + FRAME_HI($sp)
        sw      $t1, ARGUMENT_AREA + FRAME_LO($sp)
        sw      $t2, ARGUMENT_AREA + FRAME_STATUS($sp)
        sw      $t3, ARGUMENT_AREA + FRAME_CAUSE($sp)
        sw      $t4, ARGUMENT_AREA + FRAME_EPC($sp)
        sw      $t5, ARGUMENT_AREA + FRAME_BAD_ADDRESS($sp)
        jal     trap
        addiu   $a0, $sp, ARGUMENT_AREA

        lw      $t0, ARGUMENT_AREA + FRAME_HI($sp)
        lw      $t1, ARGUMENT_AREA + FRAME_LO($sp)
        mthi    $t0
        mtlo    $t1
        lw      $t2, ARGUMENT_AREA + FRAME_STATUS($sp)
        lw      $1, ARGUMENT_AREA + FRAME_REGISTER(1)($sp)
        mtc0    $t2, CP0_STATUS
        lw      $2, ARGUMENT_AREA + FRAME_REGISTER(2)($sp)
        lw      $3, ARGUMENT_AREA + FRAME_REGISTER(3)($sp)
        lw      $4, ARGUMENT_AREA + FRAME_REGISTER(4)($sp)
        lw      $5, ARGUMENT_AREA + FRAME_REGISTER(5)($sp)
        lw      $6, ARGUMENT_AREA + FRAME_REGISTER(6)($sp)
        lw      $7, ARGUMENT_AREA + FRAME_REGISTER(7)($sp)
        lw      $8, ARGUMENT_AREA + FRAME_REGISTER(8)($sp)
        lw      $9, ARGUMENT_AREA + FRAME_REGISTER(9)($sp)
        lw      $10, ARGUMENT_AREA + FRAME_REGISTER(10)($sp)
        lw      $11, ARGUMENT_AREA + FRAME_REGISTER(11)($sp)
        lw      $12, ARGUMENT_AREA + FRAME_REGISTER(12)($sp)
        lw      $13, ARGUMENT_AREA + FRAME_REGISTER(13)($sp)
        lw      $14, ARGUMENT_AREA + FRAME_REGISTER(14)($sp)
        lw      $15, ARGUMENT_AREA + FRAME_REGISTER(15)($sp)
        lw      $16, ARGUMENT_AREA + FRAME_REGISTER(16)($sp)
        lw      $17, ARGUMENT_AREA + FRAME_REGISTER(17)($sp)
        lw      $18, ARGUMENT_AREA + FRAME_REGISTER(18)($sp)
        lw      $19, ARGUMENT_AREA + FRAME_REGISTER(19)($sp)
        lw      $20, ARGUMENT_AREA + FRAME_REGISTER(20)($sp)
        lw      $21, ARGUMENT_AREA + FRAME_REGISTER(21)($sp)
        lw      $22, ARGUMENT_AREA + FRAME_REGISTER(22)($sp)
        lw      $23, ARGUMENT_AREA + FRAME_REGISTER(23)($sp)
        lw      $24, ARGUMENT_AREA + FRAME_REGISTER(24)($sp)
        lw      $25, ARGUMENT_AREA + FRAME_REGISTER(25)($sp)
        lw      $28, ARGUMENT_AREA + FRAME_REGISTER(28)($sp)
        lw      $30, ARGUMENT_AREA + FRAME_REGISTER(30)($sp)
        lw      $31, ARGUMENT_AREA + FRAME_REGISTER(31)($sp)
        lw      $k0, ARGUMENT_AREA + FRAME_EPC($sp)
        lw      $sp, ARGUMENT_AREA + FRAME_REGISTER(29)($sp)
        jr      $k0
        RFE

        .globl switch_stack
switch_stack:
        addiu   $sp, $sp, -40
        sw      $s0, 0($sp)
        sw      $s1, 4($sp)
        sw      $s2, 8($sp)
        sw      $s3, 12($sp)
        sw      $s4, 16($sp)
        sw      $s5, 20($sp)
        sw      $s6, 24($sp)
        sw      $s7, 28($sp)
        sw      $30, 32($sp)
        sw      $ra, 36($sp)
        sw      $sp, 0($a0)
        move    $sp, $a1
        lw      $ra, 36($sp)
        lw      $s0, 0($sp)
        lw      $s1, 4($sp)
        lw      $s2, 8($sp)
        lw      $s3, 12($sp)
        lw      $s4, 16($sp)
        lw      $s5, 20($sp)
        lw      $s6, 24($sp)
        lw      $s7, 28($sp)
        lw      $30, 32($sp)
        jr      $ra
        addiu   $sp, $sp, 40

/* A new thread comes here from switch_stack, with interrupts still off. */
        .globl thread_begin
thread_begin:
        addiu   $sp, $sp, -ARGUMENT_AREA
        li      $a0, STATUS_INTERRUPTS | STATUS_BUS_INTERRUPT
        mtc0    $a0, CP0_STATUS
        jalr    $s0
        move    $a0, $s1
        jal     thread_exit
        move    $ra, $zero

        .globl interrupts_off
interrupts_off:
        mfc0    $v0, CP0_STATUS
        nop
        srl     $t0, $v0, 1
        sll     $t0, $t0, 1
        mtc0    $t0, CP0_STATUS
        nop
        jr      $ra
        nop

        .globl interrupts_restore
interrupts_restore:
        mtc0    $a0, CP0_STATUS
        jr      $ra
        nop

        .globl processor_wait
processor_wait:
        WAIT
        jr      $ra
        nop

        .bss
        .balign 8
        .globl boot_stack
boot_stack:
        .space  BOOT_STACK_SIZE
