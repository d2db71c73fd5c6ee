/*
 * The console: what the kernel prints, and the serial line behind it.
 */
#ifndef CMS_CONSOLE_H
#define CMS_CONSOLE_H

#include "types.h"

/* Print from the kernel; never sleeps, so it may be called anywhere. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for values that are a function's arguments. */
void print_values(const char *format, va_list values);

/* Begin a new line, unless the last one has been ended. */
void print_fresh_line(void);

/* Print one line that begins with "cms: panic: " and power the machine off. */
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Start the serial device in `slot`. */
void console_start(uint32_t slot);

/* Called when the serial device interrupts. */
void console_interrupt(void);

/* Wait until everything printed has left the machine. */
void console_drain(void);

/* Print `length` characters, sleeping while the buffer is full. */
void console_write(const char *text, uint32_t length);

/* Wait for a key. Returns the character, or -ERROR_INTERRUPTED. */
int console_read_key(void);

/*
 * Read a line with echo, as far as `size` characters; the newline is part of
 * it. Returns its length, 0 after Ctrl-D on an empty line, or
 * -ERROR_INTERRUPTED.
 */
int console_read_line(char *line, uint32_t size);

#endif
