/* GXemul's machine "testmips": a byte stored to the console is printed, one to halt ends. */
#include "../programs/benchmark.h"
#include "platform.h"

#define CONSOLE 0xb0000000u
#define HALT 0xb0000010u

void write_byte(char character)
{
    *(volatile byte *)CONSOLE = character;
}

void stop(void)
{
    for (;;)
        *(volatile byte *)HALT = 0;
}
