/*
 * overflow [stack|arithmetic|heap]: overflow the stack by endless recursion, an
 * integer by adding, or all memory by storing to ever more of it.
 */
#include "cms.h"

static volatile uint32_t depth, deepest = 0xffffffff;

static uint32_t recurse(uint32_t value)
{
    volatile uint32_t room[64];
    room[value % 64] = value;
    if (depth++ == deepest)
        return 0;
    return recurse(value + 1) + room[value % 64];
}

static void overflow_arithmetic(void)
{
    uint32_t result;
    __asm__ volatile("add %0, %1, %1" : "=r"(result) : "r"(0x7fffffff));
    (void)result;
}

/* The heap's limit is told to whoever asks; what is asked for is then touched. */
static int overflow_heap(void)
{
    for (uint32_t pages = 0;; pages++) {
        int start = grow_heap(4096);
        if (start < 0) {
            printf("overflow: the heap ended after %u pages: %s\n", pages, error_name(start));
            return 1;
        }
        *(volatile uint32_t *)(uintptr_t)start = pages;
    }
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "stack";
    if (strcmp(kind, "stack") == 0)
        return (int)recurse(0);
    if (strcmp(kind, "arithmetic") == 0)
        overflow_arithmetic();
    if (strcmp(kind, "heap") == 0)
        return overflow_heap();
    error_text("usage: overflow [stack|arithmetic|heap]\n");
    return 2;
}
