/*
 * The integer types and helpers that kernel, library and programs share. They
 * are spelled out here so that nothing depends on a compiler's own headers.
 */
#ifndef CMS_TYPES_H
#define CMS_TYPES_H

typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef unsigned int size_t;
typedef unsigned int uintptr_t;

typedef __builtin_va_list va_list;
#define va_start(list, last) __builtin_va_start(list, last)
#define va_arg(list, type) __builtin_va_arg(list, type)
#define va_end(list) __builtin_va_end(list)

#define bool _Bool
#define true 1
#define false 0
#define NULL ((void *)0)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
