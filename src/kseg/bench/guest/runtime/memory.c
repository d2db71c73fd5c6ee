/* The functions that a compiler calls by itself, for platforms without a C library. */
#include "../programs/benchmark.h"

void *memcpy(void *target, const void *source, __SIZE_TYPE__ size)
{
    byte *to = target;
    const byte *from = source;

    if ((((__UINTPTR_TYPE__)to | (__UINTPTR_TYPE__)from) & 3) == 0)
        for (; size >= 4; size -= 4, to += 4, from += 4)
            *(word *)to = *(const word *)from;
    while (size--)
        *to++ = *from++;
    return target;
}

void *memset(void *target, int value, __SIZE_TYPE__ size)
{
    byte *to = target;

    while (size--)
        *to++ = value;
    return target;
}
