/* A static program for Linux with the o32 calling convention, as qemu-mips runs it. */
#include "platform.h"

#define SYSTEM_EXIT 4001
#define SYSTEM_WRITE 4004
#define STANDARD_OUTPUT 1

static void call_system(long number, long first, long second, long third)
{
    register long result __asm__("$2") = number;
    register long a0 __asm__("$4") = first;
    register long a1 __asm__("$5") = second;
    register long a2 __asm__("$6") = third;
    register long error __asm__("$7");

    __asm__ volatile("syscall"
                     : "+r"(result), "=r"(error)
                     : "r"(a0), "r"(a1), "r"(a2)
                     : "memory", "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15",
                       "$24", "$25");
}

void write_byte(char character)
{
    call_system(SYSTEM_WRITE, STANDARD_OUTPUT, (long)&character, 1);
}

void stop(void)
{
    for (;;)
        call_system(SYSTEM_EXIT, 0, 0, 0);
}
