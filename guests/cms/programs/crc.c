/*
 * crc [N]: the CRC-32 of N bytes of pseudo-random data, with a table.
 */
#include "cms.h"

#define POLYNOMIAL 0xedb88320u

static uint32_t table[256];

static void make_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ POLYNOMIAL : value >> 1;
        table[byte] = value;
    }
}

int main(int argc, char **argv)
{
    uint32_t length = number_argument(argc, argv, 1, 100000);
    uint32_t seed = 1, crc = 0xffffffff;
    make_table();
    for (uint32_t index = 0; index < length; index++) {
        seed = seed * 1664525u + 1013904223u;
        crc = crc >> 8 ^ table[(crc ^ seed >> 24) & 0xff];
    }
    printf("crc %u: checksum %08x\n", length, ~crc);
    return 0;
}
