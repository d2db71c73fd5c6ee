/*
 * LAMEbus: 32 slots of 64 KiB, each with one device or none. Slot 31 is the
 * controller.
 */
#ifndef CMS_BUS_H
#define CMS_BUS_H

#include "machine.h"

#define BUS_SLOTS 32
#define BUS_SLOT_SIZE 0x10000
#define CONTROLLER_SLOT 31
#define DEVICE_BUFFER 0x8000 /* where a device's buffer begins in its slot */

/* Device numbers, as the bus reports them. */
enum device_kind {
    DEVICE_OLD_CONTROLLER = 1,
    DEVICE_TIMER = 2,
    DEVICE_DISK = 3,
    DEVICE_SERIAL = 4,
    DEVICE_EMUFS = 7,
    DEVICE_CONTROLLER = 10,
};

static inline volatile uint32_t *device_register(uint32_t slot, uint32_t offset)
{
    return (volatile uint32_t *)(DEVICE_BASE + slot * BUS_SLOT_SIZE + offset);
}

static inline uint32_t device_read(uint32_t slot, uint32_t offset)
{
    return *device_register(slot, offset);
}

static inline void device_write(uint32_t slot, uint32_t offset, uint32_t value)
{
    *device_register(slot, offset) = value;
}

/* Copy between memory and a device's buffer, a word at a time at the device. */
void device_buffer_read(uint32_t slot, void *to, uint32_t length);
void device_buffer_write(uint32_t slot, const void *from, uint32_t length);

/* Find the devices and start their drivers. */
void bus_start(void);

/* Serve every device that requests an interrupt. */
void bus_interrupt(void);

/* Wait until some device requests an interrupt, and serve it. */
void bus_wait(void);

uint32_t bus_memory_size(void);
uint32_t bus_processors(void);

/* Switch the machine off. */
void bus_power_off(void) __attribute__((noreturn));

#endif
