/*
 * The machine as the kernel sees it: the processor's control registers, the
 * frame in which an exception saves what it interrupts, and where things lie.
 */
#ifndef RACELAB_MACHINE_H
#define RACELAB_MACHINE_H

#include "trap_frame.h"

#define STATUS_INTERRUPTS 0x0001    /* the processor takes interrupts */
#define STATUS_BUS_INTERRUPT 0x0400 /* mask bit of the LAMEbus line */

#define BOOT_STACK_SIZE 4096

#ifndef __ASSEMBLER__

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
