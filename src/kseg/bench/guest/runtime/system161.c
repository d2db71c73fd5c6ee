/* System/161: the serial console is found by asking the LAMEbus; WAIT passes the time. */
#include "../programs/benchmark.h"
#include "platform.h"

#define BUS 0xbfe00000u
#define SLOT_SIZE 0x10000u
#define CONTROLLER 31
#define CONFIGURATION (BUS + CONTROLLER * SLOT_SIZE)
#define CONFIGURATION_SIZE 0x400u
#define VENDOR 1
#define SERIAL 4

/* The serial card's registers. */
#define CHARACTER 0
#define WRITE_STATUS 4
#define ENABLE 1u
#define READY 2u

#define POWER (CONFIGURATION + CONTROLLER * CONFIGURATION_SIZE + 0x208)

static volatile word *at(word address)
{
    return (volatile word *)address;
}

static word serial_card(void)
{
    for (word slot = 0; slot < CONTROLLER; slot++) {
        volatile word *card = at(CONFIGURATION + slot * CONFIGURATION_SIZE);
        if (card[0] == VENDOR && card[1] == SERIAL)
            return BUS + slot * SLOT_SIZE;
    }
    stop();
}

/* Sleep until a card asks for an interrupt; interrupts stay off, so nothing else happens. */
static void wait(void)
{
    __asm__ volatile(".word 0x42000020" ::: "memory");
}

void write_byte(char character)
{
    static word card;

    if (!card)
        card = serial_card();
    *at(card + WRITE_STATUS) = ENABLE;
    *at(card + CHARACTER) = (byte)character;
    while (!(*at(card + WRITE_STATUS) & READY))
        wait();
    *at(card + WRITE_STATUS) = 0;
}

void stop(void)
{
    *at(POWER) = 0;
    for (;;)
        wait();
}
