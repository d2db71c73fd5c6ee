/*
 * Processes: what the kernel knows of each, and how they take turns.
 */
#ifndef CMS_PROCESS_H
#define CMS_PROCESS_H

#include "address_space.h"
#include "machine.h"
#include "system_calls.h"

#define PROCESS_LIMIT 16
#define DESCRIPTOR_LIMIT 16

enum process_state { PROCESS_NONE, PROCESS_NEW, PROCESS_READY, PROCESS_ASLEEP, PROCESS_ENDED };

struct open_file;

struct process {
    enum process_state state;
    uint32_t number; /* 1 is the shell */
    struct process *parent;
    char name[NAME_LIMIT + 1];

    void *kernel_stack;  /* one page */
    void *stack_pointer; /* where switch_stack left it */
    struct address_space space;

    const void *waiting_for; /* while asleep: an address that means an event */
    uint64_t wake_time;      /* nanoseconds since 1970; 0 = not by time */

    uint32_t ending; /* 0, or the ENDED_... status to end with soon */
    uint32_t killer; /* who asked for it, for the message */
    uint32_t status; /* once ended: for the parent */

    uint32_t ticks;            /* of CPU time used */
    uint32_t tick_limit;       /* 0 = none */
    uint32_t child_tick_limit; /* for the processes it starts */

    struct open_file *files[DESCRIPTOR_LIMIT];
    char directory[PATH_LIMIT + 1]; /* the working directory, with its drive */
};

/* Who is running; NULL only while the kernel boots. */
extern struct process *current;

/* True if another process should get its turn before user mode goes on. */
extern bool turn_is_over;

/* Where exceptions from user mode find their stack. */
extern void *kernel_stack_top;

/*
 * Start `path` with `count` arguments, which lie one after the other, each with
 * its NUL, in `arguments` (`size` bytes). Descriptors 0 and 1 are `input` and
 * `output`. Returns the process number or an error.
 */
int process_spawn(const char *path, const char *arguments, uint32_t size, uint32_t count,
                  struct open_file *input, struct open_file *output);

/* Leave the boot stack for good and run what is ready. */
void processes_run(void) __attribute__((noreturn));

/* Let another process run; returns when it is this one's turn again. */
void process_yield(void);

/* Sleep until process_wake(event). */
void process_sleep(const void *event);
void process_wake(const void *event);

/* Sleep until the clock says so. Returns 0 or -ERROR_INTERRUPTED. */
int process_sleep_until(uint64_t time);

/* When the next sleeper wants to be woken; 0 = nobody does. */
uint64_t process_next_wake(void);

/* Wake those whose time has come. */
void process_wake_due(uint64_t now);

/* End the running process. */
void process_exit(uint32_t status) __attribute__((noreturn));

/* Print why, and end the running process. */
void process_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Ask for the end of process `number`. 0 or an error. */
int process_kill(uint32_t number);

/* Ctrl-C: ask for the end of everything but the shell; false if there is nothing. */
bool process_interrupt_all(void);

/* Wait for a child to end; `number` 0 means any. Its number or an error. */
int process_wait(uint32_t number, uint32_t *status);

/* End the running process if somebody asked for it. */
void process_end_if_asked(void);

/* Called for each tick of 10 ms that user mode was running. */
void process_tick(void);

/* Fill in the status of the process in slot `index`. 0 or an error. */
int process_status(uint32_t index, struct process_status *status);

#endif
