/*
 * ps: the processes, with the CPU time and memory that they use.
 */
#include "cms.h"

int main(void)
{
    struct process_status process;
    printf("number parent state   CPU ms  kB name\n");
    for (int index = 0; process_status(index, &process) == 0; index++)
        if (process.process != 0)
            printf("%6u %6u %-6s %7u %3u %s\n", process.process, process.parent, process.state,
                   process.milliseconds, process.pages * 4, process.name);
    return 0;
}
