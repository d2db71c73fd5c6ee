/*
 * vmtest [PAGES]: stress virtual memory with more pages than the translation
 * buffer has entries: first use, patterns, copies, read-only pages, giving back.
 */
#include "cms.h"

#define PAGE 4096u
#define PAGE_WORDS (PAGE / 4)
#define DEFAULT_PAGES 100u

static uint32_t *memory;
static uint32_t pages;

static uint32_t *page(uint32_t index)
{
    return memory + index * PAGE_WORDS;
}

/* A word that tells page, place and turn apart. */
static uint32_t pattern(uint32_t index, uint32_t place, uint32_t turn)
{
    return (index << 16 | place << 4 | turn) * 0x9e3779b1u;
}

static void require(bool right, const char *what, uint32_t index)
{
    if (right)
        return;
    error_text("vmtest: %s: wrong at page %u\n", what, index);
    exit(1);
}

static struct memory_status faults(void)
{
    struct memory_status now;
    memory_status(&now);
    return now;
}

/* Untouched pages read as zeros, and stay shared until something is stored. */
static void test_zero(void)
{
    struct memory_status before = faults();
    for (uint32_t index = 0; index < pages; index++)
        require(page(index)[index % PAGE_WORDS] == 0, "first load", index);
    struct memory_status after = faults();
    require(after.zero_faults - before.zero_faults >= pages, "counting first uses", 0);
    for (uint32_t index = 0; index < pages; index++)
        page(index)[PAGE_WORDS - 1] = index;
    struct memory_status last = faults();
    require(last.modified_faults - after.modified_faults >= pages, "counting first stores", 0);
    for (uint32_t index = 0; index < pages; index++)
        require(page(index)[0] == 0 && page(index)[PAGE_WORDS - 1] == index, "first store", index);
}

/* Go through the pages with a stride, so that each access misses. */
static void test_patterns(uint32_t turn)
{
    for (uint32_t place = turn; place < PAGE_WORDS; place += 64)
        for (uint32_t index = 0; index < pages; index++)
            page(index)[place] = pattern(index, place, turn);
    for (uint32_t place = turn; place < PAGE_WORDS; place += 64)
        for (uint32_t index = pages; index-- > 0;)
            require(page(index)[place] == pattern(index, place, turn), "pattern", index);
}

static void test_copies(void)
{
    uint32_t half = pages / 2;
    for (uint32_t index = 0; index < half; index++)
        memcpy(page(index + half), page(index), PAGE);
    for (uint32_t index = 0; index < half; index++)
        require(memcmp(page(index + half), page(index), PAGE) == 0, "copy", index);
}

/* A page made read-only keeps its contents; made writable, it takes a store again. */
static void test_protection(void)
{
    for (uint32_t index = 0; index < pages; index++) {
        uint32_t before = page(index)[7];
        require(protect(page(index), PAGE, false) == 0, "protect", index);
        require(page(index)[7] == before, "read-only load", index);
        require(protect(page(index), PAGE, true) == 0, "unprotect", index);
        page(index)[7] = ~before;
        require(page(index)[7] == ~before, "store after all", index);
    }
}

static uint32_t checksum(void)
{
    uint32_t sum = 0;
    for (uint32_t index = 0; index < pages; index++)
        for (uint32_t place = 0; place < PAGE_WORDS; place += 16)
            sum = checksum_add(sum, page(index)[place]);
    return sum;
}

int main(int argc, char **argv)
{
    struct memory_status now = faults();
    /* Some pages go into tables, and the shell shall have some left. */
    uint32_t most = now.free_pages > 24 ? now.free_pages - 24 : 0;
    pages = number_argument(argc, argv, 1, most < DEFAULT_PAGES ? most : DEFAULT_PAGES);
    int start = grow_heap((int)(pages * PAGE));
    if (pages < 2 || pages > most || start < 0) {
        error_text("vmtest: %u pages are too few or too many (2 to %u are free)\n", pages, most);
        return 2;
    }
    memory = (uint32_t *)(uintptr_t)start;
    test_zero();
    for (uint32_t turn = 0; turn < 4; turn++)
        test_patterns(turn);
    test_copies();
    test_protection();
    uint32_t sum = checksum();
    grow_heap(-(int)(pages * PAGE));
    require(faults().free_pages + 2 >= now.free_pages, "giving back", 0);
    printf("vmtest %u: checksum %08x\n", pages, sum);
    return 0;
}
