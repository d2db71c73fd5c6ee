/*
 * The first instructions; entering the kernel at an exception and leaving it;
 * changing from one thread's stack to another's.
 */
#include "machine.h"

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
        SAVE_FRAME
        jal     trap
        addiu   $a0, $sp, ARGUMENT_AREA

        RESTORE_FRAME

        .globl switch_stack
switch_stack:
        SWITCH_STACK

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
