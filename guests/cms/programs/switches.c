/*
 * switches [N]: let two processes hand the processor to each other, N times in
 * all.
 */
#include "cms.h"

static void yield_often(uint32_t times)
{
    for (; times > 0; times--)
        yield();
}

int main(int argc, char **argv)
{
    uint32_t count = number_argument(argc, argv, 1, 10000);
    if (argc > 2) {
        yield_often(count / 2);
        return 0;
    }
    const char *child[] = {"switches", argc > 1 ? argv[1] : "10000", "child", NULL};
    int process = spawn("s:/switches", child, 0, 1);
    if (process < 0)
        return fail("switches", process);
    yield_often(count / 2);
    wait(process, NULL);
    printf("switches %u: done\n", count);
    return 0;
}
