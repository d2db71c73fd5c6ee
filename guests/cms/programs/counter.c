/*
 * counter [N]: print a line once a second of the machine's time, for ever or N
 * times.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    uint32_t count = number_argument(argc, argv, 1, 0);
    uint32_t start = milliseconds();
    for (uint32_t line = 1; count == 0 || line <= count; line++) {
        /* Sleep up to a moment, not for a while: delays must not add up. */
        int left = (int)(start + line * 1000 - milliseconds());
        if (left > 0)
            sleep((uint32_t)left);
        printf("%u\n", line);
        flush();
    }
    return 0;
}
