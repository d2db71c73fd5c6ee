/*
 * What becomes of an exception: an interrupt is served, a fault that the memory
 * layout explains is resolved, a system call is carried out; anything else ends
 * the process, with a line that says what it did.
 */
#include "bus.h"
#include "console.h"
#include "process.h"
#include "system_call.h"

#define STACK_GUARD 0x10000 /* below the stack: whoever gets here has overflowed it */

void trap(struct trap_frame *frame);

/* The instruction that trapped; 0 (which loads and stores nothing) if it cannot be read. */
static uint32_t instruction_at(uint32_t address)
{
    uint32_t instruction = 0;
    if (address % 4 == 0)
        copy_from_user(&current->space, &instruction, address, sizeof instruction);
    return instruction;
}

static bool is_load(uint32_t instruction)
{
    uint32_t operation = instruction >> 26;
    return operation >= 0x20 && operation <= 0x26;
}

static uint32_t fault_pc(const struct trap_frame *frame)
{
    return CAUSE_IN_DELAY_SLOT(frame->cause) ? frame->epc + 4 : frame->epc;
}

/* "load from", "store to" or "jump to": what an address was wanted for. */
static const char *purpose(const struct trap_frame *frame, bool store)
{
    if (store)
        return "store to";
    return is_load(instruction_at(fault_pc(frame))) ? "load from" : "jump to";
}

static void memory_fault(const struct trap_frame *frame, bool store)
{
    uint32_t address = frame->bad_address;
    enum fault_result result = page_provide(&current->space, address, store);
    if (result == FAULT_RESOLVED)
        return;
    if (result == FAULT_NO_MEMORY)
        process_fail("no memory is left for address 0x%08x at pc 0x%08x", address, fault_pc(frame));
    if (result == FAULT_READ_ONLY)
        process_fail("store to read-only address 0x%08x at pc 0x%08x", address, fault_pc(frame));
    if (address < STACK_TOP - STACK_SIZE && address >= STACK_TOP - STACK_SIZE - STACK_GUARD)
        process_fail("stack overflow at pc 0x%08x (limit %u kB)", fault_pc(frame),
                     STACK_SIZE / 1024);
    process_fail("%s unmapped address 0x%08x at pc 0x%08x", purpose(frame, store), address,
                 fault_pc(frame));
}

static void address_error(const struct trap_frame *frame, bool store)
{
    bool is_kernel = (int32_t)frame->bad_address < 0;
    process_fail("%s %s address 0x%08x at pc 0x%08x", purpose(frame, store),
                 is_kernel ? "kernel" : "unaligned", frame->bad_address, fault_pc(frame));
}

static void coprocessor_error(const struct trap_frame *frame)
{
    uint32_t number = CAUSE_COPROCESSOR(frame->cause);
    if (number == 0)
        process_fail("privileged instruction 0x%08x at pc 0x%08x", instruction_at(fault_pc(frame)),
                     fault_pc(frame));
    process_fail("instruction for coprocessor %u, which does not exist, at pc 0x%08x", number,
                 fault_pc(frame));
}

static void user_trap(struct trap_frame *frame)
{
    switch (CAUSE_CODE(frame->cause)) {
    case EXCEPTION_INTERRUPT:
        bus_interrupt();
        return;
    case EXCEPTION_MODIFIED:
    case EXCEPTION_TLB_STORE:
        memory_fault(frame, true);
        return;
    case EXCEPTION_TLB_LOAD:
        memory_fault(frame, false);
        return;
    case EXCEPTION_ADDRESS_LOAD:
        address_error(frame, false);
        return;
    case EXCEPTION_ADDRESS_STORE:
        address_error(frame, true);
        return;
    case EXCEPTION_SYSTEM_CALL:
        if (CAUSE_IN_DELAY_SLOT(frame->cause))
            process_fail("system call in a branch delay slot at pc 0x%08x", fault_pc(frame));
        frame->epc += 4;
        system_call(frame);
        return;
    case EXCEPTION_BREAK:
        process_fail("break instruction at pc 0x%08x", fault_pc(frame));
    case EXCEPTION_RESERVED:
        process_fail("unknown instruction 0x%08x at pc 0x%08x", instruction_at(fault_pc(frame)),
                     fault_pc(frame));
    case EXCEPTION_COPROCESSOR:
        coprocessor_error(frame);
        return;
    case EXCEPTION_OVERFLOW:
        process_fail("arithmetic overflow at pc 0x%08x", fault_pc(frame));
    default:
        process_fail("bus error at pc 0x%08x", fault_pc(frame));
    }
}

void trap(struct trap_frame *frame)
{
    if (!(frame->status & STATUS_PREVIOUS_USER))
        panic("exception %u at pc 0x%08x, address 0x%08x, return address 0x%08x",
              CAUSE_CODE(frame->cause), fault_pc(frame), frame->bad_address, frame->registers[31]);
    user_trap(frame);
    process_end_if_asked();
    if (turn_is_over)
        process_yield();
    process_end_if_asked();
}
