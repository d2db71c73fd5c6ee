/*
 * syscalls [N]: make N system calls that do nothing.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    uint32_t count = only_argument(argc, argv, 10000);
    for (uint32_t index = 0; index < count; index++)
        process_number();
    printf("syscalls %u: done\n", count);
    return 0;
}
