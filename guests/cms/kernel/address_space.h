/*
 * A process's memory: which areas it may touch, and the page tables.
 */
#ifndef CMS_ADDRESS_SPACE_H
#define CMS_ADDRESS_SPACE_H

#include "machine.h"

#define AREA_LIMIT 8

struct area {
    uint32_t start; /* first byte, a page's */
    uint32_t end;   /* past the last byte */
    bool writable;
};

struct address_space {
    uint32_t **directory;          /* NULL = no memory */
    struct area areas[AREA_LIMIT]; /* the first two are the heap and the stack */
    uint32_t area_count;
    uint32_t pages;      /* of its own, tables included */
    uint32_t number;     /* in the translation buffer */
    uint32_t generation; /* in which that number was given */
};

#define AREA_HEAP 0
#define AREA_STACK 1

/* Faults since boot, for those who measure. */
extern uint32_t zero_faults;
extern uint32_t modified_faults;

void address_space_start(void);

/* Make an empty address space with a stack area. 0 or -ERROR_NO_MEMORY. */
int address_space_make(struct address_space *space);

/* Free everything; `space` is not in force. */
void address_space_discard(struct address_space *space);

/* Free everything; `space` is in force, and then none is. */
void address_space_free(struct address_space *space);

/* Let the processor translate through `space` from now on. */
void address_space_use(struct address_space *space);

/* Allow `length` bytes from `start`, page aligned. 0 or an error. */
int area_add(struct address_space *space, uint32_t start, uint32_t length, bool writable);

/* Make a page-aligned range read-only or writable. 0 or an error. */
int area_protect(struct address_space *space, uint32_t start, uint32_t length, bool writable);

/* Begin an empty heap on the page after `end`. */
void heap_place(struct address_space *space, uint32_t end);

/* Move the heap's end to `end`, giving pages back if it shrinks. 0 or an error. */
int heap_resize(struct address_space *space, uint32_t end);

enum fault_result {
    FAULT_RESOLVED,
    FAULT_UNMAPPED,  /* no area there */
    FAULT_READ_ONLY, /* an area, but not for writing */
    FAULT_NO_MEMORY, /* an area, but no page is left */
};

/*
 * Make the page of `address` present and, for a store, writable. Called for
 * faults, and by the kernel for the memory that system calls name.
 */
enum fault_result page_provide(struct address_space *space, uint32_t address, bool store);

/* The kernel's pointer to the byte at `address`, or NULL if it is not allowed. */
void *user_pointer(struct address_space *space, uint32_t address, bool store);

/* How many of `length` bytes from `address` lie in its page. */
uint32_t part_in_page(uint32_t address, uint32_t length);

/* Put `page` at `address`, which has no page yet. 0 or an error. */
int page_install(struct address_space *space, uint32_t address, void *page);

/* Between kernel and user memory. 0 or an error. */
int copy_to_user(struct address_space *space, uint32_t to, const void *from, uint32_t length);
int copy_from_user(struct address_space *space, void *to, uint32_t from, uint32_t length);

/* Fetch a NUL-terminated text of at most `size` - 1 characters. 0 or an error. */
int copy_text_from_user(struct address_space *space, char *to, uint32_t from, uint32_t size);

#endif
