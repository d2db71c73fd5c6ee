/*
 * misses [N]: cause N misses in the translation buffer and nothing else, by
 * loading from more pages in turn than it has entries.
 */
#include "cms.h"

#define PAGE 4096u
#define PAGES 512u /* so many times the entries that none is left at its next turn */

int main(int argc, char **argv)
{
    uint32_t count = only_argument(argc, argv, 100000);
    int start = grow_heap((int)(PAGES * PAGE));
    if (start < 0)
        return fail("misses", start);
    for (uint32_t done = 0; done < count; done++)
        (void)*(volatile uint32_t *)((uintptr_t)start + done % PAGES * PAGE);
    printf("misses %u: done\n", count);
    return 0;
}
