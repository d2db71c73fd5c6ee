/* What main.c needs of a platform. */
#ifndef PLATFORM_H
#define PLATFORM_H

void write_byte(char character);

/* End the run: switch the machine off, or leave the process. */
_Noreturn void stop(void);

#endif
