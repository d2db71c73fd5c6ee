/*
 * The machine as the kernel sees it: the processor's control registers, the
 * frame in which an exception saves what it interrupts, and where things lie.
 */
#ifndef RACELAB_MACHINE_H
#define RACELAB_MACHINE_H

/* Coprocessor 0, by register number. */
#define CP0_BAD_ADDRESS $8
#define CP0_STATUS $12
#define CP0_CAUSE $13
#define CP0_EPC $14

#define STATUS_INTERRUPTS 0x0001    /* the processor takes interrupts */
#define STATUS_BUS_INTERRUPT 0x0400 /* mask bit of the LAMEbus line */

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

#define BOOT_STACK_SIZE 4096

#ifndef __ASSEMBLER__

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

_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "start.S relies on the layout");

/* The stack of the first thread (start.S). */
extern uint8_t boot_stack[BOOT_STACK_SIZE];

/*
 * Let no interrupt come, and say how it was before; put it back as it was.
 * Where they stand around a few lines, no other thread can come in between:
 * there is one processor, and nothing but an interrupt takes a thread off it.
 */
uint32_t interrupts_off(void);
void interrupts_restore(uint32_t before);

/* Wait for an interrupt line; returns at once if one is asserted. */
void processor_wait(void);

/*
 * Store the stack pointer in *save_here, with the registers that a function must
 * preserve on top of that stack, and go on where the other stack was left.
 */
void switch_stack(void **save_here, void *go_on_there);

/* Where a new thread begins: calls $s0 with $s1, then thread_exit (start.S). */
void thread_begin(void);

#endif
#endif
