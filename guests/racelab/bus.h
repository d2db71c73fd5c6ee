/*
 * LAMEbus: 32 slots of 64 KiB, each with one device or none, and the drivers of
 * the three that are used here: timer, serial line, and the trace device, which
 * stops the machine for a debugger.
 */
#ifndef RACELAB_BUS_H
#define RACELAB_BUS_H

#include "types.h"

/* Find the devices, and let them interrupt. */
void bus_start(void);

/* Serve every device that requests an interrupt; true if the timer's tick was among them. */
bool bus_interrupt(void);

/* Set the timer to a tick, if it is not set. */
void clock_run(void);

/* Put a character on the console; the next one that was typed, or -1. */
void console_put(char character);
int console_take(void);

/* What threads that want a character sleep on. */
extern const char console_input[];

/* Switch the machine off; with `failed`, so that everybody notices. */
void power_off(bool failed) __attribute__((noreturn));

#endif
