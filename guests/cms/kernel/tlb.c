/*
 * The translation buffer. A nop stands wherever an R3000 needs an instruction
 * between writing a control register and using what was written.
 */
#include "tlb.h"
#include "machine.h"

/* An address that is never looked up, a different one for each entry. */
#define UNUSED_PAGE(index) (0xfff00000u + (index) * PAGE_SIZE)

static uint32_t space_in_force;

static void write_entry(uint32_t index, uint32_t entry_high)
{
    __asm__ volatile(".set push\n .set noreorder\n"
                     "mtc0 %0, $0\n"
                     "mtc0 %1, $10\n"
                     "mtc0 $0, $2\n"
                     "nop\n"
                     "tlbwi\n"
                     "nop\n"
                     ".set pop" ::"r"(index << 8),
                     "r"(entry_high));
}

void tlb_use(uint32_t space)
{
    space_in_force = space;
    __asm__ volatile("mtc0 %0, $10" ::"r"(space << 6));
}

void tlb_clear(void)
{
    for (uint32_t index = 0; index < TLB_ENTRIES; index++)
        write_entry(index, UNUSED_PAGE(index));
    tlb_use(space_in_force);
}

void tlb_forget(uint32_t address)
{
    uint32_t index;
    __asm__ volatile(".set push\n .set noreorder\n"
                     "mtc0 %1, $10\n"
                     "nop\n"
                     "tlbp\n"
                     "nop\n"
                     "mfc0 %0, $0\n"
                     "nop\n"
                     ".set pop"
                     : "=r"(index)
                     : "r"((address & ENTRY_FRAME) | space_in_force << 6));
    if ((int32_t)index >= 0)
        write_entry(index >> 8 & (TLB_ENTRIES - 1), UNUSED_PAGE(index >> 8 & (TLB_ENTRIES - 1)));
    tlb_use(space_in_force);
}
