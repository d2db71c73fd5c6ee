/*
 * Output: what programs print collects in a buffer, so that a line costs one
 * system call.
 */
#include "cms.h"
#include "format.h"

#define BUFFER_SIZE 512

void end_process(int status) __attribute__((noreturn));

static char buffer[BUFFER_SIZE];
static uint32_t filled;

static void write_all(int file, const char *text, uint32_t length)
{
    while (length > 0) {
        int count = write(file, text, length);
        if (count <= 0) {
            if (file == 1)
                error_text("output: %s\n", error_name(count));
            end_process(1);
        }
        text += count;
        length -= (uint32_t)count;
    }
}

void flush(void)
{
    uint32_t length = filled;
    filled = 0;
    write_all(1, buffer, length);
}

void exit(int status)
{
    flush();
    end_process(status);
}

void put_character(char character)
{
    if (filled == BUFFER_SIZE)
        flush();
    buffer[filled++] = character;
}

void put_text(const char *text)
{
    while (*text != '\0')
        put_character(*text++);
}

static void to_buffer(char character, void *argument)
{
    (void)argument;
    put_character(character);
}

int printf(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    format_text(to_buffer, NULL, format, values);
    va_end(values);
    return 0;
}

struct text {
    char characters[160];
    uint32_t length;
};

static void to_text(char character, void *argument)
{
    struct text *text = argument;
    if (text->length < sizeof text->characters)
        text->characters[text->length++] = character;
}

void error_text(const char *format, ...)
{
    struct text text = {.length = 0};
    va_list values;
    flush();
    va_start(values, format);
    format_text(to_text, &text, format, values);
    va_end(values);
    write(2, text.characters, text.length);
}
