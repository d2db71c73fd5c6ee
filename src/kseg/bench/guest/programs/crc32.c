/* CRC-32 with a table of 256 words: byte loads, table look-ups, shifts. */
#include "benchmark.h"

#define BUFFER_SIZE 11264
#define PASSES 8
#define POLYNOMIAL 0xedb88320u

const char program_name[] = "crc32";

static byte buffer[BUFFER_SIZE];
static word table[256];

static void prepare(void)
{
    word random = 1;

    for (word index = 0; index < 256; index++) {
        word value = index;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ POLYNOMIAL : value >> 1;
        table[index] = value;
    }
    for (word index = 0; index < BUFFER_SIZE; index++) {
        random = next_random(random);
        buffer[index] = random >> 24;
    }
}

static word update(word crc)
{
    for (word index = 0; index < BUFFER_SIZE; index++)
        crc = table[(crc ^ buffer[index]) & 0xff] ^ crc >> 8;
    return crc;
}

word run(word rounds)
{
    word crc = 0xffffffff;

    prepare();
    for (word pass = 0; pass < rounds * PASSES; pass++)
        crc = update(crc);
    return ~crc;
}
