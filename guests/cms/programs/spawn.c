/*
 * spawn [N]: start N processes, one after the other, that end at once.
 */
#include "cms.h"

/* No shell gives this name to a program that it starts. */
static const char child_name[] = "child of spawn";

int main(int argc, char **argv)
{
    static const char *const child[] = {child_name, NULL};
    if (strcmp(argv[0], child_name) == 0)
        return 0;
    uint32_t count = only_argument(argc, argv, 100);
    for (uint32_t index = 0; index < count; index++) {
        uint32_t status;
        int process = spawn("s:/spawn", child, 0, 1);
        if (process < 0)
            return fail("spawn", process);
        wait(process, &status);
        if (status != 0)
            return 1;
    }
    printf("spawn %u: done\n", count);
    return 0;
}
