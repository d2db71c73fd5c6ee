/* QEMU's machine "malta": a 16550 serial port; a magic number resets the board. */
#include "../programs/benchmark.h"
#include "platform.h"

#define SERIAL 0xb80003f8u
#define LINE_STATUS (SERIAL + 5)
#define TRANSMITTER_EMPTY 0x20
#define SOFT_RESET 0xbf000500u
#define GO_RESET 0x42

void write_byte(char character)
{
    while (!(*(volatile byte *)LINE_STATUS & TRANSMITTER_EMPTY))
        ;
    *(volatile byte *)SERIAL = character;
}

/* With the option -no-reboot, a reset ends the emulator. */
void stop(void)
{
    for (;;)
        *(volatile word *)SOFT_RESET = GO_RESET;
}
