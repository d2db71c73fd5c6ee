/*
 * A process's memory. The page tables have two levels: a directory with an
 * entry for each 4 MiB, and tables of ready EntryLo words; where there is
 * nothing, the directory names a table of zeros, so that the refill vector
 * never needs to test. Pages come into being when they are touched: a load maps
 * one page of zeros that all share, and the first store replaces it by a page of
 * the process's own. Pages loaded from a file start out read-only in the
 * translation buffer, too, and become writable with the first store.
 */
#include "address_space.h"
#include "memory.h"
#include "string.h"
#include "system_calls.h"
#include "tlb.h"

#define TABLE_ENTRIES 1024
#define DIRECTORY_ENTRIES 512      /* for the 2 GiB of kuseg */
#define USER_DIRECTORY_ENTRIES 256 /* of these, the part that user areas lie in */

/* A bit of a table entry that the translation buffer ignores: no stores, by request. */
#define ENTRY_PROTECTED 1u

uint32_t zero_faults;
uint32_t modified_faults;

/* What the refill vector translates through. */
uint32_t **page_directory;

static uint32_t *empty_table;
static uint32_t *zero_page;
static uint32_t *empty_directory[DIRECTORY_ENTRIES];
static uint32_t generation = 1;
static uint32_t next_number;

static void directory_clear(uint32_t **directory)
{
    for (uint32_t index = 0; index < DIRECTORY_ENTRIES; index++)
        directory[index] = empty_table;
}

void address_space_start(void)
{
    /* A page of zeros serves as the table without entries, too. */
    zero_page = page_allocate_zeroed();
    empty_table = zero_page;
    directory_clear(empty_directory);
    page_directory = empty_directory;
    tlb_clear();
}

int address_space_make(struct address_space *space)
{
    memset(space, 0, sizeof *space);
    space->directory = page_allocate();
    if (space->directory == NULL)
        return -ERROR_NO_MEMORY;
    space->pages = 1;
    directory_clear(space->directory);
    space->areas[AREA_HEAP] = (struct area){0, 0, true};
    space->areas[AREA_STACK] = (struct area){STACK_TOP - STACK_SIZE, STACK_TOP, true};
    space->area_count = 2;
    return 0;
}

void address_space_discard(struct address_space *space)
{
    if (space->directory == NULL)
        return;
    for (uint32_t index = 0; index < USER_DIRECTORY_ENTRIES; index++) {
        uint32_t *table = space->directory[index];
        if (table == empty_table)
            continue;
        for (uint32_t entry = 0; entry < TABLE_ENTRIES; entry++) {
            void *page = PHYSICAL_TO_KERNEL(table[entry] & ENTRY_FRAME);
            if (table[entry] != 0 && page != zero_page)
                page_free(page);
        }
        page_free(table);
    }
    page_free(space->directory);
    space->directory = NULL;
    space->pages = 0;
}

void address_space_free(struct address_space *space)
{
    page_directory = empty_directory;
    address_space_discard(space);
}

void address_space_use(struct address_space *space)
{
    if (space->generation != generation) {
        if (next_number == ADDRESS_SPACES) {
            next_number = 0;
            generation++;
            tlb_clear();
        }
        space->generation = generation;
        space->number = next_number++;
    }
    page_directory = space->directory;
    tlb_use(space->number);
}

static struct area *area_of(struct address_space *space, uint32_t address)
{
    for (uint32_t index = 0; index < space->area_count; index++) {
        struct area *area = &space->areas[index];
        if (address >= area->start && address < area->end)
            return area;
    }
    return NULL;
}

int area_add(struct address_space *space, uint32_t start, uint32_t length, bool writable)
{
    uint32_t end = (start + length + PAGE_SIZE - 1) & ENTRY_FRAME;
    start &= ENTRY_FRAME;
    for (uint32_t index = 0; index < space->area_count; index++)
        if (start < space->areas[index].end && end > space->areas[index].start)
            return -ERROR_BAD_ARGUMENT;
    if (space->area_count == AREA_LIMIT)
        return -ERROR_TOO_MANY;
    space->areas[space->area_count++] = (struct area){start, end, writable};
    return 0;
}

/* The table entry of `address`, or NULL if there is no table yet. */
static uint32_t *entry_of(struct address_space *space, uint32_t address)
{
    uint32_t *table = space->directory[address >> 22];
    return table == empty_table ? NULL : &table[address >> 12 & (TABLE_ENTRIES - 1)];
}

/* Like entry_of, but makes the table; NULL if no memory is left. */
static uint32_t *entry_make(struct address_space *space, uint32_t address)
{
    if (space->directory[address >> 22] == empty_table) {
        uint32_t *table = page_allocate_zeroed();
        if (table == NULL)
            return NULL;
        space->directory[address >> 22] = table;
        space->pages++;
    }
    return entry_of(space, address);
}

/* Store a page table entry and forget what the translation buffer knew. */
static void entry_set(struct address_space *space, uint32_t *entry, uint32_t address,
                      uint32_t value)
{
    *entry = value;
    if (page_directory == space->directory)
        tlb_forget(address);
}

static void *entry_page(uint32_t entry)
{
    return PHYSICAL_TO_KERNEL(entry & ENTRY_FRAME);
}

int page_install(struct address_space *space, uint32_t address, void *page)
{
    uint32_t *entry = entry_make(space, address);
    if (entry == NULL)
        return -ERROR_NO_MEMORY;
    entry_set(space, entry, address, KERNEL_TO_PHYSICAL(page) | ENTRY_VALID);
    space->pages++;
    return 0;
}

/* The shared page of zeros, or the page in `entry` if it was never stored to. */
static enum fault_result make_writable(struct address_space *space, uint32_t *entry,
                                       uint32_t address)
{
    void *page = entry_page(*entry);
    if (*entry & ENTRY_DIRTY)
        return FAULT_RESOLVED;
    if (*entry & ENTRY_PROTECTED)
        return FAULT_READ_ONLY;
    if (page == zero_page) {
        page = page_allocate_zeroed();
        if (page == NULL)
            return FAULT_NO_MEMORY;
        space->pages++;
    }
    entry_set(space, entry, address, KERNEL_TO_PHYSICAL(page) | ENTRY_VALID | ENTRY_DIRTY);
    modified_faults++;
    return FAULT_RESOLVED;
}

enum fault_result page_provide(struct address_space *space, uint32_t address, bool store)
{
    struct area *area = area_of(space, address);
    if (area == NULL)
        return FAULT_UNMAPPED;
    if (store && !area->writable)
        return FAULT_READ_ONLY;
    uint32_t *entry = entry_make(space, address);
    if (entry == NULL)
        return FAULT_NO_MEMORY;
    if (*entry != 0)
        return store ? make_writable(space, entry, address) : FAULT_RESOLVED;
    zero_faults++;
    if (!store) {
        entry_set(space, entry, address, KERNEL_TO_PHYSICAL(zero_page) | ENTRY_VALID);
        return FAULT_RESOLVED;
    }
    void *page = page_allocate_zeroed();
    if (page == NULL)
        return FAULT_NO_MEMORY;
    space->pages++;
    entry_set(space, entry, address, KERNEL_TO_PHYSICAL(page) | ENTRY_VALID | ENTRY_DIRTY);
    return FAULT_RESOLVED;
}

int area_protect(struct address_space *space, uint32_t start, uint32_t length, bool writable)
{
    struct area *area = area_of(space, start);
    if (start % PAGE_SIZE != 0 || length % PAGE_SIZE != 0)
        return -ERROR_BAD_ARGUMENT;
    if (area == NULL || !area->writable || length > area->end - start)
        return -ERROR_BAD_ADDRESS;
    for (uint32_t address = start; address < start + length; address += PAGE_SIZE) {
        if (page_provide(space, address, false) != FAULT_RESOLVED)
            return -ERROR_NO_MEMORY;
        uint32_t *entry = entry_of(space, address);
        uint32_t value = *entry & ~(ENTRY_PROTECTED | ENTRY_DIRTY);
        entry_set(space, entry, address, writable ? value : value | ENTRY_PROTECTED);
    }
    return 0;
}

void heap_place(struct address_space *space, uint32_t end)
{
    uint32_t start = (end + PAGE_SIZE - 1) & ENTRY_FRAME;
    space->areas[AREA_HEAP].start = start;
    space->areas[AREA_HEAP].end = start;
}

int heap_resize(struct address_space *space, uint32_t end)
{
    struct area *heap = &space->areas[AREA_HEAP];
    if (end < heap->start || end > HEAP_LIMIT)
        return -ERROR_NO_MEMORY;
    /* Promise no more than there is, so that a program hears of it in time. */
    if (end > heap->end && (end - heap->end) / PAGE_SIZE > pages_free())
        return -ERROR_NO_MEMORY;
    uint32_t address = (end + PAGE_SIZE - 1) & ENTRY_FRAME;
    for (; address < heap->end; address += PAGE_SIZE) {
        uint32_t *entry = entry_of(space, address);
        if (entry == NULL || *entry == 0)
            continue;
        void *page = entry_page(*entry);
        entry_set(space, entry, address, 0);
        if (page != zero_page) {
            page_free(page);
            space->pages--;
        }
    }
    heap->end = end;
    return 0;
}

void *user_pointer(struct address_space *space, uint32_t address, bool store)
{
    if (page_provide(space, address, store) != FAULT_RESOLVED)
        return NULL;
    return (char *)entry_page(*entry_of(space, address)) + address % PAGE_SIZE;
}

uint32_t part_in_page(uint32_t address, uint32_t length)
{
    uint32_t left = PAGE_SIZE - address % PAGE_SIZE;
    return length < left ? length : left;
}

int copy_to_user(struct address_space *space, uint32_t to, const void *from, uint32_t length)
{
    for (const char *source = from; length > 0;) {
        uint32_t part = part_in_page(to, length);
        void *pointer = user_pointer(space, to, true);
        if (pointer == NULL)
            return -ERROR_BAD_ADDRESS;
        memcpy(pointer, source, part);
        source += part;
        to += part;
        length -= part;
    }
    return 0;
}

int copy_from_user(struct address_space *space, void *to, uint32_t from, uint32_t length)
{
    for (char *target = to; length > 0;) {
        uint32_t part = part_in_page(from, length);
        void *pointer = user_pointer(space, from, false);
        if (pointer == NULL)
            return -ERROR_BAD_ADDRESS;
        memcpy(target, pointer, part);
        target += part;
        from += part;
        length -= part;
    }
    return 0;
}

int copy_text_from_user(struct address_space *space, char *to, uint32_t from, uint32_t size)
{
    for (uint32_t room = size; room > 0;) {
        uint32_t part = part_in_page(from, room);
        const char *pointer = user_pointer(space, from, false);
        if (pointer == NULL)
            return -ERROR_BAD_ADDRESS;
        for (uint32_t index = 0; index < part; index++)
            if ((*to++ = pointer[index]) == '\0')
                return 0;
        from += part;
        room -= part;
    }
    return -ERROR_TOO_BIG;
}
