/*
 * String and memory functions, shared by the kernel and the user library. The
 * copying and filling ones go by words where both ends are aligned, since they
 * move whole pages.
 */
#include "string.h"

#define WORD_ALIGNED(address) (((uintptr_t)(address) & 3) == 0)

void *memcpy(void *to, const void *from, size_t length)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (WORD_ALIGNED(out) && WORD_ALIGNED(in)) {
        uint32_t *out_word = to;
        const uint32_t *in_word = from;
        for (; length >= 16; length -= 16, out_word += 4, in_word += 4) {
            uint32_t first = in_word[0], second = in_word[1];
            uint32_t third = in_word[2], fourth = in_word[3];
            out_word[0] = first;
            out_word[1] = second;
            out_word[2] = third;
            out_word[3] = fourth;
        }
        for (; length >= 4; length -= 4)
            *out_word++ = *in_word++;
        out = (uint8_t *)out_word;
        in = (const uint8_t *)in_word;
    }
    while (length-- > 0)
        *out++ = *in++;
    return to;
}

void *memmove(void *to, const void *from, size_t length)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (out <= in || out >= in + length)
        return memcpy(to, from, length);
    while (length-- > 0)
        out[length] = in[length];
    return to;
}

void *memset(void *to, int value, size_t length)
{
    uint8_t *out = to;
    while (length > 0 && !WORD_ALIGNED(out)) {
        *out++ = (uint8_t)value;
        length--;
    }
    uint32_t word = (uint8_t)value * 0x01010101u;
    uint32_t *out_word = (uint32_t *)out;
    for (; length >= 16; length -= 16, out_word += 4) {
        out_word[0] = word;
        out_word[1] = word;
        out_word[2] = word;
        out_word[3] = word;
    }
    out = (uint8_t *)out_word;
    while (length-- > 0)
        *out++ = (uint8_t)value;
    return to;
}

int memcmp(const void *left, const void *right, size_t length)
{
    const uint8_t *one = left, *other = right;
    for (; length > 0; length--, one++, other++)
        if (*one != *other)
            return *one - *other;
    return 0;
}

size_t strlen(const char *text)
{
    const char *end = text;
    while (*end != '\0')
        end++;
    return (size_t)(end - text);
}

int strcmp(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return (uint8_t)*left - (uint8_t)*right;
}

int strncmp(const char *left, const char *right, size_t limit)
{
    for (; limit > 0; limit--, left++, right++)
        if (*left != *right || *left == '\0')
            return (uint8_t)*left - (uint8_t)*right;
    return 0;
}

char *strchr(const char *text, int wanted)
{
    for (;; text++) {
        if (*text == (char)wanted)
            return (char *)text;
        if (*text == '\0')
            return NULL;
    }
}

bool copy_string(char *to, const char *from, size_t size)
{
    for (; size > 1 && *from != '\0'; size--)
        *to++ = *from++;
    *to = '\0';
    return *from == '\0';
}
