/* The sieve of Eratosthenes: byte stores at growing strides, short loops. */
#include "benchmark.h"

#define LIMIT 33000

const char program_name[] = "sieve";

static byte composite[LIMIT];

static word count_primes(word *last)
{
    word count = 0;

    for (word number = 0; number < LIMIT; number++)
        composite[number] = 0;
    for (word number = 2; number < LIMIT; number++) {
        if (composite[number])
            continue;
        count++;
        *last = number;
        for (word multiple = number + number; multiple < LIMIT; multiple += number)
            composite[multiple] = 1;
    }
    return count;
}

word run(word rounds)
{
    word checksum = 0;
    word last = 0;

    for (word round = 0; round < rounds; round++) {
        checksum = mix(checksum, count_primes(&last));
        checksum = mix(checksum, last + round);
    }
    return checksum;
}
