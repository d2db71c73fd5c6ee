/*
 * Threads. They share one processor and take turns, which end when the timer
 * says so: between any two instructions, unless interrupts are off.
 */
#ifndef RACELAB_THREAD_H
#define RACELAB_THREAD_H

#include "types.h"

#define THREADS 8
#define STACK_SIZE 2048
#define STACK_MAGIC 0x57ac4e4d /* at the low end of each stack, while nobody overwrites it */

enum thread_state { THREAD_FREE, THREAD_READY, THREAD_SLEEPING };

/* What kind of thing a sleeping thread waits for. */
enum wait_kind { WAIT_EVENT, WAIT_LOCK, WAIT_CONDITION };

struct thread {
    enum thread_state state;
    const char *name;
    enum wait_kind kind;     /* while it sleeps */
    const void *waiting_for; /* a lock, a condition variable, or an address that means an event */
    void *stack_pointer;     /* where switch_stack left it */
    uint32_t *stack;         /* its low end */
};

extern struct thread threads[THREADS];
extern struct thread *current;

/* Make the caller the first thread. */
void threads_start(void);

/* Start a thread, which calls function(argument) and ends. */
void thread_start(const char *name, void (*function)(void *argument), void *argument);

/* End the running thread. */
void thread_exit(void) __attribute__((noreturn));

/* Wait until all others but the first have ended. */
void thread_wait_for_others(void);

/* Let another thread run; returns when it is this one's turn again. */
void thread_yield(void);

/*
 * Sleep until one of the two others is called for the same thing. Interrupts must
 * be off: they are what could come between a look at something and the sleep.
 */
void thread_sleep(enum wait_kind kind, const void *event);
void thread_wake_one(const void *event);
void thread_wake_all(const void *event);

#endif
