/*
 * The kernel's beginning, exceptions, and the menu of exercises.
 */
#include "bus.h"
#include "console.h"
#include "exercise.h"
#include "machine.h"
#include "string.h"
#include "thread.h"

#define LINE_SIZE 256

void kernel_main(const char *boot_string);
void trap(struct trap_frame *frame);

static const struct exercise *const exercises[] = {
    &race, &deadlock, &wakeup, &overflow, &use_after_free,
};

/* Every exception comes here, from start.S, with interrupts off. */
void trap(struct trap_frame *frame)
{
    uint32_t code = frame->cause >> 2 & 31;
    if (code != 0)
        panic("exception %u at 0x%08x, bad address 0x%08x", code, frame->epc, frame->bad_address);
    if (bus_interrupt())
        thread_yield();
}

void work(uint32_t turns)
{
    volatile uint32_t left = turns;
    while (left > 0)
        left--;
}

void finish(const struct exercise *exercise, uint32_t count, uint32_t wanted, const char *unit)
{
    print("%s: %u of %u %s: %s\n", exercise->name, count, wanted, unit,
          count == wanted ? "SUCCESS" : "FAIL");
    if (count != wanted)
        power_off(true);
}

static void help(void)
{
    print("Threads that share data, each with one mistake that shows only now and then:\n\n");
    for (uint32_t number = 0; number < COUNT_OF(exercises); number++)
        print("  %-10s%s\n", exercises[number]->name, exercises[number]->mistake);
    print("\nA name runs the exercise; with the word fixed behind it, one without the\n"
          "mistake. halt switches off. The code is in guests/racelab/exercises.\n");
}

/* Do what one command says; false if it is not understood. */
static bool execute(const char *command)
{
    if (strcmp(command, "halt") == 0 || strcmp(command, "q") == 0)
        power_off(false);
    if (strcmp(command, "help") == 0 || strcmp(command, "?") == 0) {
        help();
        return true;
    }
    for (uint32_t number = 0; number < COUNT_OF(exercises); number++) {
        const struct exercise *exercise = exercises[number];
        size_t length = strlen(exercise->name);
        if (strncmp(command, exercise->name, length) != 0)
            continue;
        const char *rest = command + length;
        if (*rest != '\0' && strcmp(rest, " fixed") != 0)
            continue;
        exercise->run(*rest != '\0');
        return true;
    }
    print("%s: no such exercise; help lists them\n", command);
    return false;
}

/* Do what a line says, command for command: they are separated by semicolons. */
static bool execute_all(char *line)
{
    bool understood = true;
    while (line != NULL) {
        char *next = strchr(line, ';');
        if (next != NULL)
            *next++ = '\0';
        while (*line == ' ')
            line++;
        for (size_t end = strlen(line); end > 0 && line[end - 1] == ' '; end--)
            line[end - 1] = '\0';
        if (*line != '\0')
            understood = execute(line) && understood;
        line = next;
    }
    return understood;
}

void kernel_main(const char *boot_string)
{
    static char line[LINE_SIZE];
    copy_string(line, boot_string, sizeof line);
    threads_start();
    bus_start();
    interrupts_restore(STATUS_INTERRUPTS | STATUS_BUS_INTERRUPT);
    print("racelab 1.0\n");
    if (*line != '\0')
        power_off(!execute_all(line));
    help();
    for (;;) {
        print("racelab> ");
        read_line(line, sizeof line);
        execute_all(line);
    }
}
