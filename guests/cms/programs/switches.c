/*
 * switches [N]: let two processes hand the processor to each other, N times in
 * all.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    static const char *const child[] = {"switches", "child", NULL};
    if (argc > 1 && strcmp(argv[1], "child") == 0)
        for (;;)
            yield();
    uint32_t count = number_argument(argc, argv, 1, 10000);
    int process = spawn("s:/switches", child, 0, 1);
    if (process < 0)
        return fail("switches", process);
    for (uint32_t index = 0; index < count / 2; index++)
        yield();
    kill(process);
    wait(process, NULL);
    printf("switches %u: done\n", count);
    return 0;
}
