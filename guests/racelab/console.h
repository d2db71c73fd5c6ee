/*
 * Text on the console, lines from it, and the last words of a kernel.
 */
#ifndef RACELAB_CONSOLE_H
#define RACELAB_CONSOLE_H

#include "types.h"

/* As printf; knows %d %u %x %c %s and widths. No other thread's text comes in between. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print why, and switch the machine off; it ends with an error. */
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Read a line, without its end. */
void read_line(char *line, uint32_t size);

#endif
