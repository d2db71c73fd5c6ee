/*
 * The formatting behind the kernel's messages and the user library's printf.
 */
#include "format.h"
#include "string.h"

struct field {
    int width;
    bool left;
    char fill;
};

static void put_field(character_sink sink, void *argument, const struct field *field,
                      const char *text, int length)
{
    int padding = field->width - length;
    if (!field->left) {
        /* A sign goes before the zeros that fill a number up. */
        if (field->fill == '0' && *text == '-') {
            sink(*text++, argument);
            length--;
        }
        for (; padding > 0; padding--)
            sink(field->fill, argument);
    }
    while (length-- > 0)
        sink(*text++, argument);
    for (; padding > 0; padding--)
        sink(' ', argument);
}

static void put_number(character_sink sink, void *argument, const struct field *field,
                       uint32_t value, uint32_t base, bool negative)
{
    char digits[11];
    char *start = digits + sizeof digits;
    do {
        *--start = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    if (negative)
        *--start = '-';
    put_field(sink, argument, field, start, (int)(digits + sizeof digits - start));
}

void format_text(character_sink sink, void *argument, const char *format, va_list values)
{
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            sink(*format, argument);
            continue;
        }
        struct field field = {.width = 0, .left = false, .fill = ' '};
        format++;
        if (*format == '-') {
            field.left = true;
            format++;
        } else if (*format == '0') {
            field.fill = '0';
            format++;
        }
        for (; *format >= '0' && *format <= '9'; format++)
            field.width = field.width * 10 + *format - '0';
        switch (*format) {
        case 'd': {
            int value = va_arg(values, int);
            uint32_t magnitude = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
            put_number(sink, argument, &field, magnitude, 10, value < 0);
            break;
        }
        case 'u':
            put_number(sink, argument, &field, va_arg(values, uint32_t), 10, false);
            break;
        case 'x':
            put_number(sink, argument, &field, va_arg(values, uint32_t), 16, false);
            break;
        case 's': {
            const char *text = va_arg(values, const char *);
            put_field(sink, argument, &field, text, (int)strlen(text));
            break;
        }
        case 'c': {
            char character = (char)va_arg(values, int);
            put_field(sink, argument, &field, &character, 1);
            break;
        }
        case '\0':
            return;
        default:
            sink(*format, argument);
        }
    }
}
