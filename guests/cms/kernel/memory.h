/*
 * Physical memory in pages of 4096 bytes.
 */
#ifndef CMS_MEMORY_H
#define CMS_MEMORY_H

#include "machine.h"

/* Take over the memory between the kernel's end and `size` (bytes). */
void memory_start(uint32_t size);

/* A page with arbitrary contents, or NULL if none is left. */
void *page_allocate(void);

/* A page full of zeros, or NULL if none is left. */
void *page_allocate_zeroed(void);

void page_free(void *page);

/* Let the last few pages be used too: the shell must be able to go on. */
void memory_open_reserve(bool open);

uint32_t pages_total(void);

/* How many pages programs may still have. */
uint32_t pages_free(void);

#endif
