/*
 * faults [N]: cause N page faults, by touching fresh pages and giving them back.
 */
#include "cms.h"

#define PAGE 4096u
#define BATCH 16u

int main(int argc, char **argv)
{
    uint32_t count = only_argument(argc, argv, 10000);
    for (uint32_t done = 0; done < count;) {
        uint32_t pages = count - done < BATCH ? count - done : BATCH;
        int start = grow_heap((int)(pages * PAGE));
        if (start < 0)
            return fail("faults", start);
        for (uint32_t page = 0; page < pages; page++)
            *(volatile uint32_t *)((uintptr_t)start + page * PAGE) = done;
        grow_heap(-(int)(pages * PAGE));
        done += pages;
    }
    printf("faults %u: done\n", count);
    return 0;
}
