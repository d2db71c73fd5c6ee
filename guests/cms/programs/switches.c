/*
 * switches [N]: let two processes hand the processor to each other, N times in
 * all.
 */
#include "cms.h"

/* No shell gives this name to a program that it starts. */
static const char child_name[] = "child of switches";

static void yield_often(uint32_t times)
{
    for (; times > 0; times--)
        yield();
}

int main(int argc, char **argv)
{
    uint32_t count = only_argument(argc, argv, 10000);
    if (strcmp(argv[0], child_name) == 0) {
        yield_often(count / 2);
        return 0;
    }
    const char *child[] = {child_name, argc > 1 ? argv[1] : "10000", NULL};
    int process = spawn("s:/switches", child, 0, 1);
    if (process < 0)
        return fail("switches", process);
    yield_often(count - count / 2);
    wait(process, NULL);
    printf("switches %u: done\n", count);
    return 0;
}
