/*
 * Processes: making them, ending them, and letting them take turns. The kernel
 * is never interrupted, so a process keeps the processor until it sleeps, ends,
 * or returns to user mode after its turn is over.
 */
#include "process.h"
#include "clock.h"
#include "console.h"
#include "elf.h"
#include "file.h"
#include "memory.h"
#include "string.h"

#define SHELL 1
#define DEFAULT_LIMIT_SECONDS 10

struct process *current;
bool turn_is_over;
void *kernel_stack_top;

static struct process processes[PROCESS_LIMIT];
static uint32_t last_number;
static struct process *leaving; /* ended, nobody waits for it, still on its stack */

extern void switch_stack(void **save_here, void *go_on_there);
extern void return_to_user(void);

/* Stands at the low end of each kernel stack, where nothing may come. */
#define STACK_MARK 0x57ac4e4d

/* What switch_stack finds on a stack: $s0 to $s7, $fp, $ra. */
#define SWITCH_WORDS 10
#define SWITCH_RETURN 9

static void release(struct process *process)
{
    if (*(uint32_t *)process->kernel_stack != STACK_MARK)
        panic("the kernel stack of %s overflowed", process->name);
    page_free(process->kernel_stack);
    process->state = PROCESS_NONE;
}

/* ---- taking turns ---- */

static struct process *next_ready(void)
{
    uint32_t start = current != NULL ? (uint32_t)(current - processes) : 0;
    for (uint32_t step = 1; step <= PROCESS_LIMIT; step++) {
        struct process *process = &processes[(start + step) % PROCESS_LIMIT];
        if (process->state == PROCESS_READY)
            return process;
    }
    return NULL;
}

static void schedule(void)
{
    struct process *previous = current, *next;
    void *unused;
    if (leaving != NULL && leaving != current) {
        release(leaving);
        leaving = NULL;
    }
    while ((next = next_ready()) == NULL)
        clock_idle(process_next_wake());
    clock_run();
    turn_is_over = false;
    if (next == previous)
        return;
    current = next;
    kernel_stack_top = (char *)next->kernel_stack + PAGE_SIZE;
    address_space_use(&next->space);
    memory_open_reserve(next->number == SHELL);
    switch_stack(previous != NULL ? &previous->stack_pointer : &unused, next->stack_pointer);
}

void processes_run(void)
{
    schedule();
    panic("nothing to run");
}

void process_yield(void)
{
    schedule();
}

void process_tick(void)
{
    current->ticks++;
    turn_is_over = true;
    if (current->tick_limit != 0 && current->ticks >= current->tick_limit && !current->ending)
        current->ending = ENDED_BY_TIME_LIMIT;
}

/* ---- sleeping ---- */

void process_sleep(const void *event)
{
    current->waiting_for = event;
    current->state = PROCESS_ASLEEP;
    schedule();
}

static void wake(struct process *process)
{
    if (process->state != PROCESS_ASLEEP)
        return;
    process->state = PROCESS_READY;
    process->waiting_for = NULL;
    process->wake_time = 0;
}

void process_wake(const void *event)
{
    for (uint32_t index = 0; index < PROCESS_LIMIT; index++)
        if (processes[index].waiting_for == event)
            wake(&processes[index]);
}

int process_sleep_until(uint64_t time)
{
    while (clock_now() < time) {
        if (current->ending)
            return -ERROR_INTERRUPTED;
        current->wake_time = time;
        process_sleep(&current->wake_time);
    }
    return 0;
}

uint64_t process_next_wake(void)
{
    uint64_t next = 0;
    for (uint32_t index = 0; index < PROCESS_LIMIT; index++) {
        uint64_t time = processes[index].wake_time;
        if (processes[index].state == PROCESS_ASLEEP && time != 0 && (next == 0 || time < next))
            next = time;
    }
    return next;
}

void process_wake_due(uint64_t now)
{
    for (uint32_t index = 0; index < PROCESS_LIMIT; index++)
        if (processes[index].wake_time != 0 && processes[index].wake_time <= now)
            wake(&processes[index]);
}

/* ---- making ---- */

static struct process *take_slot(void)
{
    for (uint32_t index = 0; index < PROCESS_LIMIT; index++) {
        struct process *process = &processes[index];
        if (process->state != PROCESS_NONE)
            continue;
        memset(process, 0, sizeof *process);
        process->kernel_stack = page_allocate();
        if (process->kernel_stack == NULL)
            return NULL;
        *(uint32_t *)process->kernel_stack = STACK_MARK;
        process->state = PROCESS_NEW;
        return process;
    }
    return NULL;
}

/*
 * Lay the arguments out in what will be the topmost page of the stack: from the
 * end downwards the texts, the array of pointers to them, and room for the first
 * function to store its arguments in. Returns the new stack pointer, or an error.
 */
static int lay_out_arguments(struct address_space *space, const char *arguments, uint32_t size,
                             uint32_t count)
{
    uint32_t texts = (STACK_TOP - size) & ~3u;
    uint32_t pointers = (texts - (count + 1) * 4) & ~7u;
    if (size > PAGE_SIZE / 2 || count > PAGE_SIZE / 16)
        return -ERROR_TOO_BIG;
    uint32_t page_start = STACK_TOP - PAGE_SIZE;
    char *page = user_pointer(space, page_start, true);
    if (page == NULL)
        return -ERROR_NO_MEMORY;
    memcpy(page + (texts - page_start), arguments, size);
    uint32_t *pointer = (uint32_t *)(page + (pointers - page_start));
    for (uint32_t index = 0; index < count; index++) {
        *pointer++ = texts;
        texts += strlen(arguments) + 1;
        arguments += strlen(arguments) + 1;
    }
    *pointer = 0;
    return (int)(pointers - ARGUMENT_AREA);
}

/* Prepare the kernel stack so that switching to it starts the program. */
static void lay_out_stack(struct process *process, uint32_t entry, uint32_t stack, uint32_t count)
{
    char *top = (char *)process->kernel_stack + PAGE_SIZE;
    struct trap_frame *frame = (struct trap_frame *)(top - FRAME_SIZE);
    memset(frame, 0, sizeof *frame);
    frame->registers[4] = count;
    frame->registers[5] = stack + ARGUMENT_AREA;
    frame->registers[29] = stack;
    frame->status = STATUS_USER;
    frame->epc = entry;
    uint32_t *saved = (uint32_t *)((char *)frame - ARGUMENT_AREA) - SWITCH_WORDS;
    memset(saved, 0, SWITCH_WORDS * sizeof *saved);
    saved[SWITCH_RETURN] = (uint32_t)return_to_user;
    process->stack_pointer = saved;
}

static int load(struct process *process, const char *path, const char *arguments, uint32_t size,
                uint32_t count)
{
    struct open_file *file;
    uint32_t entry, end;
    int error = file_open(process->directory, path, OPEN_READ, &file);
    if (error < 0)
        return error;
    error = address_space_make(&process->space);
    if (error == 0)
        error = elf_load(file, &process->space, &entry, &end);
    file_close(file);
    if (error < 0)
        return error;
    heap_place(&process->space, end);
    int stack = lay_out_arguments(&process->space, arguments, size, count);
    if (stack < 0)
        return stack;
    lay_out_stack(process, entry, (uint32_t)stack, count);
    return 0;
}

int process_spawn(const char *path, const char *arguments, uint32_t size, uint32_t count,
                  struct open_file *input, struct open_file *output)
{
    struct process *process = take_slot();
    if (process == NULL)
        return -ERROR_TOO_MANY;
    const char *slash = strchr(path, ':');
    const char *name = slash != NULL ? slash + 1 : path;
    while ((slash = strchr(name, '/')) != NULL)
        name = slash + 1;
    copy_string(process->name, name, sizeof process->name);
    copy_string(process->directory, current != NULL ? current->directory : drives_start(),
                sizeof process->directory);
    process->parent = current;
    process->child_tick_limit = DEFAULT_LIMIT_SECONDS * TICKS_PER_SECOND;
    if (current != NULL) {
        process->tick_limit = current->child_tick_limit;
        process->child_tick_limit = current->child_tick_limit;
    }
    int error = load(process, path, arguments, size, count);
    if (error < 0) {
        address_space_discard(&process->space);
        release(process);
        return error;
    }
    process->files[0] = file_share(input);
    process->files[1] = file_share(output);
    process->files[2] = file_share(current != NULL ? current->files[2] : output);
    process->number = ++last_number;
    process->state = PROCESS_READY;
    /* Loading may have slept, and somebody may have asked for our end meanwhile. */
    if (current != NULL)
        process->ending = current->ending;
    return (int)process->number;
}

/* ---- ending ---- */

void process_exit(uint32_t status)
{
    if (current->number == SHELL)
        panic("the shell ended with status %u", status);
    for (uint32_t index = 0; index < DESCRIPTOR_LIMIT; index++)
        if (current->files[index] != NULL)
            file_close(current->files[index]);
    address_space_free(&current->space);
    for (uint32_t index = 0; index < PROCESS_LIMIT; index++) {
        struct process *child = &processes[index];
        if (child->state == PROCESS_NONE || child->parent != current)
            continue;
        child->parent = NULL;
        if (child->state == PROCESS_ENDED)
            release(child);
    }
    current->status = status;
    current->state = PROCESS_ENDED;
    if (current->parent == NULL)
        leaving = current;
    else
        process_wake(current->parent);
    schedule();
    panic("an ended process ran");
}

void process_fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    print_fresh_line();
    print("%s: ended: ", current->name);
    print_values(format, values);
    print("\n");
    va_end(values);
    process_exit(ENDED_BY_KERNEL);
}

void process_end_if_asked(void)
{
    if (!current->ending)
        return;
    print_fresh_line();
    print("%s: ended: ", current->name);
    if (current->ending == ENDED_BY_INTERRUPT)
        print("interrupted (Ctrl-C)\n");
    else if (current->ending == ENDED_BY_KILL)
        print("killed by process %u\n", current->killer);
    else
        print("used %u seconds of CPU time (limit %u)\n", current->ticks / TICKS_PER_SECOND,
              current->tick_limit / TICKS_PER_SECOND);
    process_exit(current->ending);
}

static bool is_alive(const struct process *process)
{
    return process->state == PROCESS_READY || process->state == PROCESS_ASLEEP;
}

int process_kill(uint32_t number)
{
    for (uint32_t index = 0; index < PROCESS_LIMIT; index++) {
        struct process *process = &processes[index];
        if (!is_alive(process) || process->number != number)
            continue;
        if (number == SHELL)
            return -ERROR_BAD_ARGUMENT;
        if (!process->ending) {
            process->ending = ENDED_BY_KILL;
            process->killer = current->number;
        }
        wake(process);
        return 0;
    }
    return -ERROR_NO_PROCESS;
}

bool process_interrupt_all(void)
{
    bool found = false;
    for (uint32_t index = 0; index < PROCESS_LIMIT; index++) {
        struct process *process = &processes[index];
        if (!is_alive(process) || process->number == SHELL)
            continue;
        if (!process->ending)
            process->ending = ENDED_BY_INTERRUPT;
        wake(process);
        found = true;
    }
    return found;
}

int process_wait(uint32_t number, uint32_t *status)
{
    for (;;) {
        bool found = false;
        for (uint32_t index = 0; index < PROCESS_LIMIT; index++) {
            struct process *child = &processes[index];
            if (child->state == PROCESS_NONE || child->parent != current ||
                (number != 0 && child->number != number))
                continue;
            found = true;
            if (child->state != PROCESS_ENDED)
                continue;
            *status = child->status;
            release(child);
            return (int)child->number;
        }
        if (!found)
            return -ERROR_NO_PROCESS;
        if (current->ending)
            return -ERROR_INTERRUPTED;
        process_sleep(current);
    }
}

int process_status(uint32_t index, struct process_status *status)
{
    static const char *const states[] = {"", "new", "ready", "asleep", "ended"};
    if (index >= PROCESS_LIMIT)
        return -ERROR_NO_PROCESS;
    const struct process *process = &processes[index];
    memset(status, 0, sizeof *status);
    if (process->state == PROCESS_NONE || process->state == PROCESS_NEW)
        return 0;
    status->process = process->number;
    status->parent = process->parent != NULL ? process->parent->number : 0;
    status->milliseconds = process->ticks * TICK_MILLISECONDS;
    status->pages = process->space.pages;
    copy_string(status->state, states[process->state], sizeof status->state);
    copy_string(status->name, process->name, sizeof status->name);
    return 0;
}
