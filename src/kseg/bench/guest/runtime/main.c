/*
 * Runs the program and prints one line: its name, the rounds, the checksum.
 *
 * The number of rounds is a word in the image, behind a marker by which the
 * harness finds and changes it: the only parameter that every platform has.
 */
#include "../programs/benchmark.h"
#include "platform.h"

volatile struct {
    char marker[12];
    word rounds;
} work = { "KSEG ROUNDS", 100 };

static void write_text(const char *text)
{
    while (*text)
        write_byte(*text++);
}

static void write_decimal(word number)
{
    if (number >= 10)
        write_decimal(number / 10);
    write_byte('0' + number % 10);
}

static void write_hexadecimal(word number)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        write_byte("0123456789abcdef"[number >> shift & 15]);
}

int main(void)
{
    word rounds = work.rounds;
    word checksum = run(rounds);

    write_text(program_name);
    write_byte(' ');
    write_decimal(rounds);
    write_byte(' ');
    write_hexadecimal(checksum);
    write_byte('\n');
    stop();
}
