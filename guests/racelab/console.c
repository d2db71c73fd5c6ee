/*
 * Text on the console, lines from it, and the last words of a kernel.
 */
#include "console.h"
#include "bus.h"
#include "format.h"
#include "machine.h"
#include "thread.h"

static void put(char character, void *argument)
{
    (void)argument;
    console_put(character);
}

void print(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    uint32_t before = interrupts_off();
    format_text(put, NULL, format, values);
    interrupts_restore(before);
    va_end(values);
}

void panic(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    interrupts_off();
    print("panic: ");
    format_text(put, NULL, format, values);
    print("\n");
    va_end(values);
    power_off(true);
}

static char read_key(void)
{
    uint32_t before = interrupts_off();
    int key;
    while ((key = console_take()) < 0)
        thread_sleep(WAIT_EVENT, console_input);
    interrupts_restore(before);
    return (char)key;
}

void read_line(char *line, uint32_t size)
{
    uint32_t length = 0;
    for (;;) {
        char key = read_key();
        if (key == '\r' || key == '\n') {
            print("\n");
            line[length] = '\0';
            return;
        }
        if ((key == '\b' || key == 0x7f) && length > 0) {
            length--;
            print("\b \b");
        } else if (key >= ' ' && key < 0x7f && length + 1 < size) {
            line[length++] = key;
            print("%c", key);
        }
    }
}
