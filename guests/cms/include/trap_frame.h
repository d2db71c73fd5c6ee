/*
 * What an exception saves of what it interrupts, in every kernel here: the frame,
 * and the code that fills it, goes on from it, and changes stacks.
 */
#ifndef TRAP_FRAME_H
#define TRAP_FRAME_H

/* Coprocessor 0, by register number. */
#define CP0_BAD_ADDRESS $8
#define CP0_STATUS $12
#define CP0_CAUSE $13
#define CP0_EPC $14

/* A trap frame: the 32 registers (0 unused), then these. Offsets in bytes. */
#define FRAME_REGISTER(n) (4 * (n))
#define FRAME_HI 128
#define FRAME_LO 132
#define FRAME_STATUS 136
#define FRAME_CAUSE 140
#define FRAME_EPC 144
#define FRAME_BAD_ADDRESS 148
#define FRAME_SIZE 152

/* What a function may use of its caller's stack for its register arguments. */
#define ARGUMENT_AREA 16

#ifdef __ASSEMBLER__

/* Instructions that the assembler has no names for. */
#define RFE .word 0x42000010
#define WAIT .word 0x42000020

/* Below the stack pointer, with $k1 as what it was: the registers, in a trap frame. */
        .macro  SAVE_FRAME
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
        .endm

/* $sp is ARGUMENT_AREA bytes below a trap frame: go on with it where it says. */
        .macro  RESTORE_FRAME
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
        .endm

/*
 * The function switch_stack(save_here, go_on_there): store the stack pointer, with the
 * registers that a function must preserve on top of that stack, and go on where
 * the other stack was left.
 */
        .macro  SWITCH_STACK
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
        .endm

#else

#include "types.h"

struct trap_frame {
    uint32_t registers[32];
    uint32_t hi;
    uint32_t lo;
    uint32_t status;
    uint32_t cause;
    uint32_t epc;
    uint32_t bad_address;
};

_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "SAVE_FRAME relies on the layout");

#endif
#endif
