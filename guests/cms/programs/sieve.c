/*
 * sieve [N]: count the primes below N with the sieve of Eratosthenes.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    uint32_t limit = number_argument(argc, argv, 1, 100000);
    uint32_t count = 0, checksum = 0;
    uint8_t *composite = malloc(limit + 1);
    if (composite == NULL)
        return fail("sieve", ERROR_NO_MEMORY);
    memset(composite, 0, limit + 1);
    for (uint32_t number = 2; number < limit; number++) {
        if (composite[number])
            continue;
        count++;
        checksum = checksum_add(checksum, number);
        if (number > limit / number)
            continue;
        for (uint32_t multiple = number * number; multiple < limit; multiple += number)
            composite[multiple] = 1;
    }
    printf("sieve %u: %u primes, checksum %08x\n", limit, count, checksum);
    return 0;
}
