/*
 * dhrystone [N]: N rounds of what ordinary programs do: records linked by
 * pointers, texts, calls, small arrays, decisions. Written for cms in the spirit
 * of the well-known benchmark of that name; the numbers cannot be compared with
 * it.
 */
#include "cms.h"

enum colour { RED, GREEN, BLUE, COLOURS };

struct record {
    struct record *next;
    enum colour colour;
    int number;
    char text[31];
};

static struct record first, second;
static int vector[50];
static int matrix[50][50];
static char letter;

static bool same_letter(char one, char other)
{
    if (one != other)
        return false;
    letter = one;
    return true;
}

static enum colour mix(enum colour one, enum colour other)
{
    switch (one) {
    case RED:
        return other;
    case GREEN:
        return other == BLUE ? RED : GREEN;
    case BLUE:
        return other == RED ? GREEN : BLUE;
    default:
        return RED;
    }
}

static bool text_precedes(const char *one, const char *other)
{
    for (int index = 0; index < 3; index++)
        if (same_letter(one[index], other[index + 1]))
            letter = 'A';
    return strcmp(one, other) < 0;
}

static int combine(int one, int other)
{
    return one + 2 + other;
}

static void fill_arrays(int base, int value)
{
    int place = base + 5;
    vector[place] = value;
    vector[place + 1] = vector[place];
    vector[place + 30] = place;
    for (int column = place; column <= place + 1; column++)
        matrix[place][column] = place;
    matrix[place][place - 1]++;
    matrix[place + 20][place] = vector[place];
}

static void change_record(struct record *record)
{
    struct record *next = record->next;
    *next = first;
    record->number = 5;
    next->number = record->number;
    next->next = record->next;
    if (next->colour == RED) {
        next->number = 6;
        next->colour = mix(record->colour, BLUE);
        next->number = combine(next->number, 10);
    } else {
        *record = *next;
    }
}

static uint32_t one_round(uint32_t round)
{
    char text[31];
    int one = 2, other = 3, third = 0;
    copy_string(text, "DHRYSTONE ROUND, 2ND TEXT", sizeof text);
    enum colour colour = GREEN;
    bool precedes = text_precedes(first.text, text);
    while (one < other) {
        third = 5 * one - other;
        third = combine(one, third);
        one++;
    }
    fill_arrays(one, third);
    change_record(&first);
    for (char index = 'A'; index <= 'C'; index++)
        if (same_letter(index, 'C') && precedes)
            colour = mix(colour, RED);
    other = other * one;
    one = other / third;
    other = 7 * (other - third) - one;
    first.colour = RED;
    return (uint32_t)(one + other * 3 + third * 5 + (int)colour * 7 + second.number + matrix[8][7] +
                      vector[8]) +
           round % 8;
}

int main(int argc, char **argv)
{
    uint32_t rounds = number_argument(argc, argv, 1, 10000);
    uint32_t checksum = 0;
    first.next = &second;
    copy_string(first.text, "DHRYSTONE ROUND, 1ST TEXT", sizeof first.text);
    uint32_t before = milliseconds();
    for (uint32_t round = 0; round < rounds; round++)
        checksum = checksum_add(checksum, one_round(round));
    uint32_t taken = milliseconds() - before;
    printf("dhrystone %u: checksum %08x\n", rounds, checksum);
    if (taken > 0)
        printf("%u ms, %u rounds a second\n", taken,
               rounds / taken * 1000 + rounds % taken * 1000 / taken);
    return 0;
}
