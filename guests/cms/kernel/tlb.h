/*
 * The translation buffer: 64 entries, filled by the refill vector from the page
 * tables of the address space in force.
 */
#ifndef CMS_TLB_H
#define CMS_TLB_H

#include "types.h"

/* Bits of EntryLo, and thus of a page table entry. */
#define ENTRY_FRAME 0xfffff000u
#define ENTRY_DIRTY 0x400u /* stores are allowed */
#define ENTRY_VALID 0x200u

#define ADDRESS_SPACES 64
#define TLB_ENTRIES 64

/* Forget everything; done at boot and when address space numbers run out. */
void tlb_clear(void);

/* Forget the page of `address` in the address space in force. */
void tlb_forget(uint32_t address);

/* Make `space` (0 to 63) the address space in force. */
void tlb_use(uint32_t space);

#endif
