/*
 * sort [N]: sort N pseudo-random numbers by heap sort, and check the order.
 */
#include "cms.h"

/* Let the value at `root` sink to its place in the heap of `count` values. */
static void sink(uint32_t *values, uint32_t root, uint32_t count)
{
    uint32_t value = values[root];
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= count)
            break;
        if (child + 1 < count && values[child + 1] > values[child])
            child++;
        if (values[child] <= value)
            break;
        values[root] = values[child];
        root = child;
    }
    values[root] = value;
}

static void heap_sort(uint32_t *values, uint32_t count)
{
    for (uint32_t root = count / 2; root > 0; root--)
        sink(values, root - 1, count);
    for (uint32_t last = count; last > 1; last--) {
        uint32_t largest = values[0];
        values[0] = values[last - 1];
        values[last - 1] = largest;
        sink(values, 0, last - 1);
    }
}

int main(int argc, char **argv)
{
    uint32_t count = number_argument(argc, argv, 1, 10000);
    uint32_t seed = 1, checksum = 0;
    uint32_t *values = count < 0x08000000 ? malloc(count * sizeof *values) : NULL;
    if (values == NULL)
        return fail("sort", ERROR_NO_MEMORY);
    for (uint32_t index = 0; index < count; index++) {
        seed = seed * 1664525u + 1013904223u;
        values[index] = seed;
    }
    heap_sort(values, count);
    for (uint32_t index = 0; index < count; index++) {
        if (index > 0 && values[index - 1] > values[index]) {
            error_text("sort: wrong order at %u\n", index);
            return 1;
        }
        checksum = checksum_add(checksum, values[index]);
    }
    printf("sort %u: checksum %08x\n", count, checksum);
    return 0;
}
