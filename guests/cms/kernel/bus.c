/*
 * LAMEbus: finding the devices, handing interrupts to their drivers, and the
 * controller's own registers.
 */
#include "bus.h"
#include "clock.h"
#include "console.h"
#include "disk.h"
#include "emufs.h"

/* In the controller's slot: 1 KiB of description for each slot. */
#define DESCRIPTION_SIZE 0x400
#define DESCRIPTION_DEVICE 0x04

/* In the controller's own description. */
#define CONTROLLER_BASE (CONTROLLER_SLOT * DESCRIPTION_SIZE)
#define CONTROLLER_MEMORY_SIZE (CONTROLLER_BASE + 0x200)
#define CONTROLLER_REQUESTS (CONTROLLER_BASE + 0x204)
#define CONTROLLER_ENABLE (CONTROLLER_BASE + 0x20c)
#define CONTROLLER_POWER (CONTROLLER_BASE + 0x208)
#define CONTROLLER_PROCESSORS (CONTROLLER_BASE + 0x210)

static void (*handlers[BUS_SLOTS])(void);
static bool has_processor_mask;

static uint32_t device_in(uint32_t slot)
{
    return device_read(CONTROLLER_SLOT, slot * DESCRIPTION_SIZE + DESCRIPTION_DEVICE);
}

void bus_start(void)
{
    has_processor_mask = device_in(CONTROLLER_SLOT) == DEVICE_CONTROLLER;
    for (uint32_t slot = 0; slot < CONTROLLER_SLOT; slot++) {
        switch (device_in(slot)) {
        case DEVICE_TIMER:
            clock_start(slot);
            handlers[slot] = clock_interrupt;
            break;
        case DEVICE_SERIAL:
            console_start(slot);
            handlers[slot] = console_interrupt;
            break;
        case DEVICE_DISK:
            if (disk_start(slot))
                handlers[slot] = disk_interrupt;
            break;
        case DEVICE_EMUFS:
            if (emufs_start(slot))
                handlers[slot] = emufs_interrupt;
            break;
        }
    }
    /* What nobody serves must not interrupt; the controller itself wakes us to power off. */
    uint32_t served = 1u << CONTROLLER_SLOT;
    for (uint32_t slot = 0; slot < CONTROLLER_SLOT; slot++)
        if (handlers[slot] != NULL)
            served |= 1u << slot;
    device_write(CONTROLLER_SLOT, CONTROLLER_ENABLE, served);
}

void bus_interrupt(void)
{
    uint32_t requests = device_read(CONTROLLER_SLOT, CONTROLLER_REQUESTS);
    for (uint32_t slot = 0; requests != 0; slot++, requests >>= 1)
        if (requests & 1 && handlers[slot] != NULL)
            handlers[slot]();
}

void bus_wait(void)
{
    processor_wait();
    bus_interrupt();
}

uint32_t bus_memory_size(void)
{
    return device_read(CONTROLLER_SLOT, CONTROLLER_MEMORY_SIZE);
}

uint32_t bus_processors(void)
{
    uint32_t count = 0;
    if (!has_processor_mask)
        return 1;
    for (uint32_t mask = device_read(CONTROLLER_SLOT, CONTROLLER_PROCESSORS); mask; mask >>= 1)
        count += mask & 1;
    return count;
}

void bus_power_off(void)
{
    device_write(CONTROLLER_SLOT, CONTROLLER_POWER, 0);
    for (;;)
        processor_wait();
}

void device_buffer_read(uint32_t slot, void *to, uint32_t length)
{
    volatile uint32_t *buffer = device_register(slot, DEVICE_BUFFER);
    uint8_t *out = to;
    for (; length > 0; buffer++) {
        uint32_t word = *buffer;
        uint32_t part = length < 4 ? length : 4;
        for (uint32_t index = 0; index < part; index++, word <<= 8)
            *out++ = (uint8_t)(word >> 24);
        length -= part;
    }
}

void device_buffer_write(uint32_t slot, const void *from, uint32_t length)
{
    volatile uint32_t *buffer = device_register(slot, DEVICE_BUFFER);
    const uint8_t *in = from;
    for (; length > 0; buffer++) {
        uint32_t word = 0;
        uint32_t part = length < 4 ? length : 4;
        for (uint32_t index = 0; index < part; index++)
            word |= (uint32_t)*in++ << (24 - 8 * index);
        *buffer = word;
        length -= part;
    }
}
