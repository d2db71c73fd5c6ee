/*
 * fault [KIND]: do something forbidden; the kernel ends the program and says why.
 */
#include "cms.h"

#define KERNEL_ADDRESS 0x80000000u
#define UNMAPPED_ADDRESS 0x10000000u

static const uint32_t constant[2] = {1, 2};

static volatile uint32_t *at(uint32_t address)
{
    /* Through a variable, so that the compiler cannot know better. */
    volatile uint32_t hidden = address;
    return (volatile uint32_t *)(uintptr_t)hidden;
}

static void jump_to(uint32_t address)
{
    volatile uint32_t hidden = address;
    ((void (*)(void))(uintptr_t)hidden)();
}

static void store_null(void)
{
    *at(0) = 1;
}

static void load_unmapped(void)
{
    (void)*at(UNMAPPED_ADDRESS);
}

static void store_code(void)
{
    *at((uint32_t)(uintptr_t)constant) = 1;
}

static void load_kernel(void)
{
    (void)*at(KERNEL_ADDRESS);
}

static void store_kernel(void)
{
    *at(KERNEL_ADDRESS) = 0;
}

static void jump_kernel(void)
{
    jump_to(KERNEL_ADDRESS);
}

static void jump_null(void)
{
    jump_to(0);
}

static void load_unaligned(void)
{
    (void)*at((uint32_t)(uintptr_t)constant + 2);
}

static void run_privileged(void)
{
    __asm__ volatile("mtc0 $0, $12");
}

static void run_unknown(void)
{
    __asm__ volatile(".word 0xfc000000");
}

static void run_float(void)
{
    __asm__ volatile(".word 0x46000000"); /* add.s $f0, $f0, $f0 */
}

static void run_break(void)
{
    __asm__ volatile("break");
}

static void call_in_delay_slot(void)
{
    __asm__ volatile(".set push\n .set noreorder\n b 1f\n syscall\n 1: nop\n .set pop");
}

static const struct {
    const char *name;
    void (*act)(void);
} kinds[] = {
    {"null", store_null},
    {"unmapped", load_unmapped},
    {"code", store_code},
    {"load-kernel", load_kernel},
    {"store-kernel", store_kernel},
    {"jump-kernel", jump_kernel},
    {"jump-null", jump_null},
    {"unaligned", load_unaligned},
    {"privileged", run_privileged},
    {"unknown", run_unknown},
    {"float", run_float},
    {"break", run_break},
    {"delay-slot", call_in_delay_slot},
};

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "null";
    for (uint32_t index = 0; index < COUNT_OF(kinds); index++)
        if (strcmp(kinds[index].name, wanted) == 0)
            kinds[index].act();
    error_text("usage: fault [KIND], with one of these kinds:");
    for (uint32_t index = 0; index < COUNT_OF(kinds); index++)
        error_text(" %s", kinds[index].name);
    error_text("\n");
    return 2;
}
