/*
 * The first instructions, at the bottom of physical memory: the two exception
 * vectors, and the entry point, which takes the boot string in $a0, gives the
 * kernel a stack and calls kernel_main. The loader has cleared .bss.
 */
#include "machine.h"

        .set noreorder
        .set noat

/*
 * TLB refill, at KERNEL_BASE + 0x00: a user address has no entry. The page
 * directory has an entry for each 4 MiB, always the address of a page table;
 * a table entry is a ready EntryLo. What is not mapped is an invalid entry, and
 * leads to the general vector in a second step.
 */
        .section .vectors, "ax"
        .globl refill_vector
refill_vector:
        mfc0    $k0, CP0_BAD_ADDRESS
        lui     $k1, %hi(page_directory)
        lw      $k1, %lo(page_directory)($k1)
        srl     $k0, $k0, 22
        sll     $k0, $k0, 2
        addu    $k1, $k1, $k0
        lw      $k1, 0($k1)
        mfc0    $k0, CP0_CONTEXT
        nop
        andi    $k0, $k0, 0xffc
        addu    $k1, $k1, $k0
        lw      $k0, 0($k1)
        nop
        mtc0    $k0, CP0_ENTRY_LO
        mfc0    $k1, CP0_EPC
        tlbwr
        jr      $k1
        RFE

/*
 * Every other exception, at KERNEL_BASE + 0x80. In System/161 register 0 can be
 * written like any other: the kernel must not trust what a program left there.
 */
        .org    refill_vector + 0x80
        .globl general_vector
general_vector:
        j       exception_entry
        xor     $zero, $zero, $zero

        .text
        .globl start
start:
        la      $sp, boot_stack_top - ARGUMENT_AREA
        mtc0    $zero, CP0_STATUS
        jal     kernel_main
        nop

        .globl processor_wait
processor_wait:
        WAIT
        jr      $ra
        nop

        .bss
        .balign 8
        .space  PAGE_SIZE
        .globl boot_stack_top
boot_stack_top:
