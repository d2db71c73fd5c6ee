/*
 * malloc and free: one list of free pieces, ordered by address, taken from by
 * first fit and merged when neighbours come back.
 */
#include "cms.h"

#define GRAIN 8u
#define GROWTH 16384u

struct piece {
    uint32_t size;      /* bytes, this header included */
    struct piece *next; /* while free */
};

static struct piece *first;

static struct piece *after(struct piece *piece)
{
    return (struct piece *)((char *)piece + piece->size);
}

void free(void *memory)
{
    if (memory == NULL)
        return;
    struct piece *piece = (struct piece *)((char *)memory - GRAIN);
    struct piece *before = NULL, *next = first;
    while (next != NULL && next < piece) {
        before = next;
        next = next->next;
    }
    piece->next = next;
    if (next != NULL && after(piece) == next) {
        piece->size += next->size;
        piece->next = next->next;
    }
    if (before == NULL) {
        first = piece;
    } else if (after(before) == piece) {
        before->size += piece->size;
        before->next = piece->next;
    } else {
        before->next = piece;
    }
}

static bool grow(uint32_t size)
{
    size = (size + GROWTH - 1) / GROWTH * GROWTH;
    int start = grow_heap((int)size);
    if (start < 0)
        return false;
    struct piece *piece = (struct piece *)(uintptr_t)start;
    piece->size = size;
    free((char *)piece + GRAIN);
    return true;
}

void *malloc(size_t size)
{
    if (size > HEAP_LIMIT)
        return NULL;
    size = (size + GRAIN + GRAIN - 1) / GRAIN * GRAIN;
    do {
        for (struct piece **link = &first; *link != NULL; link = &(*link)->next) {
            struct piece *piece = *link;
            if (piece->size < size)
                continue;
            if (piece->size - size < 2 * GRAIN) {
                *link = piece->next;
            } else {
                struct piece *rest = (struct piece *)((char *)piece + size);
                rest->size = piece->size - size;
                rest->next = piece->next;
                piece->size = size;
                *link = rest;
            }
            return (char *)piece + GRAIN;
        }
    } while (grow(size));
    return NULL;
}
