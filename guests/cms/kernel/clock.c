/*
 * The timer device. It counts down once and interrupts. While somebody is
 * running it is set to a tick; while nobody is, to the moment the next sleeper
 * wants to be woken, or not at all, so that an idle machine stays idle.
 */
#include "clock.h"
#include "bus.h"
#include "machine.h"
#include "process.h"

#define TIMER_SECONDS 0x00
#define TIMER_NANOSECONDS 0x04
#define TIMER_INTERRUPT 0x0c /* reading acknowledges */
#define TIMER_COUNTDOWN 0x10 /* microseconds */

#define TICK_MICROSECONDS (TICK_MILLISECONDS * 1000u)
#define LONGEST_NANOSECONDS 4000000000u

static uint32_t timer_slot;
static bool present;
static bool idle;
static bool ticking;       /* the countdown is set to a tick */
static uint64_t armed_for; /* the moment it is set to otherwise; 0 = none */

void clock_start(uint32_t slot)
{
    timer_slot = slot;
    present = true;
}

bool clock_present(void)
{
    return present;
}

void clock_read(uint32_t *seconds, uint32_t *nanoseconds)
{
    /* The second may change between the two reads: then read again. */
    do {
        *seconds = device_read(timer_slot, TIMER_SECONDS);
        *nanoseconds = device_read(timer_slot, TIMER_NANOSECONDS);
    } while (*seconds != device_read(timer_slot, TIMER_SECONDS));
}

uint64_t clock_now(void)
{
    uint32_t seconds, nanoseconds;
    clock_read(&seconds, &nanoseconds);
    return (uint64_t)seconds * NANOSECONDS_PER_SECOND + nanoseconds;
}

static void count_down(uint32_t microseconds)
{
    device_write(timer_slot, TIMER_COUNTDOWN, microseconds);
}

void clock_run(void)
{
    if (ticking)
        return;
    count_down(TICK_MICROSECONDS);
    ticking = true;
    armed_for = 0;
}

/* Set the countdown to `time`; if that is far away, to a moment on the way. */
static void arm(uint64_t time)
{
    uint64_t now = clock_now();
    uint64_t left = time > now ? time - now : 0;
    uint32_t nanoseconds = left < LONGEST_NANOSECONDS ? (uint32_t)left : LONGEST_NANOSECONDS;
    count_down(nanoseconds / 1000 + 1);
    ticking = false;
    armed_for = time;
}

void clock_idle(uint64_t wake_time)
{
    if (wake_time != 0 && wake_time != armed_for)
        arm(wake_time);
    idle = true;
    bus_wait();
    idle = false;
}

void clock_interrupt(void)
{
    device_read(timer_slot, TIMER_INTERRUPT);
    ticking = false;
    armed_for = 0;
    if (!idle) {
        process_tick();
        clock_run();
    }
    if (process_next_wake() != 0)
        process_wake_due(clock_now());
}
