/*
 * The machine as the kernel sees it: where memory, devices and vectors lie,
 * and the processor's control registers. This is the only place that knows
 * whether the kernel is linked in kseg0 or, for a monitor that runs it in user
 * mode, in kuseg (see docs/cms.md).
 */
#ifndef CMS_MACHINE_H
#define CMS_MACHINE_H

/* Physical address 0, and the first of the 32 LAMEbus slots of 64 KiB. */
#ifdef CMS_KUSEG
#define KERNEL_BASE 0x40000000
#define DEVICE_BASE 0x5fe00000
#else
#define KERNEL_BASE 0x80000000
#define DEVICE_BASE 0xbfe00000
#endif

#include "trap_frame.h"

/* Coprocessor 0, by register number. */
#define CP0_ENTRY_LO $2
#define CP0_CONTEXT $4

#define STATUS_PREVIOUS_USER 0x0008
#define STATUS_PREVIOUS_INTERRUPTS 0x0004
#define STATUS_BUS_INTERRUPT 0x0400 /* mask bit of the LAMEbus line */
#define STATUS_USER (STATUS_PREVIOUS_USER | STATUS_PREVIOUS_INTERRUPTS | STATUS_BUS_INTERRUPT)

#define PAGE_SIZE 4096

#ifndef __ASSEMBLER__

#define PHYSICAL_TO_KERNEL(physical) ((void *)((uint32_t)(physical) + KERNEL_BASE))
#define KERNEL_TO_PHYSICAL(pointer) ((uint32_t)(pointer) - KERNEL_BASE)

enum exception_code {
    EXCEPTION_INTERRUPT = 0,
    EXCEPTION_MODIFIED = 1,
    EXCEPTION_TLB_LOAD = 2,
    EXCEPTION_TLB_STORE = 3,
    EXCEPTION_ADDRESS_LOAD = 4,
    EXCEPTION_ADDRESS_STORE = 5,
    EXCEPTION_BUS_FETCH = 6,
    EXCEPTION_BUS_DATA = 7,
    EXCEPTION_SYSTEM_CALL = 8,
    EXCEPTION_BREAK = 9,
    EXCEPTION_RESERVED = 10,
    EXCEPTION_COPROCESSOR = 11,
    EXCEPTION_OVERFLOW = 12,
};

#define CAUSE_CODE(cause) ((cause) >> 2 & 31)
#define CAUSE_COPROCESSOR(cause) ((cause) >> 28 & 3)
#define CAUSE_IN_DELAY_SLOT(cause) ((int32_t)(cause) < 0)

/* Wait for an interrupt line; returns at once if one is asserted (boot.S). */
void processor_wait(void);

#endif
#endif
