/*
 * Locks, and condition variables. One processor: with interrupts off, nobody else runs.
 */
#include "lock.h"
#include "console.h"
#include "machine.h"
#include "thread.h"

void lock_acquire(struct lock *lock)
{
    uint32_t before = interrupts_off();
    while (lock->holder != NULL)
        thread_sleep(WAIT_LOCK, lock);
    lock->holder = current;
    interrupts_restore(before);
}

void lock_release(struct lock *lock)
{
    if (lock->holder != current)
        panic("thread \"%s\" releases the lock \"%s\", which it does not hold", current->name,
              lock->name);
    uint32_t before = interrupts_off();
    lock->holder = NULL;
    thread_wake_one(lock);
    interrupts_restore(before);
}

void condition_wait(struct condition *condition, struct lock *lock)
{
    uint32_t before = interrupts_off();
    lock_release(lock);
    thread_sleep(WAIT_CONDITION, condition);
    interrupts_restore(before);
    lock_acquire(lock);
}

void condition_signal(struct condition *condition)
{
    uint32_t before = interrupts_off();
    thread_wake_one(condition);
    interrupts_restore(before);
}
