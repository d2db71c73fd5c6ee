/*
 * A lost update. Two threads count together; counter++ is a load, an addition and
 * a store, and what the other thread adds in between is overwritten.
 */
#include "exercise.h"
#include "lock.h"
#include "thread.h"

#define TURNS 1000

/* The compiler must not keep it in a register: each turn loads it and stores it. */
static volatile uint32_t counter;
static struct lock counter_lock = {.name = "counter"};

static void count(void *argument)
{
    (void)argument;
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        work(60);
        counter++;
    }
}

static void count_fixed(void *argument)
{
    (void)argument;
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        work(60);
        lock_acquire(&counter_lock);
        counter++;
        lock_release(&counter_lock);
    }
}

static void run(bool fixed)
{
    counter = 0;
    thread_start("one", fixed ? count_fixed : count, NULL);
    thread_start("two", fixed ? count_fixed : count, NULL);
    thread_wait_for_others();
    finish(&race, counter, 2 * TURNS, "increments");
}

const struct exercise race = {"race", "a lost update: two threads increment a counter", run};
