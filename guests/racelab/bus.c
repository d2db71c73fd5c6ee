/*
 * LAMEbus: finding the devices, serving their interrupts, talking to them.
 */
#include "bus.h"
#include "machine.h"
#include "thread.h"

#define DEVICE_BASE 0xbfe00000
#define SLOT_SIZE 0x10000
#define CONTROLLER_SLOT 31

/* In the controller's slot: 1 KiB of description for each slot, and of itself: */
#define DESCRIPTION_SIZE 0x400
#define DESCRIPTION_DEVICE 0x04
#define CONTROLLER_REQUESTS (CONTROLLER_SLOT * DESCRIPTION_SIZE + 0x204)
#define CONTROLLER_POWER (CONTROLLER_SLOT * DESCRIPTION_SIZE + 0x208)

/* Device numbers, as the bus reports them. */
#define DEVICE_TIMER 2
#define DEVICE_SERIAL 4
#define DEVICE_TRACE 8

#define TIMER_INTERRUPT 0x0c /* reading acknowledges */
#define TIMER_COUNTDOWN 0x10 /* microseconds; counts once */
#define TICK_MICROSECONDS 10000

#define SERIAL_CHARACTER 0x00
#define SERIAL_WRITE 0x04
#define SERIAL_READ 0x08
#define INTERRUPT_ENABLE 1
#define INTERRUPT_READY 2

#define TRACE_DEBUGGER 0x10

#define NONE 32u
#define INPUT_SIZE 64u

const char console_input[] = "console input";

static uint32_t timer_slot = NONE, serial_slot = NONE, trace_slot = NONE;
static bool ticking;
static char input[INPUT_SIZE];
static uint32_t input_arrived, input_taken;

static volatile uint32_t *device(uint32_t slot, uint32_t offset)
{
    return (volatile uint32_t *)(DEVICE_BASE + slot * SLOT_SIZE + offset);
}

void bus_start(void)
{
    for (uint32_t slot = 0; slot < CONTROLLER_SLOT; slot++) {
        switch (*device(CONTROLLER_SLOT, slot * DESCRIPTION_SIZE + DESCRIPTION_DEVICE)) {
        case DEVICE_TIMER:
            timer_slot = slot;
            break;
        case DEVICE_SERIAL:
            serial_slot = slot;
            *device(slot, SERIAL_READ) = INTERRUPT_ENABLE;
            break;
        case DEVICE_TRACE:
            trace_slot = slot;
            break;
        }
    }
    clock_run();
}

void clock_run(void)
{
    if (timer_slot == NONE || ticking)
        return;
    *device(timer_slot, TIMER_COUNTDOWN) = TICK_MICROSECONDS;
    ticking = true;
}

bool bus_interrupt(void)
{
    uint32_t requests = *device(CONTROLLER_SLOT, CONTROLLER_REQUESTS);
    bool tick = false;
    if (timer_slot != NONE && requests & 1u << timer_slot) {
        (void)*device(timer_slot, TIMER_INTERRUPT);
        ticking = false;
        tick = true;
    }
    if (serial_slot != NONE && requests & 1u << serial_slot) {
        char character = (char)*device(serial_slot, SERIAL_CHARACTER);
        *device(serial_slot, SERIAL_READ) = INTERRUPT_ENABLE;
        if (input_arrived - input_taken < INPUT_SIZE)
            input[input_arrived++ % INPUT_SIZE] = character;
        thread_wake_all(console_input);
    }
    return tick;
}

void console_put(char character)
{
    if (serial_slot == NONE)
        return;
    *device(serial_slot, SERIAL_WRITE) = 0;
    *device(serial_slot, SERIAL_CHARACTER) = (uint8_t)character;
    while (!(*device(serial_slot, SERIAL_WRITE) & INTERRUPT_READY))
        continue;
}

int console_take(void)
{
    return input_arrived == input_taken ? -1 : (uint8_t)input[input_taken++ % INPUT_SIZE];
}

void power_off(bool failed)
{
    /* The machine remembers that a debugger was asked for: its exit code says so. */
    if (failed && trace_slot != NONE)
        *device(trace_slot, TRACE_DEBUGGER) = 1;
    *device(CONTROLLER_SLOT, CONTROLLER_POWER) = 0;
    for (;;)
        processor_wait();
}
