/*
 * memory: how much there is, and how often pages had to be provided.
 */
#include "cms.h"

int main(void)
{
    struct memory_status memory;
    memory_status(&memory);
    printf("%u kB, %u kB free\n", memory.total_pages * 4, memory.free_pages * 4);
    printf("%u pages provided at their first use, %u made writable by a store\n",
           memory.zero_faults, memory.modified_faults);
    return 0;
}
