/*
 * A lost wake-up. The reader looks whether there is a message, sees none, and goes to
 * sleep until it is told. If the message comes after the look and before the sleep, then
 * the signal finds nobody who sleeps; and the reader sleeps for ever.
 */
#include "exercise.h"
#include "lock.h"
#include "thread.h"

#define MESSAGES 200

static struct lock box_lock = {.name = "mailbox"};
static struct condition filled = {.name = "mailbox filled"};
static struct condition emptied = {.name = "mailbox emptied"};
static volatile bool full;
static uint32_t message, received;

static void writer(void *argument)
{
    (void)argument;
    for (uint32_t number = 1; number <= MESSAGES; number++) {
        work(300);
        lock_acquire(&box_lock);
        while (full)
            condition_wait(&emptied, &box_lock);
        message = number;
        full = true;
        condition_signal(&filled);
        lock_release(&box_lock);
    }
}

static void take(void)
{
    received += message == received + 1;
    full = false;
    condition_signal(&emptied);
}

static void reader(void *argument)
{
    (void)argument;
    for (uint32_t number = 1; number <= MESSAGES; number++) {
        work(300);
        if (!full) {
            lock_acquire(&box_lock);
            condition_wait(&filled, &box_lock);
            lock_release(&box_lock);
        }
        lock_acquire(&box_lock);
        take();
        lock_release(&box_lock);
    }
}

/* The look and the sleep belong together: the lock is held from one to the other. */
static void reader_fixed(void *argument)
{
    (void)argument;
    for (uint32_t number = 1; number <= MESSAGES; number++) {
        work(300);
        lock_acquire(&box_lock);
        while (!full)
            condition_wait(&filled, &box_lock);
        take();
        lock_release(&box_lock);
    }
}

static void run(bool fixed)
{
    full = false;
    received = 0;
    thread_start("reader", fixed ? reader_fixed : reader, NULL);
    thread_start("writer", writer, NULL);
    thread_wait_for_others();
    finish(&wakeup, received, MESSAGES, "messages");
}

const struct exercise wakeup = {"wakeup", "a lost wake-up: a signal for nobody", run};
