/*
 * Threads: a table, whose turn it is, and who sleeps.
 */
#include "thread.h"
#include "bus.h"
#include "console.h"
#include "machine.h"
#include "string.h"

struct thread threads[THREADS];
struct thread *current = &threads[0];

static uint32_t stacks[THREADS][STACK_SIZE / sizeof(uint32_t)] __attribute__((aligned(8)));
static const char others[] = "the other threads";

/* What switch_stack finds on a stack: $s0 to $s7, $fp, $ra. */
#define SAVED_REGISTERS 10

void threads_start(void)
{
    current->state = THREAD_READY;
    current->name = "main";
    current->stack = (uint32_t *)boot_stack;
    current->stack[0] = STACK_MAGIC;
}

void thread_start(const char *name, void (*function)(void *argument), void *argument)
{
    uint32_t before = interrupts_off();
    uint32_t slot = 1;
    while (slot < THREADS && threads[slot].state != THREAD_FREE)
        slot++;
    if (slot == THREADS)
        panic("too many threads");
    struct thread *thread = &threads[slot];
    thread->name = name;
    thread->stack = stacks[slot];
    memset(thread->stack, 0, STACK_SIZE);
    thread->stack[0] = STACK_MAGIC;
    uint32_t *top = thread->stack + STACK_SIZE / sizeof(uint32_t) - SAVED_REGISTERS;
    top[0] = (uint32_t)function;
    top[1] = (uint32_t)argument;
    top[9] = (uint32_t)thread_begin;
    thread->stack_pointer = top;
    thread->state = THREAD_READY;
    interrupts_restore(before);
}

/* The next thread after the running one whose turn it can be, itself last; NULL if all sleep. */
static struct thread *next_ready(void)
{
    uint32_t here = (uint32_t)(current - threads);
    for (uint32_t step = 1; step <= THREADS; step++) {
        struct thread *thread = &threads[(here + step) % THREADS];
        if (thread->state == THREAD_READY)
            return thread;
    }
    return NULL;
}

/* Go on with the next thread that can run. Interrupts are off. */
static void schedule(void)
{
    if (current->stack[0] != STACK_MAGIC)
        panic("the stack of thread \"%s\" has overflowed", current->name);
    struct thread *next;
    while ((next = next_ready()) == NULL) {
        processor_wait();
        bus_interrupt();
    }
    clock_run();
    if (next == current)
        return;
    struct thread *previous = current;
    current = next;
    switch_stack(&previous->stack_pointer, next->stack_pointer);
}

void thread_yield(void)
{
    uint32_t before = interrupts_off();
    schedule();
    interrupts_restore(before);
}

void thread_exit(void)
{
    interrupts_off();
    current->state = THREAD_FREE;
    thread_wake_all(others);
    schedule();
    panic("a thread that has ended goes on");
}

void thread_wait_for_others(void)
{
    uint32_t before = interrupts_off();
    for (uint32_t slot = 1; slot < THREADS; slot++)
        while (threads[slot].state != THREAD_FREE)
            thread_sleep(WAIT_EVENT, others);
    interrupts_restore(before);
}

void thread_sleep(enum wait_kind kind, const void *event)
{
    current->kind = kind;
    current->waiting_for = event;
    current->state = THREAD_SLEEPING;
    schedule();
    current->waiting_for = NULL;
}

void thread_wake_one(const void *event)
{
    for (uint32_t slot = 0; slot < THREADS; slot++) {
        struct thread *thread = &threads[slot];
        if (thread->state == THREAD_SLEEPING && thread->waiting_for == event) {
            thread->state = THREAD_READY;
            return;
        }
    }
}

void thread_wake_all(const void *event)
{
    for (uint32_t slot = 0; slot < THREADS; slot++) {
        struct thread *thread = &threads[slot];
        if (thread->state == THREAD_SLEEPING && thread->waiting_for == event)
            thread->state = THREAD_READY;
    }
}
