/*
 * String and memory functions with their usual meanings, shared by the kernel
 * and the user library.
 */
#ifndef CMS_STRING_H
#define CMS_STRING_H

#include "types.h"

void *memcpy(void *to, const void *from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *left, const void *right, size_t length);
size_t strlen(const char *text);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t limit);
char *strchr(const char *text, int wanted);

/* Copy at most `size` - 1 characters and end with a NUL; false if cut short. */
bool copy_string(char *to, const char *from, size_t size);

#endif
