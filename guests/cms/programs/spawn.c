/*
 * spawn [N]: start N processes, one after the other, that end at once.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    static const char *const child[] = {"spawn", "0", NULL};
    uint32_t count = number_argument(argc, argv, 1, 100);
    if (argc > 1 && count == 0)
        return 0;
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
