/*
 * The timer device: what time it is, and the ticks by which processes share
 * the processor.
 */
#ifndef CMS_CLOCK_H
#define CMS_CLOCK_H

#include "types.h"

#define TICK_MILLISECONDS 10
#define TICKS_PER_SECOND (1000 / TICK_MILLISECONDS)
#define NANOSECONDS_PER_SECOND 1000000000u

/* Start the timer device in `slot`; whether there is one. */
void clock_start(uint32_t slot);
bool clock_present(void);

/* Called when the timer interrupts. */
void clock_interrupt(void);

/* Nanoseconds since 1970, UTC. */
uint64_t clock_now(void);
void clock_read(uint32_t *seconds, uint32_t *nanoseconds);

/* Somebody is about to run: see to it that there are ticks. */
void clock_run(void);

/*
 * Nobody is ready: wait for an interrupt. The next sleeper wants to be woken at
 * `wake_time` (0 = there is none).
 */
void clock_idle(uint64_t wake_time);

#endif
