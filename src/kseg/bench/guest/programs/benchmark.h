/*
 * What a benchmark program gives and what it may use. A program works alike on
 * every platform, so it uses nothing but these types and its own memory.
 */
#ifndef BENCHMARK_H
#define BENCHMARK_H

typedef unsigned char byte;
typedef unsigned int word;

/* The program's name, as it stands in its line of output. */
extern const char program_name[];

/*
 * Do the work so many times and return a checksum of everything computed. One
 * round takes about a million R3000 instructions; preparing may take some more.
 */
word run(word rounds);

/* The next number of a fixed pseudo-random sequence; its high bits are the good ones. */
static inline word next_random(word number)
{
    return number * 1664525u + 1013904223u;
}

/* Mix `value` into a checksum. */
static inline word mix(word checksum, word value)
{
    return ((checksum << 5) | (checksum >> 27)) ^ value;
}

#endif
