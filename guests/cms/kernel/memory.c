/*
 * Physical memory in pages. Pages that were never used are handed out in
 * order, so that booting touches none of them; pages that came back are on a
 * list threaded through their first words.
 */
#include "memory.h"
#include "string.h"

#define RESERVED_PAGES 8

extern char kernel_end[];

static uint32_t total;
static uint32_t available;
static char *next_unused;
static char *end;
static void *returned;
static bool reserve_is_open = true;

void memory_start(uint32_t size)
{
    uint32_t first = (KERNEL_TO_PHYSICAL(kernel_end) + PAGE_SIZE - 1) / PAGE_SIZE;
    total = size / PAGE_SIZE;
    available = total > first ? total - first : 0;
    next_unused = PHYSICAL_TO_KERNEL(first * PAGE_SIZE);
    end = next_unused + available * PAGE_SIZE;
}

void *page_allocate(void)
{
    void *page = returned;
    if (available <= RESERVED_PAGES && !reserve_is_open)
        return NULL;
    if (page != NULL) {
        returned = *(void **)page;
    } else if (next_unused < end) {
        page = next_unused;
        next_unused += PAGE_SIZE;
    } else {
        return NULL;
    }
    available--;
    return page;
}

void *page_allocate_zeroed(void)
{
    void *page = page_allocate();
    if (page != NULL)
        memset(page, 0, PAGE_SIZE);
    return page;
}

void page_free(void *page)
{
    *(void **)page = returned;
    returned = page;
    available++;
}

void memory_open_reserve(bool open)
{
    reserve_is_open = open;
}

uint32_t pages_total(void)
{
    return total;
}

uint32_t pages_free(void)
{
    return available > RESERVED_PAGES ? available - RESERVED_PAGES : 0;
}
