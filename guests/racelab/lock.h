/*
 * Locks, and condition variables: what threads agree by.
 */
#ifndef RACELAB_LOCK_H
#define RACELAB_LOCK_H

#include "types.h"

struct lock {
    const char *name;
    struct thread *volatile holder; /* NULL while it is free */
};

/* Wait until nobody holds the lock, and hold it; give it back. */
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);

struct condition {
    const char *name;
};

/*
 * Give the lock back and sleep, in one step, until somebody signals; then take
 * the lock again. A signal wakes one that sleeps; where nobody does, it is lost.
 */
void condition_wait(struct condition *condition, struct lock *lock);
void condition_signal(struct condition *condition);

#endif
