/*
 * Entering the kernel and leaving it: save the registers in a trap frame on
 * the process's kernel stack, call trap(), restore. Interrupts stay disabled
 * in the kernel, so an exception there is a bug; it gets a stack of its own for
 * the last message. Also here: changing from one kernel stack to another.
 */
#include "machine.h"

        .set noreorder
        .set noat
        .text

        .globl exception_entry
exception_entry:
        mfc0    $k0, CP0_STATUS
        move    $k1, $sp
        andi    $k0, $k0, STATUS_PREVIOUS_USER
        beqz    $k0, 1f
        lui     $sp, %hi(kernel_stack_top)
        lw      $sp, %lo(kernel_stack_top)($sp)
        b       2f
        nop
1:      lui     $sp, %hi(boot_stack_top)
        addiu   $sp, $sp, %lo(boot_stack_top)
2:      SAVE_FRAME
        jal     trap
        addiu   $a0, $sp, ARGUMENT_AREA

/* $sp is ARGUMENT_AREA bytes below a trap frame: go on in user mode with it. */
        .globl return_to_user
return_to_user:
        RESTORE_FRAME

        .globl switch_stack
switch_stack:
        SWITCH_STACK
