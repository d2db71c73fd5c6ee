/*
 * time PROGRAM [ARGUMENT...]: run a program and say how long it took, in the
 * machine's own time.
 */
#include "cms.h"

static int start(char **arguments)
{
    char path[PATH_LIMIT + 1] = "s:/";
    const char *name = arguments[0];
    if (strchr(name, '/') != NULL || strchr(name, ':') != NULL)
        return spawn(name, (const char *const *)arguments, 0, 1);
    if (!copy_string(path + 3, name, sizeof path - 3))
        return -ERROR_BAD_NAME;
    return spawn(path, (const char *const *)arguments, 0, 1);
}

int main(int argc, char **argv)
{
    uint32_t ended = 0;
    if (argc < 2) {
        error_text("usage: time PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    uint32_t before = milliseconds();
    int process = start(argv + 1);
    if (process < 0)
        return fail(argv[1], process);
    wait(process, &ended);
    uint32_t taken = milliseconds() - before;
    printf("%u.%03u s\n", taken / 1000, taken % 1000);
    return ended < ENDED_BY_KERNEL ? (int)ended : 1;
}
