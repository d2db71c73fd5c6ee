/*
 * The shell: reads a line and runs the commands in it. An argument is run as the
 * first line; that is how the boot string gets here.
 */
#include "shell.h"

#define FIRST_PROCESS 1

/* Where programs are looked for, in this order. */
static const char *const program_drives[] = {"a:/", "s:/"};

static int change_to(const struct command *command)
{
    const char *path = command->count > 1 ? command->words[1] : "/";
    int error = change_directory(path);
    return error < 0 ? fail(path, error) : 0;
}

static int set_limit(const struct command *command)
{
    uint32_t seconds = LIMIT_QUERY;
    if (command->count > 1 && !parse_number(command->words[1], &seconds))
        return fail(command->words[1], ERROR_BAD_ARGUMENT);
    int current = limit(seconds);
    if (current < 0)
        return fail("limit", current);
    if (seconds == LIMIT_QUERY && current == 0)
        printf("no limit\n");
    else if (seconds == LIMIT_QUERY)
        printf("%d seconds of CPU time for a program\n", current);
    return 0;
}

static void end_shell(void)
{
    flush();
    if (process_number() == FIRST_PROCESS)
        halt();
    exit(0);
}

/* Carry out what only the shell itself can do; false if it is something else. */
static bool run_built_in(const struct command *command)
{
    const char *name = command->words[0];
    if (strcmp(name, "cd") == 0)
        change_to(command);
    else if (strcmp(name, "limit") == 0)
        set_limit(command);
    else if (strcmp(name, "halt") == 0)
        halt();
    else if (strcmp(name, "exit") == 0)
        end_shell();
    else
        return false;
    flush();
    return true;
}

/* Start the program: from its path, or from the first drive that has it. */
static int start(const struct command *command, int output)
{
    const char *name = command->words[0];
    int result = -ERROR_NOT_FOUND;
    if (strchr(name, '/') != NULL || strchr(name, ':') != NULL)
        return spawn(name, command->words, 0, output);
    for (uint32_t index = 0; index < COUNT_OF(program_drives); index++) {
        char path[PATH_LIMIT + 1];
        copy_string(path, program_drives[index], sizeof path);
        if (!copy_string(path + strlen(path), name, sizeof path - strlen(path)))
            return -ERROR_BAD_NAME;
        result = spawn(path, command->words, 0, output);
        if (result > 0 || result == -ERROR_NO_MEMORY || result == -ERROR_NOT_PROGRAM ||
            result == -ERROR_TOO_BIG)
            break;
    }
    return result;
}

/* Run a program; false if Ctrl-C ended it. */
static bool run_program(const struct command *command)
{
    int output = 1;
    uint32_t status = 0;
    if (command->output != NULL) {
        output = open(command->output, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE);
        if (output < 0) {
            fail(command->output, output);
            return true;
        }
    }
    int process = start(command, output);
    if (output != 1)
        close(output);
    if (process == -ERROR_NOT_FOUND || process == -ERROR_IS_DIRECTORY)
        error_text("%s: no such program (try: help)\n", command->words[0]);
    else if (process < 0)
        fail(command->words[0], process);
    else if (wait(process, &status) > 0 && status > 0 && status < ENDED_BY_KERNEL)
        error_text("%s: exit status %u\n", command->words[0], status);
    return status != ENDED_BY_INTERRUPT;
}

static void run_line(const char *line)
{
    static struct command command;
    bool go_on = true;
    while (go_on && *line != '\0') {
        const char *problem = next_command(&line, &command);
        if (problem != NULL) {
            error_text("shell: %s\n", problem);
            return;
        }
        if (command.count > 0 && !run_built_in(&command))
            go_on = run_program(&command);
    }
}

int main(int argc, char **argv)
{
    static char line[LINE_SIZE];
    if (argc > 1)
        run_line(argv[1]);
    for (;;) {
        int length = read_line(line);
        if (length == LINE_END)
            end_shell();
        if (length > 0)
            run_line(line);
    }
}
