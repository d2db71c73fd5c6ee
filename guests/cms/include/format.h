/*
 * The formatting behind every printf: a function that feeds characters to a
 * sink. It knows %d %u %x %c %s %%, a width, '-' for left and '0' for zeros.
 */
#ifndef CMS_FORMAT_H
#define CMS_FORMAT_H

#include "types.h"

typedef void (*character_sink)(char character, void *argument);

void format_text(character_sink sink, void *argument, const char *format, va_list values);

#endif
