/*
 * primes N: the primes up to N, found by trial division with the primes before.
 */
#include "cms.h"

static uint32_t *primes;
static uint32_t count;

static bool is_prime(uint32_t candidate)
{
    for (uint32_t index = 0; index < count; index++) {
        uint32_t prime = primes[index];
        if (prime > candidate / prime)
            return true;
        if (candidate % prime == 0)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        error_text("usage: primes N\n");
        return 2;
    }
    uint32_t limit = number_argument(argc, argv, 1, 0);
    /* There are 6542 primes up to 65536, the largest possible divisor. */
    primes = malloc(6542 * sizeof *primes);
    if (primes == NULL)
        return fail("primes", ERROR_NO_MEMORY);
    for (uint32_t candidate = 2; candidate <= limit && candidate != 0; candidate++) {
        if (!is_prime(candidate))
            continue;
        /* Only a prime up to the limit's square root can divide what is still to come. */
        if (candidate <= limit / candidate)
            primes[count++] = candidate;
        printf("%u\n", candidate);
    }
    return 0;
}
