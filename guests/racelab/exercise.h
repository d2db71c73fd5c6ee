/*
 * An exercise: some threads that work together, with a mistake. What it prints at the
 * end says whether it has come out right.
 */
#ifndef RACELAB_EXERCISE_H
#define RACELAB_EXERCISE_H

#include "types.h"

struct exercise {
    const char *name;
    const char *mistake;
    /* Start the threads, wait for them, and look at what they have done: finish(). With
       `fixed`, do the same without the mistake. */
    void (*run)(bool fixed);
};

extern const struct exercise race, deadlock, wakeup, overflow, use_after_free;

/* Compute for a while: about ten times `turns` instructions that concern nobody else. */
void work(uint32_t turns);

/* Say how the exercise has ended, "NAME: COUNT of WANTED UNIT: SUCCESS" or FAIL; a
   failure ends the machine, so that nobody misses it. */
void finish(const struct exercise *exercise, uint32_t count, uint32_t wanted, const char *unit);

#endif
