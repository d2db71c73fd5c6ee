/*
 * The kernel's beginning: find memory and devices, say hello, start the shell
 * with the boot string as its argument.
 */
#include "address_space.h"
#include "bus.h"
#include "clock.h"
#include "console.h"
#include "file.h"
#include "memory.h"
#include "process.h"
#include "string.h"

#define BOOT_STRING_SIZE 1024
#define SHELL_PATH "s:/shell"

void kernel_main(const char *boot_string);

/* The shell's arguments: its name, and after the NUL the boot string. */
static char arguments[sizeof "shell" + BOOT_STRING_SIZE] = "shell";

void kernel_main(const char *boot_string)
{
    /* The boot string lies in memory that is about to be handed out. */
    char *command = arguments + sizeof "shell";
    copy_string(command, boot_string, BOOT_STRING_SIZE);

    memory_start(bus_memory_size());
    bus_start();
    if (!clock_present())
        panic("this machine has no timer device; add one to its configuration");
    address_space_start();
    uint32_t processors = bus_processors();
    print("cms 1.0 (%u kB, %u CPU%s)\n", bus_memory_size() / 1024, processors,
          processors == 1 ? "" : "s");

    struct open_file *console = file_console();
    uint32_t size = (uint32_t)(command - arguments) + strlen(command) + 1;
    int result = process_spawn(SHELL_PATH, arguments, size, 2, console, console);
    if (result < 0)
        panic("cannot start %s: error %u", SHELL_PATH, (uint32_t)-result);
    file_close(console);
    processes_run();
}
